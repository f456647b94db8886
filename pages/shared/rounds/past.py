"""All rounds as a table with their figures, and one of them in full."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.approximations import ADDITION, APPROXIMATION, departures
from core.services import scheduling
from core.services.dashboard.rounds import Past, Timeline
from core.stored_config import stored
from db.records import RoundRow
from pages.shared import charts, round_strip, stored_errors, training, when
from pages.shared.i18n import catalogue, plain, t

ENDS = {"DeeperNotBetter": "deeper_set_aside", "GaveWay": "deeper_gave_way"}  # no failures, though not published
NOTES = {*ENDS, "DeeperTaken"}
TABLE_MODELS = ("student", "standalone", "teacher", "linear", "svm")


def state_words(row: RoundRow) -> str:
    manner = ENDS.get((row.error or {}).get("code", ""), f"deeper_{row.state}")
    key = f"rounds.state_{manner if row.kind == scheduling.DEEPER else row.state}"
    return t(key) if key in catalogue() else row.state


def table_row(one: Past) -> dict[str, Any]:
    """One round as a line of the table; figures are macro-F1 on gold."""
    row = one.row
    line: dict[str, Any] = {
        t("rounds.column_number"): row.number,
        t("rounds.column_state"): state_words(row),
        t("rounds.column_started"): when.moment(row.started_at),
        t("rounds.column_took"): when.duration(row.finished_at - row.started_at) if row.finished_at else "–",
        # As text: a round that was stopped has no such numbers, and an empty cell would read "None".
        t("rounds.column_train"): "–" if row.n_train is None else str(row.n_train),
        t("rounds.column_valid"): "–" if row.n_valid is None else str(row.n_valid),
        t("rounds.column_gold"): "–" if row.n_gold is None else str(row.n_gold),
    }
    for model in TABLE_MODELS:
        found = charts.find(one.figures, model, "macro")
        words = f"{found.f1:.3f}" if found else "–"
        if found and model == "student":
            words += " " + charts.interval(found)
        line[t(f"dashboard.model_{model}")] = words
    config = stored(row.config)
    line[t("rounds.column_how")] = training.summary(config) if config else "–"  # last: it is the longest
    return line


def past(seen: Timeline) -> None:
    """All rounds with their figures; settings, warnings and timings of one of them on demand."""
    st.subheader(t("rounds.past"), anchor=False)
    if not seen.rounds:
        st.caption(t("rounds.past_empty"))
        return
    rows = [each.row for each in reversed(seen.rounds)]
    st.caption(t("rounds.past_note"))
    st.dataframe([table_row(each) for each in reversed(seen.rounds)], hide_index=True, width="stretch")
    with st.expander(t("rounds.details")):
        numbers = [row.number for row in rows]
        chosen = st.selectbox(t("rounds.column_number"), numbers, key="round_details")
        details(next(each for each in seen.rounds if each.row.number == chosen))


def note(code: str, fields: dict[str, Any]) -> None:
    """A warning of a round, or something worth knowing of it."""
    said = plain(stored_errors.words(code, fields))
    if code in NOTES:
        st.info(said, icon=":material/info:")
    else:
        st.warning(said, icon=":material/warning:")


def named(config: dict[str, Any]) -> None:
    """How a round was trained in words, and all that it did otherwise than the published protocol."""
    known = stored(config)
    if known is None:
        st.caption(t("rounds.config_unknown"))
        return
    st.markdown(f"**{t('rounds.how')}**")
    main = ("label_model",) if known.label_model == "tree" else training.MAIN
    names = "\n".join(
        "- "
        + t("rounds.named", name=t(f"training.{name}"), value=plain(training.value_words(name, getattr(known, name))))
        for name in main
    )
    st.markdown(names)
    told = departures(known)
    for title, kind in (("approximations", APPROXIMATION), ("additions", ADDITION)):
        lines = [f"- {plain(training.said(each))}" for each in told if each.kind == kind]
        if lines:
            st.markdown(f"**{t(f'rounds.{title}')}**")
            st.markdown("\n".join(lines))


def placed(one: Past) -> None:
    """How good the first places of each text's likeliest labels are, where labels are many."""
    if not one.places:
        return
    st.markdown(f"**{t('rounds.places')}**")
    st.caption(t("rounds.places_note", n=one.places[0].n))
    lines = [
        {
            t("rounds.places_measure"): f"{each.measure}@{each.k}",
            t("rounds.places_value"): f"{each.value:.3f}",
            t("rounds.places_within"): f"{each.low:.3f} – {each.high:.3f}",
        }
        for each in one.places
    ]
    st.dataframe(lines, hide_index=True, width="stretch")


def details(one: Past) -> None:
    row = one.row
    if row.error:
        note(row.error.get("code", ""), row.error.get("fields", {}))
    for code, fields in row.warnings:
        note(code, fields)
    named(row.config)
    placed(one)
    left, right = st.columns(2)
    with left:
        st.markdown(f"**{t('rounds.config')}**")
        st.json(row.config, expanded=False)
    with right:
        st.markdown(f"**{t('rounds.timings')}**")
        st.json({round_strip.named_stage(key): round(value, 2) for key, value in row.timings.items()})
        if row.timings:
            st.caption(t("rounds.timings_all", time=when.duration(sum(row.timings.values()))))
        st.caption(t("rounds.code", version=plain(row.code_version)))
