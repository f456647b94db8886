"""Labels: each label's figures, model beside model, what changed since the round before, and one label closer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from core.evaluate.paired import Gain
from core.services.dashboard.per_label import Labels, Line
from core.services.reporting import Overview
from core.wording import fixed, signed
from db.records import Metric
from pages.shared import cache, charts, paging
from pages.shared.charts import UNSTABLE_BELOW
from pages.shared.dashboard import attention_view, band_choice, figure, label_charts, label_closer
from pages.shared.i18n import lang, plain, respoken, t
from pages.shared.links import page_link

TABLE, _ORDER = "labels_table", "labels_table_order"
_ROW, _HEAD = 35, 38  # pixels
_ROWS = 14  # of the table at once
PER_PAGE = 100  # labels of the table
_PAGE, _QUERY, _BY = "labels_table_page", "labels_table_query", "labels_table_by"
ORDERS = ("common", "rare", "weak")


def show(view: Overview) -> None:
    """The tab."""
    found = cache.labels(view.project.id)
    names = view.project.label_set.names(lang()) | {
        each: t(f"per_label.{each}") for each in ("macro", "micro", "weighted")
    }
    st.subheader(t("per_label.title"), anchor=False)
    if found.round is None or not found.together:
        st.info(t("dashboard.empty_round"), icon=":material/info:")
        page_link("rounds", t("dashboard.go_rounds"))
        st.caption(t("per_label.title_note_before", n_pool=found.n_pool, n_gold=found.n_gold))
        table(found, names)
        return
    attention_view.changed_labels(found.relabelled, names)
    st.markdown(_said(found))
    st.caption(t("per_label.title_note", round=found.round, n=found.n, least=UNSTABLE_BELOW))
    table(found, names)
    note = "per_label.change_none" if found.before is None else "per_label.change_note"
    st.caption(t(note, before=found.before, common=found.common))
    _models(found, names)
    label_closer.panel(view.project.id, found, names)


def _said(found: Labels) -> str:
    """Where the student stands, and what has changed clearly."""
    macro = next((line.models["student"] for line in found.together if line.scope == "macro"), None)
    said = []
    if macro is not None:
        said.append(
            t(
                "per_label.macro_said", f1=plain(f"{macro.f1:.2f}"), interval=plain(charts.interval(macro)),
                round=macro.round, n=macro.n,
            )
        )  # fmt: skip
    if found.before is not None:
        gains = [line.change for line in found.labels if line.change is not None]
        up, down = (sum(each.clear and (each.difference > 0) == better for each in gains) for better in (True, False))
        said.append(t("per_label.change_said", before=found.before, up=up, down=down))
    return " ".join(said)


def table(found: Labels, names: Mapping[str, str]) -> None:
    """A row a label from common to rare, then the aggregates; a click on a row opens the label below.

    Of very many labels a page, of those that are looked for, in the order that is chosen.
    """
    shown = _looked_for(found.labels, names)
    lines = [*paging.page_of(shown, _PAGE, PER_PAGE), *found.together]
    rows = pd.DataFrame([row(line, names) for line in lines])
    head = {name: t(f"per_label.column_{name}") for name in ("label", "change", "precision", "recall", "threshold")}
    two = {t(f"per_label.column_{name}") for name in ("precision", "recall", "threshold", *charts.MODELS[1:])}
    config: dict[str, Any] = {each: st.column_config.NumberColumn(format="%.2f") for each in two}
    config |= {
        head["label"]: st.column_config.TextColumn(pinned=True),
        head["change"]: st.column_config.NumberColumn(format="%.2f"),
        "F1": st.column_config.ProgressColumn(min_value=0.0, max_value=1.0, format="%.2f"),
    }
    height = _HEAD + _ROW * min(len(lines), _ROWS)
    pick = found.round is not None
    st.dataframe(
        rows, hide_index=True, width="stretch", height=height, key=TABLE, column_config=config,
        on_select=_picked if pick else "ignore", selection_mode="single-row", placeholder="",
    )  # fmt: skip
    st.session_state[_ORDER] = [line.scope for line in lines]
    paging.turns(len(shown), _PAGE, PER_PAGE)


def _looked_for(lines: Sequence[Line], names: Mapping[str, str]) -> list[Line]:
    if len(lines) <= PER_PAGE:
        return list(lines)
    left, right = st.columns([3, 2])
    turned: dict[str, Any] = {"on_change": paging.begin, "args": (_PAGE,)}
    query = left.text_input(
        t("per_label.search"), key=_QUERY, placeholder=t("per_label.search_example"), icon=":material/search:", **turned
    )
    by = right.selectbox(
        t("per_label.order"), ORDERS, format_func=lambda one: t(f"per_label.order_{one}"),
        key=respoken(_BY, ORDERS, ORDERS[0]), **turned,
    )  # fmt: skip
    met = paging.matching(lines, query, lambda line: (names.get(line.scope, ""), line.scope))
    return sorted(met, key=_weak) if by == "weak" else met[::-1] if by == "rare" else met


def _weak(line: Line) -> tuple[bool, float]:
    """The student's lowest F1 first, of those with enough gold to tell; then the others."""
    student = line.models.get("student")
    return student is None or line.support < UNSTABLE_BELOW, student.f1 if student else 0.0


