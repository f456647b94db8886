"""Rounds: what the next one needs, what the running one does, and what the past ones gave."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.approximations import ADDITION, APPROXIMATION, departures
from core.errors import TagtailError
from core.services import scheduling
from core.services.scheduling import Readiness, RoundStatus
from core.stored_config import stored
from db.errors import StorageError
from db.records import Metric, RoundRow
from pages.shared import cache, charts, messages, round_strip, session, stored_errors, training, when
from pages.shared.i18n import catalogue, lang, plain, t

LIVE_S = 1.5
SAID_S = 15.0
_SAID = "round_click_said"
ENDS = {"DeeperNotBetter": "deeper_set_aside", "GaveWay": "deeper_gave_way"}  # no failures, though not published
NOTES = {*ENDS, "DeeperTaken"}
TABLE_MODELS = ("student", "standalone", "teacher", "linear")


def _keep(error: BaseException) -> None:
    """An error of a click: drawn by the part that moves, for as long as it takes to read."""
    st.session_state[_SAID] = (session.now() + SAID_S, messages.words(error))


def start(project_id: int) -> None:
    """Asks for a round, as the person at the screen."""
    st.session_state.pop(_SAID, None)
    try:
        user = session.require("lead")
        with session.db() as db:
            scheduling.request_round(db, project_id, by=user.id, now=session.now())
    except (TagtailError, StorageError) as error:
        _keep(error)


def cancel(job_id: int) -> None:
    """Asks the running round to stop."""
    st.session_state.pop(_SAID, None)
    try:
        user = session.require("lead")
        with session.db() as db:
            scheduling.cancel(db, job_id, by=user.id, now=session.now())
    except (TagtailError, StorageError) as error:
        _keep(error)


def stepper(status: RoundStatus) -> str:
    """The stages on one line: done, present, to come."""
    at = round_strip.step(status.stage)
    parts = []
    for i, stage in enumerate(round_strip.STEPS):
        words = t(f"rounds.stage_{stage}")
        parts.append(f"✓ {words}" if i < at else f"**● {words}**" if i == at else f"○ {words}")
    return "　".join(parts)


def running_card(status: RoundStatus, names: dict[str, str]) -> None:
    """The round under way, with a way to stop it."""
    with st.container(border=True):
        left, right = st.columns([4, 1], vertical_alignment="center")
        normal, deep = ("running", "strip_queued"), ("deeper", "strip_deeper_queued")
        running, queued = deep if status.deeper else normal
        key = {"queued": queued, "cancelling": "cancelling"}.get(status.state, running)
        left.markdown(f"##### {t(f'rounds.{key}')}")
        if status.job_id is not None:
            right.button(
                t("rounds.cancel"), key="cancel_round", on_click=cancel, args=(status.job_id,),
                disabled=status.state == "cancelling", width="stretch",
            )  # fmt: skip
        if status.deeper:
            st.caption(t("rounds.deeper_note"))
        if status.state == "queued":
            st.caption(t("rounds.queued_note"))
            return
        st.progress(round_strip.share(status), text=plain(round_strip.progress_words(status)))
        detail = round_strip.detail_words(status.detail, names)
        st.caption(stepper(status))
        facts = [plain(detail)] if detail else []
        if status.started_at:
            facts.append(t("rounds.since", time=when.duration(session.now() - status.started_at)))
        if status.attempts > 1:
            facts.append(t("rounds.attempt", n=status.attempts))
        st.caption(" · ".join(facts))


def ready_card(project_id: int, status: RoundStatus, ready: Readiness) -> None:
    """What the next round needs, and the button."""
    with st.container(border=True):
        left, right = st.columns([4, 1], vertical_alignment="center")
        with left:
            st.markdown(f"##### {t('rounds.ready' if ready.ready else 'rounds.not_ready')}")
            st.caption(plain(round_strip.idle_words(status, ready)))
        right.button(
            t("rounds.start"), key="start_round", type="primary", on_click=start, args=(project_id,),
            disabled=not ready.ready, width="stretch",
        )  # fmt: skip
        have, gold, since = st.columns(3)
        have.metric(t("rounds.have"), f"{ready.have} / {ready.need}", help=t("rounds.have_help"))
        gold.metric(t("rounds.gold"), ready.gold, help=t("rounds.gold_help"))
        since.metric(t("rounds.since_last"), f"{ready.since_last} / {ready.next_at}", help=t("rounds.since_last_help"))
        for code, fields in ready.warnings:
            st.warning(plain(stored_errors.words(code, fields)), icon=":material/warning:")


@st.fragment(run_every=LIVE_S)
def live(project_id: int, names: dict[str, str]) -> None:
    """The part that moves by itself."""
    until, said = st.session_state.get(_SAID, (0.0, ""))
    if session.now() < until:
        st.error(said, icon=":material/error:")
    seen = round_strip.look(project_id)
    if seen is None:
        return
    status, ready = seen
    if not status.worker_alive:
        st.warning(t("rounds.worker_silent"), icon=":material/build:")
    if status.state == "idle" or status.deeper:
        ready_card(project_id, status, ready)
        if status.last_error and not status.deeper:
            st.warning(
                t("rounds.last_error", why=plain(stored_errors.words(*status.last_error))), icon=":material/warning:"
            )
    if status.state != "idle":
        running_card(status, names)
    round_strip.note_change(status)


def state_words(row: RoundRow) -> str:
    manner = ENDS.get((row.error or {}).get("code", ""), f"deeper_{row.state}")
    key = f"rounds.state_{manner if row.kind == scheduling.DEEPER else row.state}"
    return t(key) if key in catalogue() else row.state


def table_row(row: RoundRow, history: tuple[Metric, ...]) -> dict[str, Any]:
    """One round as a line of the table; figures are macro-F1 on gold."""
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
        found = charts.find(history, model, "macro", number=row.number)
        words = f"{found.f1:.3f}" if found else "–"
        if found and model == "student":
            words += " " + charts.interval(found)
        line[t(f"dashboard.model_{model}")] = words
    config = stored(row.config)
    line[t("rounds.column_how")] = training.summary(config) if config else "–"  # last: it is the longest
    return line


def past(project_id: int) -> None:
    """All rounds with their figures; settings, warnings and timings of one of them on demand."""
    with session.db() as db:
        rows = scheduling.rounds(db, project_id)
    st.subheader(t("rounds.past"), anchor=False)
    if not rows:
        st.caption(t("rounds.past_empty"))
        return
    history = cache.overview(project_id).history
    st.caption(t("rounds.past_note"))
    st.dataframe([table_row(row, history) for row in rows], hide_index=True, width="stretch")
    with st.expander(t("rounds.details")):
        numbers = [row.number for row in rows]
        chosen = st.selectbox(t("rounds.column_number"), numbers, key="round_details")
        details(next(row for row in rows if row.number == chosen))


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
    names = "\n".join(
        "- "
        + t("rounds.named", name=t(f"training.{name}"), value=plain(training.value_words(name, getattr(known, name))))
        for name in training.MAIN
    )
    st.markdown(names)
    told = departures(known)
    for title, kind in (("approximations", APPROXIMATION), ("additions", ADDITION)):
        lines = [f"- {plain(training.said(each))}" for each in told if each.kind == kind]
        if lines:
            st.markdown(f"**{t(f'rounds.{title}')}**")
            st.markdown("\n".join(lines))


def details(row: RoundRow) -> None:
    if row.error:
        note(row.error.get("code", ""), row.error.get("fields", {}))
    for code, fields in row.warnings:
        note(code, fields)
    named(row.config)
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


def show() -> None:
    session.require("lead")
    project = session.project()
    st.title(t("rounds.title"), anchor=False)
    names = {label.key: label.name(lang()) for label in project.label_set.labels}
    live(project.id, names)
    try:
        past(project.id)
    except (TagtailError, StorageError) as error:
        messages.show(error)


if __name__ == "__main__":
    show()
