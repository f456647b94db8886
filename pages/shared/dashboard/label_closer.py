"""One label closer: over the rounds, its calibration, its curve with a threshold to try, and the texts behind it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from core.errors import TagtailError
from core.evaluate.curves import Decision, decision
from core.evaluate.proportion import Share
from core.services.dashboard.one_label import Answers, OneLabel
from core.services.dashboard.per_label import Labels
from db.errors import StorageError
from pages.shared import cache, charts, messages
from pages.shared.charts import plain_name
from pages.shared.dashboard import figure, label_charts, label_texts, per_label
from pages.shared.i18n import lang, listed, plain, respoken, spoken, t

_SCOPE = "label_scope"
STEP = 0.005  # of the threshold that is tried


def choose(scope: str) -> None:
    """From a callback: the label to look at from now on."""
    st.session_state[spoken(_SCOPE)] = scope


@st.fragment
def panel(project_id: int, found: Labels, names: Mapping[str, str]) -> None:
    """The choice of a label and all that is known of it; a fragment, so that a slider redraws nothing else."""
    st.subheader(t("per_label.closer"), anchor=False)
    offered = {line.scope: names.get(line.scope, line.scope) for line in (*found.labels, *found.together)}
    offered |= {key: t("per_label.gone", name=names.get(key, key)) for key in found.gone}
    key = respoken(_SCOPE, offered, next(iter(offered)))
    scope = st.selectbox(t("per_label.choose"), list(offered), format_func=lambda one: offered[one], key=key)
    try:
        one = cache.one_label(project_id, scope)
    except (TagtailError, StorageError) as error:
        messages.show(error)
        return
    left, right = st.columns(2, gap="large")
    with left:
        _history(one, offered[scope])
    answers = one.answers
    if answers is None:
        known = next((line for line in found.labels if line.scope == scope), None)
        key = "aggregate" if scope in [line.scope for line in found.together] else "no_answers"
        right.info(t(f"per_label.{key if known is None or known.models else 'not_known'}"), icon=":material/info:")
        return
    with right:
        _calibration(one, answers, offered[scope])
    _threshold(one, answers)
    label_texts.panel(one, answers, names)


def _history(one: OneLabel, name: str) -> None:
    st.markdown(f"##### {t('per_label.history')}")
    student = [each for each in one.history if each.model == "student"]
    if not student:
        st.info(t("per_label.history_none"), icon=":material/info:")
        return
    last, first = student[-1], student[0]
    said = t(
        "per_label.history_said", name=plain(name), round=last.round, f1=plain(f"{last.f1:.2f}"),
        interval=plain(charts.interval(last)), support=last.support, n=last.n,
    )  # fmt: skip
    if first.round != last.round:
        said += " " + t("per_label.history_since", first=first.round, f1=plain(f"{first.f1:.2f}"))
    figure.chart(
        figure.kept(label_charts.history, one.history, plain_name(name), lang()), key="chart_history", sentence=said,
        table=lambda: per_label.as_data((each, name) for each in one.history), name=f"f1-over-rounds-{one.scope}",
        note=t("per_label.history_note"),
    )  # fmt: skip


def _calibration(one: OneLabel, answers: Answers, name: str) -> None:
    st.markdown(f"##### {t('per_label.calibration')}")
    found, n = answers.reliability, len(answers.truth)
    said = t(
        "per_label.calibration_said", name=plain(name), expected=plain(f"{float(answers.probs.sum()):.1f}"),
        positives=int(answers.truth.sum()), points=plain(f"{100 * (found.error or 0.0):.1f}"), round=one.round, n=n,
    )  # fmt: skip
    rows = [
        {
            t("per_label.axis_said"): round(each.mean, 4), t("per_label.axis_true"): round(each.observed.value, 4),
            t("per_label.column_low"): round(each.observed.low, 4),
            t("per_label.column_high"): round(each.observed.high, 4), "k": each.observed.k, "n": each.observed.n,
        }
        for each in found.bins
    ]  # fmt: skip
    figure.chart(
        figure.kept(label_charts.calibration, found, lang()), key="chart_calibration", sentence=said, table=rows,
        name=f"calibration-{one.scope}", note=t("per_label.calibration_note"),
    )  # fmt: skip


def _threshold(one: OneLabel, answers: Answers) -> None:
    """The curve, and what another threshold would do; the slider stands beside, and stores nothing."""
    left, right = st.columns([3, 2], gap="large")
    if not answers.curves:
        left.info(t("per_label.curve_none"), icon=":material/info:")
        return
    now = decision(answers.truth, answers.probs, answers.threshold)
    with right:
        tried = _tried(one, answers)
        _what_if(now, tried)
    with left:
        st.markdown(f"##### {t('per_label.curve')}")
        said = t(
            "per_label.curve_said", threshold=plain(f"{now.threshold:.2f}"), precision=_share(now.precision),
            recall=_share(now.recall), ap=_precisions(answers), round=one.round, n=now.n, support=now.positives,
        )  # fmt: skip
        drawn = figure.kept(
            label_charts.precision_recall,
            answers.curves,
            now,
            tried if tried.threshold != now.threshold else None,
            lang(),
        )
        figure.chart(
            drawn,
            key="chart_curve",
            sentence=said,
            table=lambda: _points(answers),
            name=f"precision-recall-{one.scope}",
        )


def _tried(one: OneLabel, answers: Answers) -> Decision:
    """Where the slider stands; at its start that is the threshold itself, to the last digit."""
    st.markdown(f"##### {t('per_label.what_if')}")
    start = round(round(answers.threshold / STEP) * STEP, 3)
    chosen = st.slider(
        t("per_label.what_if"), 0.0, 1.0, value=start, step=STEP, format="%.3f", label_visibility="collapsed",
        key=f"threshold_{one.scope}_{one.round}",
    )  # fmt: skip
    return decision(answers.truth, answers.probs, answers.threshold if abs(chosen - start) < STEP / 2 else chosen)


def _what_if(now: Decision, tried: Decision) -> None:
    st.markdown(
        t(
            "per_label.what_if_said", threshold=plain(f"{tried.threshold:.2f}"), n=now.n, named=tried.named,
            now=now.named, hits=tried.hits, missed=tried.positives - tried.hits,
        )
    )  # fmt: skip
    rows = (
        (t("per_label.row_threshold"), *(f"{each.threshold:.3f}" for each in (now, tried))),
        (t("per_label.row_named"), now.named, tried.named),
        (t("per_label.row_hits"), now.hits, tried.hits),
        (t("per_label.row_missed"), now.positives - now.hits, tried.positives - tried.hits),
        (t("per_label.column_precision"), _interval(now.precision), _interval(tried.precision)),
        (t("per_label.column_recall"), _interval(now.recall), _interval(tried.recall)),
        ("F1", f"{now.f1:.2f}", f"{tried.f1:.2f}"),
    )
    heads = (t("per_label.column_figure", n=now.n), t("per_label.column_now"), t("per_label.column_tried"))
    st.dataframe([dict(zip(heads, map(str, each), strict=True)) for each in rows], hide_index=True, width="stretch")
    st.caption(t("per_label.what_if_note"))


def _share(share: Share | None) -> str:
    return plain(f"{share.value:.2f}") if share else "–"


def _interval(share: Share | None) -> str:
    return f"{share.value:.2f} [{share.low:.2f}, {share.high:.2f}]" if share else "–"


def _precisions(answers: Answers) -> str:
    """Each model's average precision, the student's first."""
    return listed(
        f"{t(f'dashboard.model_{model}')} {plain(f'{answers.curves[model].average_precision:.2f}')}"
        for model in charts.MODELS
        if model in answers.curves
    )


def _points(answers: Answers) -> list[dict[str, Any]]:
    """The drawn curves as data."""
    model, threshold, precision, recall = (
        t(f"per_label.column_{name}") for name in ("model", "threshold", "precision", "recall")
    )
    names = {each: t(f"dashboard.model_{each}") for each in answers.curves}
    return [
        {model: names[each], threshold: round(cut, 4), precision: round(p, 4), recall: round(r, 4)}
        for each, curve in answers.curves.items()
        for cut, p, r in zip(*label_charts.thinned(curve), strict=True)
    ]
