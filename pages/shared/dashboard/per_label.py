"""Labels: each label's figures, and how they came about round by round."""

from __future__ import annotations

import streamlit as st

from core.services.reporting import Overview
from pages.shared import charts
from pages.shared.i18n import lang, plain, t
from pages.shared.links import page_link


def show(view: Overview) -> None:
    label_section(view)
    history_section(view)


def figures_table(view: Overview) -> None:
    """The figures of the chart as a table: for reading off, copying, and screen readers."""
    names = {label.key: label.name(lang()) for label in view.labels}
    order = [row.label.key for row in charts.by_frequency(view)] + ["macro", "micro", "weighted"]
    found = [m for m in view.metrics if m.split == "gold" and m.scope in order]
    found.sort(key=lambda m: (order.index(m.scope), charts.MODELS.index(m.model) if m.model in charts.MODELS else 9))
    columns = ("label", "model", "precision", "recall", "low", "high", "threshold", "support")
    heads = {name: t(f"dashboard.column_{name}") for name in columns}
    st.dataframe(
        [
            {
                heads["label"]: names.get(m.scope, m.scope),
                heads["model"]: t(f"dashboard.model_{m.model}"),
                "F1": round(m.f1, 3),
                heads["low"]: m.low and round(m.low, 3),
                heads["high"]: m.high and round(m.high, 3),
                heads["precision"]: round(m.precision, 3),
                heads["recall"]: round(m.recall, 3),
                heads["support"]: m.support,
                heads["threshold"]: m.threshold and round(m.threshold, 3),
                "n": m.n,
            }
            for m in found
        ],
        hide_index=True,
        width="stretch",
    )


def label_section(view: Overview) -> None:
    st.subheader(t("dashboard.section_labels"), anchor=False)
    if not view.metrics or view.round is None:
        st.info(t("dashboard.empty_round"), icon=":material/info:")
        page_link("rounds", t("dashboard.go_rounds"))
        return
    n = max((m.n for m in view.metrics if m.split == "gold"), default=0)
    st.caption(t("dashboard.section_labels_note", round=view.round.number, n=n, least=charts.UNSTABLE_BELOW))
    st.plotly_chart(charts.label_f1(view, lang()), key="chart_labels", config=charts.CONFIG)
    with st.expander(t("dashboard.section_labels_table")):
        figures_table(view)


def history_section(view: Overview) -> None:
    if not view.history:
        return
    st.subheader(t("dashboard.section_history"), anchor=False)
    names = {"macro": t("dashboard.scope_macro"), "micro": t("dashboard.scope_micro")}
    names |= {row.label.key: row.label.name(lang()) for row in charts.by_frequency(view)}
    measured = {m.scope for m in view.history}
    names |= {
        label.key: t("dashboard.scope_gone", name=label.name(lang()))
        for label in view.project.label_set.gone
        if label.key in measured
    }
    scope = st.selectbox(t("dashboard.scope"), list(names), format_func=lambda key: names[key], key="history_scope")
    st.caption(t("dashboard.section_history_note", name=plain(names[scope])))
    st.plotly_chart(
        charts.f1_history(view.history, scope, charts.plain_name(names[scope]), lang()),
        key="chart_history",
        config=charts.CONFIG,
    )
