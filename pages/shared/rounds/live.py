"""The part of the page Rounds that moves by itself: what runs, what the next round needs, and their buttons."""

from __future__ import annotations

import streamlit as st

from core.errors import TagtailError
from core.services import going_back, scheduling
from core.services.going_back import UnderWay
from core.services.scheduling import Readiness, RoundStatus
from db.errors import StorageError
from pages.shared import messages, round_strip, session, stored_errors, when
from pages.shared.i18n import plain, t

LIVE_S = 1.5
SAID_S = 15.0
_SAID = "round_click_said"


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
    at = round_strip.step(status)
    parts = []
    for i, stage in enumerate(round_strip.steps(status)):
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


def returning_card(returning: UnderWay) -> None:
    """An earlier model on its way back, with a way to stop it."""
    with st.container(border=True):
        left, right = st.columns([4, 1], vertical_alignment="center")
        key = {"queued": "returning_queued", "cancelling": "cancelling"}.get(returning.state, "returning")
        left.markdown(f"##### {t(f'rounds.{key}', n=returning.number)}")
        right.button(
            t("rounds.stop"), key="cancel_return", on_click=cancel, args=(returning.job_id,),
            disabled=returning.state == "cancelling", width="stretch",
        )  # fmt: skip
        if returning.total:
            words = t("rounds.returning_read", done=returning.done, total=returning.total)
            st.progress(min(1.0, returning.done / returning.total), text=plain(words))


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
    with session.db() as db:
        returning, failure = going_back.under_way(db, project_id), going_back.last_failure(db, project_id)
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
    if returning:
        returning_card(returning)
    elif failure:
        why = plain(stored_errors.words(*failure))
        st.warning(t("rounds.return_failed", why=why), icon=":material/warning:")
    round_strip.note_change(status)
