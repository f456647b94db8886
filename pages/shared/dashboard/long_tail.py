"""Long tail: how rare each label is, how well it is learned, what the queue spends on it, what distillation gains."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from core.evaluate.paired import Gain
from core.services.dashboard.long_tail import BandLine, LongTail, TailLine
from core.services.reporting import Overview
from core.wording import rounded, signed
from pages.shared import cache
from pages.shared.charts import UNSTABLE_BELOW
from pages.shared.dashboard import attention_view, band_choice, figure, tail_charts, tail_curve
from pages.shared.i18n import lang, plain, t
from pages.shared.links import page_link

Names = Mapping[str, str]


def show(view: Overview) -> None:
    """The tab."""
    found = cache.long_tail(view.project.id)
    names = view.project.label_set.names(lang())
    if not found.labels:
        st.info(t("dashboard.empty_labels"), icon=":material/label:")
        return
    attention_view.changed_labels(found.relabelled, names)
    left, right = st.columns(2, gap="large")
    with left:
        _frequency(found, names)
    with right:
        _f1(found, names)
    lines = band_choice.chosen(found.labels, "tail_band")
    left, right = st.columns(2, gap="large")
    with left:
        _queue(found, lines, names)
    with right:
        _gain(found, lines, names)


def _data(line: TailLine, names: Names) -> dict[str, Any]:
    return {
        t("per_label.column_label"): names.get(line.key, line.key),
        t("long_tail.column_band"): t(f"long_tail.{line.band}"),
    }


def _frequency(found: LongTail, names: Names) -> None:
    st.subheader(t("long_tail.frequency"), anchor=False)
    most, least = found.labels[0], found.labels[-1]
    said = {"most": plain(names.get(most.key, most.key)), "least": plain(names.get(least.key, least.key))}
    if most.share and least.share:
        tail = next(band for band in found.bands if band.band == "tail")
        marks = sum(band.marks for band in found.bands)
        sentence = t(
            "long_tail.frequency_said", n=found.n_gold, most_share=_percent(most.share.value),
            least_share=_percent(least.share.value), n_tail=tail.n,
            tail_share=_percent(tail.marks / marks) if marks else "0", **said,
        )  # fmt: skip
    else:
        sentence = t("long_tail.frequency_said_pool", n=found.n_pool, **said)
    rows = [
        _data(line, names)
        | {
            t("long_tail.column_gold"): line.gold,
            t("long_tail.column_share"): round(line.share.value, 4) if line.share else None,
            t("per_label.column_low"): round(line.share.low, 4) if line.share else None,
            t("per_label.column_high"): round(line.share.high, 4) if line.share else None,
            t("long_tail.column_pool"): line.pool,
        }
        for line in found.labels
    ]
    many = len(found.labels) > tail_curve.BARS
    drawn = tail_curve.frequency if many else tail_charts.frequency
    figure.chart(
        figure.kept(drawn, found, names, lang()), key="chart_frequency", sentence=sentence, table=rows,
        name="label-frequency", note=t("long_tail.curve_note" if many else "long_tail.frequency_note"),
    )  # fmt: skip


def _f1(found: LongTail, names: Names) -> None:
    st.subheader(t("long_tail.f1"), anchor=False)
    if found.round is None or not any(line.metric for line in found.labels):
        st.info(t("dashboard.empty_round"), icon=":material/info:")
        page_link("rounds", t("dashboard.go_rounds"))
        return
    bands = "，".join(_band(band) for band in found.bands if band.f1 is not None)
    bands = bands if lang() != "en" else bands.replace("，", ", ")
    rows = [
        _data(line, names)
        | {
            t("long_tail.column_pool"): line.pool, "F1": round(line.metric.f1, 4),
            t("per_label.column_low"): line.metric.low, t("per_label.column_high"): line.metric.high,
            t("per_label.column_gold"): line.metric.support, t("per_label.column_round"): line.metric.round,
            "n": line.metric.n,
        }
        for line in found.labels if line.metric
    ]  # fmt: skip
    figure.chart(
        figure.kept(tail_charts.f1_against_frequency, found, names, lang()), key="chart_f1_frequency", table=rows,
        sentence=t("long_tail.f1_said", bands=bands, round=found.round, n=found.n), name="f1-against-frequency",
        note=t("long_tail.f1_note", least=UNSTABLE_BELOW),
    )  # fmt: skip


def _band(band: BandLine) -> str:
    interval = "" if band.low is None or band.high is None else plain(f"[{band.low:.2f}, {band.high:.2f}]")
    said = t("long_tail.f1_band", band=t(f"long_tail.{band.band}"), f1=plain(f"{band.f1:.2f}"), interval=interval)
    return said.strip()


def _queue(found: LongTail, lines: list[TailLine], names: Names) -> None:
    st.subheader(t("long_tail.queue"), anchor=False)
    queue, n = found.queue, found.queue.n
    neediest = max(found.labels, key=lambda line: line.need)
    total = tail_charts.spent(found)
    if n:
        of_tail = sum(line.asked + line.sought for line in found.labels if line.band == "tail")
        sentence = t(
            "long_tail.queue_said", n=n, tail=_percent(of_tail / n), random=_percent(queue.random / n),
            words=_percent(sum(line.sought for line in found.labels) / n),
        )  # fmt: skip
        if queue.by_need and total:
            sentence += " " + t(
                "long_tail.queue_most", name=plain(names.get(neediest.key, neediest.key)),
                need=_percent(neediest.need), given=_percent((neediest.asked + neediest.sought) / total),
            )  # fmt: skip
    else:
        sentence = t("long_tail.queue_empty")
    rows = [
        _data(line, names)
        | {
            t("long_tail.column_queue"): line.asked + line.sought, t("long_tail.column_words"): line.sought,
            t("long_tail.column_need"): round(line.need, 4),
        }
        for line in lines
    ]  # fmt: skip
    note = t("long_tail.queue_note")
    if not queue.by_need:
        note += " " + t("long_tail.queue_other", strategy=queue.strategy)
    figure.chart(
        figure.kept(tail_charts.queue, found, lines, names, lang()), key="chart_queue", sentence=sentence, table=rows,
        name="queue-by-label", note=note,
    )  # fmt: skip


def _gain(found: LongTail, lines: list[TailLine], names: Names) -> None:
    st.subheader(t("long_tail.gain"), anchor=False)
    if found.macro is None:
        st.info(t("long_tail.gain_none" if found.round else "dashboard.empty_round"), icon=":material/info:")
        return
    kinds = [tail_charts.verdict(line) for line in found.labels]
    of_tail = (_signed(found.tail), _interval(found.tail)) if found.tail else ("–", "")
    sentence = t(
        "long_tail.gain_said", macro=_signed(found.macro), macro_interval=_interval(found.macro), tail=of_tail[0],
        tail_interval=of_tail[1], up=kinds.count("better"), down=kinds.count("worse"), round=found.round,
        n=found.compared,
    )  # fmt: skip
    rows = [
        _data(line, names)
        | {
            t("long_tail.column_difference"): rounded(line.gain.difference),
            t("per_label.column_low"): rounded(line.gain.low), t("per_label.column_high"): rounded(line.gain.high),
            t("per_label.column_round"): found.round, "n": found.compared,
        }
        for line in lines if line.gain
    ]  # fmt: skip
    figure.chart(
        figure.kept(tail_charts.gain, found, lines, names, lang()), key="chart_gain", sentence=sentence, table=rows,
        name="gain-of-distillation", note=t("long_tail.gain_note"),
    )  # fmt: skip


def _percent(share: float) -> str:
    """As a sentence says it: small shares with a digit more."""
    return plain(f"{100 * share:.0f}" if share >= 0.1 or share == 0 else f"{100 * share:.1f}")


def _signed(gain: Gain) -> str:
    return plain(signed(gain.difference, 3))


def _interval(gain: Gain) -> str:
    return plain(f"[{signed(gain.low, 3)}, {signed(gain.high, 3)}]")