def _picked() -> None:
    """A callback of the table: the label of the row is looked at."""
    rows = st.session_state[TABLE]["selection"]["rows"]
    order = st.session_state.get(_ORDER, [])
    if rows and rows[0] < len(order):
        label_closer.choose(order[rows[0]])


def row(line: Line, names: Mapping[str, str]) -> dict[str, Any]:
    """One line as a row; a cell without a figure is empty, and never a figure that was not measured."""
    student, change = line.models.get("student"), line.change
    name = names.get(line.scope, line.scope)
    if line.band is not None and line.support < UNSTABLE_BELOW:
        name = t("per_label.unstable", name=name)
    cells: dict[str, Any] = {
        t("per_label.column_label"): name,
        t("per_label.column_band"): t(f"per_label.band_{line.band}") if line.band else "",
    }
    if student is not None:
        cells |= {
            "F1": student.f1,
            t("per_label.column_interval"): between(student.low, student.high),
            t("per_label.column_change"): _of(change) if change else None,
            t("per_label.column_change_interval"): _marked(change),
            t("per_label.column_precision"): student.precision,
            t("per_label.column_recall"): student.recall,
            t("per_label.column_threshold"): student.threshold,
        }
        cells |= {t(f"per_label.column_{model}"): _f1(line.models.get(model)) for model in charts.MODELS[1:]}
    return cells | {
        t("per_label.column_gold"): line.support if line.band else None,
        t("per_label.column_pool"): line.pool if line.band else None,
    }


def _f1(metric: Metric | None) -> float | None:
    return metric.f1 if metric else None


def between(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"{low:.2f} – {high:.2f}"


def _of(change: Gain) -> float:
    """As a number; the column would write a change of -0.001 as -0.00."""
    return change.difference if fixed(abs(change.difference)) != fixed(0) else 0.0


def _marked(change: Gain | None) -> str:
    """Its interval, with a sign where zero lies outside."""
    if change is None:
        return ""
    sign = ("▲ " if change.difference > 0 else "▼ ") if change.clear else ""
    return f"{sign}{signed(change.low)} … {signed(change.high)}"


def _models(found: Labels, names: Mapping[str, str]) -> None:
    st.subheader(t("per_label.models"), anchor=False)
    lines = band_choice.chosen(found.labels, "models_band")
    figure.chart(
        figure.kept(label_charts.side_by_side, lines, names, lang()), key="chart_models", name="f1-by-label",
        sentence=_extremes(lines, names), table=figures(lines, names),
        note=t("per_label.models_note", least=UNSTABLE_BELOW),
    )  # fmt: skip


def _extremes(lines: Sequence[Line], names: Mapping[str, str]) -> str:
    """The best and the worst label; of those with enough gold, if there are any."""
    known = [line for line in lines if "student" in line.models]
    ranked = sorted(
        [line for line in known if line.support >= UNSTABLE_BELOW] or known, key=lambda each: each.models["student"].f1
    )
    if not ranked:
        return t("per_label.history_none")
    best, worst = ranked[-1], ranked[0]
    key = "per_label.models_said" if len(ranked) > 1 else "per_label.models_said_one"
    top, low = best.models["student"], worst.models["student"]
    return t(
        key, best=plain(names[best.scope]), worst=plain(names[worst.scope]), high=plain(f"{top.f1:.2f}"),
        low=plain(f"{low.f1:.2f}"), round=top.round, n=top.n,
    )  # fmt: skip


def figures(lines: Sequence[Line], names: Mapping[str, str]) -> list[dict[str, Any]]:
    """Every model's figures of these labels, as data."""
    return as_data((metric, names.get(line.scope, line.scope)) for line in lines for metric in line.models.values())


def as_data(found: Iterable[tuple[Metric, str]]) -> list[dict[str, Any]]:
    """Figures and what each is of, a row with all that names it. Words are looked up once: there may be a thousand."""
    label, model, round_, low, high, precision, recall, threshold, gold = (
        t(f"per_label.column_{name}")
        for name in ("label", "model", "round", "low", "high", "precision", "recall", "threshold", "gold")
    )
    models = {each: t(f"dashboard.model_{each}") for each in charts.MODELS}
    return [
        {
            label: name, model: models[m.model], round_: m.round, "F1": round(m.f1, 4), low: _rounded(m.low),
            high: _rounded(m.high), precision: round(m.precision, 4), recall: round(m.recall, 4),
            threshold: _rounded(m.threshold), gold: m.support, "n": m.n,
        }
        for m, name in found
    ]  # fmt: skip


def _rounded(figure: float | None) -> float | None:
    return None if figure is None else round(figure, 4)
