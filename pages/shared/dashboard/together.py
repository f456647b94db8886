"""Together: which labels come with which, where the student differs from people, and the texts behind each number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from core.evaluate.cooccurrence import FEW_EXPECTED, Together
from core.labels import Label
from core.services.dashboard.together import View
from core.services.reporting import Overview
from core.wording import rounded
from pages.shared import cache
from pages.shared.charts import UNSTABLE_BELOW
from pages.shared.dashboard import figure, together_figure, together_texts
from pages.shared.dashboard.together_figure import MEASURES
from pages.shared.i18n import lang, plain, respoken, t

SHOWN = 20  # labels at once, unless another number is chosen
NUMBERS = (10, SHOWN, 30, 40)
SOURCES = ("pool", "gold", "student", "difference")
CHART = "together_chart"


def show(view: Overview) -> None:
    """The tab."""
    found = cache.together(view.project.id)
    st.subheader(t("together.title"), anchor=False)
    source, measure = _controls()
    chosen = _chosen(found)
    if source in ("student", "difference") and found.answers is None:
        st.info(t("together.no_answers"), icon=":material/info:")
    elif source == "difference":
        _difference(found, chosen)
    else:
        _pairs(found, chosen, source, measure)
    _confused(found)
    together_texts.panel(view.project, found)


def _controls() -> tuple[str, str]:
    """Whose labels, and which number of theirs."""
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    sources = {one: t(f"together.source_{one}") for one in SOURCES}
    measures = {one: t(f"together.measure_{one}") for one in MEASURES}
    with left:
        source = st.segmented_control(
            t("together.source"), SOURCES, key="together_source", default=SOURCES[0], required=True,
            format_func=lambda one: sources[one],
        )  # fmt: skip
    with right:
        measure = st.segmented_control(
            t("together.measure"), MEASURES, key="together_measure", default=MEASURES[0], required=True,
            format_func=lambda one: measures[one], help=t("together.measure_help"),
            disabled=source == "difference",
        )  # fmt: skip
    return str(source), str(measure)


def _chosen(found: View) -> set[str]:
    """Keys of the labels to show: all, or where there are many, so many of the commonest, or those chosen."""
    if len(found.labels) <= SHOWN:
        return {label.key for label in found.labels}
    names = {label.key: label.name(lang()) for label in found.labels}
    left, right = st.columns([1, 4], vertical_alignment="top")
    n = left.selectbox(
        t("together.how_many"), [each for each in NUMBERS if each < len(names)], key="together_n",
        index=NUMBERS.index(SHOWN),
    )  # fmt: skip
    commonest = list(names)[:n]
    keys = right.multiselect(
        t("together.choose", n=n), list(names), max_selections=n, format_func=lambda key: names[key],
        key=respoken(f"together_labels_{n}", names, commonest),
    )  # fmt: skip
    st.caption(t("together.chosen_note", all=len(names), n=n))
    return set(keys) or set(commonest)


def _of(found: View, source: str) -> str:
    """What the numbers are of, in words."""
    if source in ("pool", "gold"):
        return t(f"together.of_{source}", n=(found.pool if source == "pool" else found.gold).n)
    assert found.answers is not None
    return t("together.of_student", round=found.answers.round, n=found.answers.n)


def _pairs(found: View, chosen: set[str], source: str, measure: str) -> None:
    of = found.of(source, chosen)  # type: ignore[arg-type]
    assert of is not None
    labels, seen = of
    rows = [
        {
            t("together.table_row"): a.name(lang()), t("together.table_column"): b.name(lang()),
            t("together.table_count"): int(seen.counts[i, j]), t("together.table_held"): int(seen.support[i]),
            t("together.table_share"): _rounded(seen.share[i, j]),
            t("together.table_expected"): _rounded(seen.expected[i, j], 2),
            t("together.table_lift"): _rounded(seen.lift[i, j], 2),
        }
        for i, a in enumerate(labels) for j, b in enumerate(labels) if i != j
    ]  # fmt: skip
    note = "" if measure == "count" else " " + _note(measure)
    figure.chart(
        together_figure.heatmap(together_figure.grid(labels, seen, measure), dark=_dark()), key=CHART, table=rows,
        sentence=_sentence(labels, seen, measure, _of(found, source)), name=f"together-{source}-{measure}",
        on_select=together_texts.clicked, note=t("together.note") + note,
    )  # fmt: skip


def _dark() -> bool:
    """Whether the reader's theme is a dark one."""
    return st.context.theme.type == "dark"


def _note(measure: str) -> str:
    return t(f"together.note_{measure}", least=UNSTABLE_BELOW if measure != "lift" else f"{FEW_EXPECTED:.0f}")


