"""Overview: how much is labelled, how good the student is, what comes next."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.services.reporting import Overview
from db.records import Metric
from pages.shared import charts, reasons, when
from pages.shared.i18n import lang, plain, t


def show(view: Overview) -> None:
    tiles(view)
    work_section(view)


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


def work_section(view: Overview) -> None:
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader(t("dashboard.section_progress"), anchor=False)
        if view.per_day:
            st.plotly_chart(charts.per_day(view, lang()), key="chart_days", config=charts.CONFIG)
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
