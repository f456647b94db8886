"""Dashboard: where the project stands. Every number names its round, model, split and n."""

from __future__ import annotations

import contextlib
from typing import Any

import streamlit as st
from streamlit.errors import StreamlitAPIException

from core.errors import TagtailError
from core.services.reporting import Overview
from db.errors import StorageError
from db.records import Metric
from pages.shared import cache, charts, messages, reasons, session, when
from pages.shared.i18n import lang, plain, t
from pages.shared.links import page_link
from pages.shared.round_strip import strip

CHART: dict[str, Any] = {"displayModeBar": False}


def go(page: str) -> None:
    """A link to another page; a page that runs alone has no navigation, and then no link."""
    with contextlib.suppress(StreamlitAPIException):
        st.page_link(f"{page}.py", label=t(f"dashboard.go_{page}"))


def _chart(figure: Any, key: str) -> None:
    st.plotly_chart(figure, key=key, config=CHART, width="stretch")


def _tile(place: Any, label: str, value: str, note: str) -> None:
    with place.container(border=True, height="stretch"):
        st.metric(label, value)
        st.caption(plain(note))


def score(metric: Metric | None) -> str:
    return f"{metric.f1:.2f}" if metric else t("dashboard.none_yet")


def tiles(view: Overview) -> None:
    """The headline: how much is labelled, and how good the student is, tail included."""
    places = st.columns([1, 1, 1.1, 1.2, 1.3])
    _tile(
        places[0], t("dashboard.tile_labelled"), f"{view.n_labelled} / {view.n_pool}",
        t("dashboard.tile_labelled_note", skipped=view.n_skipped, flagged=view.n_flagged),
    )  # fmt: skip
    _tile(
        places[1], t("dashboard.tile_gold"), f"{view.n_gold_labelled} / {view.n_gold}",
        t("dashboard.tile_gold_note"),
    )  # fmt: skip
    done = view.round
    _tile(
        places[2], t("dashboard.tile_round"),
        t("dashboard.tile_round_value", n=done.number) if done else t("dashboard.none_yet"),
        t("dashboard.tile_round_note", when=when.moment(done.finished_at), train=done.n_train, valid=done.n_valid)
        if done else t("dashboard.no_round_note"),
    )  # fmt: skip
    macro = charts.find(view.metrics, "student", "macro")
    _tile(
        places[3], t("dashboard.tile_macro"), score(macro),
        t("dashboard.tile_macro_note", interval=charts.interval(macro) or "–", round=macro.round, n=macro.n)
        if macro else t("dashboard.no_round_note"),
    )  # fmt: skip
    rows = charts.by_frequency(view)
    if not rows:
        return
    rarest = rows[-1].label
    tail = charts.find(view.metrics, "student", rarest.key)
    _tile(
        places[4], t("dashboard.tile_rarest", name=plain(rarest.name(lang()))), score(tail),
        t("dashboard.tile_rarest_note", interval=charts.interval(tail) or "–", round=tail.round, support=tail.support,
          n=tail.n) if tail else t("dashboard.no_round_note"),
    )  # fmt: skip


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
    _chart(charts.label_f1(view, lang()), "chart_labels")
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
    _chart(charts.f1_history(view.history, scope, charts.plain_name(names[scope]), lang()), "chart_history")


def label_use_section(view: Overview) -> None:
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader(t("dashboard.section_frequency"), anchor=False)
        st.caption(t("dashboard.section_frequency_note"))
        _chart(charts.frequencies(view, lang()), "chart_frequency")
    with right:
        st.subheader(t("dashboard.section_together"), anchor=False)
        st.caption(t("dashboard.section_together_note", n=view.n_labelled))
        _chart(charts.cooccurrence(view, lang()), "chart_together")


def work_section(view: Overview) -> None:
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader(t("dashboard.section_progress"), anchor=False)
        if view.per_day:
            _chart(charts.per_day(view, lang()), "chart_days")
        else:
            st.caption(t("dashboard.none_yet"))
    with right:
        st.subheader(t("dashboard.section_queue"), anchor=False)
        if not view.queue_head:
            st.caption(t("dashboard.queue_empty"))
            return
        st.caption(t("dashboard.section_queue_note", n=len(view.queue_head)))
        names = view.project.label_set.names(lang())
        st.dataframe(
            [
                {
                    t("dashboard.column_reason"): reasons.words("dashboard", head.reason, names),
                    t("dashboard.column_text"): head.text,
                    t("dashboard.column_score"): round(head.score, 3),
                }
                for head in view.queue_head
            ],
            hide_index=True,
            width="stretch",
            height=320,
        )


def show() -> None:
    session.require("lead")
    project = session.project()
    st.title(t("dashboard.title"), anchor=False)
    strip(project.id)
    try:
        view = cache.overview(project.id)
    except (TagtailError, StorageError) as error:
        messages.show(error)
        return
    if not view.n_pool and not view.n_gold:
        st.info(t("dashboard.empty_pool"), icon=":material/upload_file:")
        page_link("data", t("dashboard.go_data"))
        return
    tiles(view)
    if not view.n_labelled and not view.n_gold_labelled:
        st.info(t("dashboard.empty_labels"), icon=":material/label:")
        page_link("annotate", t("dashboard.go_annotate"))
        return
    label_section(view)
    history_section(view)
    label_use_section(view)
    work_section(view)


if __name__ == "__main__":
    show()