def _sentence(labels: Sequence[Label], seen: Together, measure: str, of: str) -> str:
    """The pair that stands out, among those whose number is to be relied on where there are any."""
    of = plain(of)
    if not np.any(seen.counts - np.diag(seen.support)):
        return t("together.said_none", of=of)
    enough = np.repeat(seen.support[:, None] >= UNSTABLE_BELOW, len(labels), 1)
    values, sure = {
        "share": (seen.share, enough if np.any(enough & (seen.counts > 0) & ~_same(labels)) else ~_same(labels)),
        "count": (np.triu(seen.counts, 1).astype(np.float64), ~_same(labels)),
        "lift": (np.triu(seen.lift, 1), together_figure.reliable(seen)),
    }[measure]
    at = _largest(values, sure)
    if at is None:
        return t("together.said_lift_few", least=f"{FEW_EXPECTED:.0f}", of=of)
    i, j = at
    return t(
        f"together.said_{measure}", a=_name(labels[i]), b=_name(labels[j]), of=of, count=int(seen.counts[i, j]),
        held=int(seen.support[i]), share=f"{100 * np.nan_to_num(seen.share[i, j]):.0f}",
        expected=plain(f"{seen.expected[i, j]:.1f}"), lift=plain(f"{np.nan_to_num(seen.lift[i, j]):.1f}"),
    )  # fmt: skip


def _difference(found: View, chosen: set[str]) -> None:
    by_people, by_student = found.of("truth", chosen), found.of("student", chosen)
    assert by_people is not None
    assert by_student is not None
    (labels, given), (_, named) = by_people, by_student
    points = 100 * (named.share - given.share)
    rows = [
        {
            t("together.table_row"): a.name(lang()), t("together.table_column"): b.name(lang()),
            t("together.table_given"): _rounded(given.share[i, j]),
            t("together.table_named"): _rounded(named.share[i, j]),
            t("together.table_difference"): _rounded(points[i, j], 1),
        }
        for i, a in enumerate(labels) for j, b in enumerate(labels) if i != j
    ]  # fmt: skip
    enough = np.minimum(given.support, named.support) >= UNSTABLE_BELOW
    at = _largest(np.abs(points), np.repeat(enough[:, None], len(labels), 1))
    of = plain(_of(found, "difference"))
    if at is None:
        sentence = t("together.said_difference_few", least=UNSTABLE_BELOW, of=of)
    else:
        i, j = at
        sentence = t(
            f"together.said_difference_{'more' if points[i, j] >= 0 else 'less'}", a=_name(labels[i]),
            b=_name(labels[j]), named=f"{100 * named.share[i, j]:.0f}", given=f"{100 * given.share[i, j]:.0f}", of=of,
        )  # fmt: skip
    figure.chart(
        together_figure.heatmap(together_figure.difference(labels, given, named), dark=_dark()), key=CHART, table=rows,
        sentence=sentence, name="together-difference", on_select=together_texts.clicked,
        note=t("together.note") + " " + _note("difference"),
    )  # fmt: skip


def _confused(found: View) -> None:
    """Labels that the student puts in each other's place."""
    if found.answers is None:
        return
    st.subheader(t("together.confused"), anchor=False)
    labels, of = found.answers.labels, plain(_of(found, "student"))
    worst = found.answers.confused[:SHOWN]
    if not worst:
        st.markdown(t("together.confused_none", of=of))
        return
    first = worst[0]
    st.markdown(
        t(
            "together.confused_said", texts=first.texts, missed=_name(labels[first.missed]),
            named=_name(labels[first.named]), expected=plain(f"{first.expected:.1f}"), of=of,
        )
    )  # fmt: skip
    heads = {name: t(f"together.column_{name}") for name in
             ("missed", "named", "texts", "expected", "all_missed", "all_false")}  # fmt: skip
    rows: list[dict[str, Any]] = [
        {
            heads["missed"]: labels[each.missed].name(lang()), heads["named"]: labels[each.named].name(lang()),
            heads["texts"]: each.texts, heads["expected"]: round(each.expected, 1),
            heads["all_missed"]: found.answers.missed[each.missed], heads["all_false"]: found.answers.false[each.named],
        }
        for each in worst
    ]  # fmt: skip
    together_texts.offer([(labels[each.missed].key, labels[each.named].key) for each in worst])
    st.dataframe(
        rows, hide_index=True, width="stretch", height=min(420, 38 + 35 * len(rows)), key="together_confused",
        on_select=together_texts.row_clicked, selection_mode="single-row",
    )  # fmt: skip
    st.caption(plain(t("together.confused_note")))


def _largest(values: NDArray[np.float64], where: NDArray[np.bool_]) -> tuple[int, int] | None:
    """The cell with the largest number, the first of equals; None where there is none above nothing."""
    found = np.where(where & np.isfinite(values) & ~np.eye(len(values), dtype=bool), values, -np.inf)
    if not found.size or not np.isfinite(found.max()):
        return None
    i, j = np.unravel_index(int(found.argmax()), found.shape)
    return int(i), int(j)


def _same(labels: Sequence[Label]) -> NDArray[np.bool_]:
    return np.eye(len(labels), dtype=bool)


def _rounded(value: float, places: int = 3) -> float | None:
    return rounded(value, places) if np.isfinite(value) else None


def _name(label: Label) -> str:
    return plain(label.name(lang()))
