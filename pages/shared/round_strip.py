"""What the worker is doing, live: one slim strip for any page, and the words that the Rounds page shares with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from core.errors import TagtailError
from core.services import membership, scheduling
from core.services.scheduling import Readiness, RoundStatus
from db.errors import StorageError
from pages.shared import messages, session, stored_errors, when
from pages.shared.i18n import catalogue, listed, plain, t

STAGES = (
    "text", "vectors", "teachers", "student", "standalone", "tree", "machines", "evaluate", "score", "save", "publish"
)  # fmt: skip
OF_TREE = ("tree", "machines")  # stages of a round of many labels, in place of those of the next line
OF_FLAT = ("vectors", "teachers", "student")
LIVE_S = 2.0
_SEEN = "round_strip_seen"


def share(status: RoundStatus) -> float:
    """How far the present stage is, 0 … 1."""
    return min(1.0, status.done / status.total) if status.total else 0.0


def steps(status: RoundStatus) -> tuple[str, ...]:
    """The stages of this kind of round that people see: the twin learns beside the student, by turns."""
    tree = status.detail.get("label_model") == "tree"
    return tuple(stage for stage in STAGES if stage not in ("standalone", *(OF_FLAT if tree else OF_TREE)))


def step(status: RoundStatus) -> int:
    """Which of its steps a round is at; -1 before the first, and for one that is unheard of."""
    known, every = "student" if status.stage == "standalone" else status.stage, steps(status)
    return every.index(known) if known in every else -1


def stage_words(status: RoundStatus) -> str:
    """The present stage in words."""
    return named_stage(status.stage) if status.stage else t("rounds.stage_start")


def named_stage(stage: str) -> str:
    """A stage in words; one without words shows its own name."""
    key = f"rounds.stage_{stage}"
    return t(key) if key in catalogue() else stage


def detail_words(detail: dict[str, Any], names: dict[str, str]) -> str:
    """What the trainer reports beside the count: labels at hand, epoch, models still learning, validation F1."""
    parts = []
    labels = detail.get("labels")
    if isinstance(labels, list) and labels:
        parts.append(t("rounds.detail_labels", labels=listed(names.get(str(key), str(key)) for key in labels)))
    if detail.get("epoch") is not None:
        parts.append(t("rounds.detail_epoch", n=detail["epoch"]))
    if detail.get("active") is not None:
        parts.append(t("rounds.detail_active", n=detail["active"]))
    scores = detail.get("valid_f1")
    scores = scores if isinstance(scores, list) else [scores]
    said = [f"{score:.2f}" for score in scores if isinstance(score, int | float)]
    if said:
        parts.append(t("rounds.detail_f1", f1=" / ".join(said)))
    return " · ".join(parts)


def progress_words(status: RoundStatus) -> str:
    """Stage, count and time left on one line."""
    words = stage_words(status)
    if status.total:
        key = "rounds.count_teachers" if status.stage == "teachers" else "rounds.count"
        words += " " + t(key, done=status.done, total=status.total)
    if status.eta_s is not None:
        words += t("rounds.left", time=when.duration(status.eta_s))
    return words


def idle_words(status: RoundStatus, ready: Readiness) -> str:
    """What has to happen before the next round."""
    if ready.have and not ready.gold_texts:
        return t("rounds.idle_no_gold")  # labelling on would not help
    if ready.have < ready.need:
        return t("rounds.idle_need", have=ready.have, need=ready.need, more=ready.need - ready.have)
    if not ready.gold:
        return t("rounds.idle_gold")
    more = max(0, ready.next_at - ready.since_last)
    hours = t("rounds.idle_hours", hours=ready.hours) if ready.hours else ""
    if status.in_use is None:
        return (t("rounds.idle_first", more=more) if more else t("rounds.idle_first_ready")) + hours
    key = "rounds.idle_next" if more else "rounds.idle_next_ready"
    return t(key, n=status.in_use.number, more=more) + hours


def note_change(status: RoundStatus) -> None:
    """Redraws the whole page when a round has ended, or another is in use, since the strip was last drawn."""
    now = (status.in_use.id if status.in_use else 0, status.state == "idle")
    before = st.session_state.get(_SEEN)
    st.session_state[_SEEN] = now
    if before is not None and before != now:
        st.rerun()


def look(project_id: int) -> tuple[scheduling.RoundStatus, scheduling.Readiness] | None:
    """How the round stands and what the next one needs; None after saying what is wrong with the database."""
    try:
        with session.db() as db:
            now = session.now()
            membership.require_member(db, project_id, session.user_id() or 0, "lead")  # a fragment may outlive a role
            return scheduling.status(db, project_id, now=now), scheduling.readiness(db, project_id)
    except (TagtailError, StorageError) as error:
        messages.show(error)
        return None


def _manner(status: RoundStatus) -> str:
    if status.state == "cancelling":
        return "cancelling"
    return "deeper" if status.deeper else "running"


@st.fragment(run_every=LIVE_S)
def strip(project_id: int, *, quiet: Callable[[], bool] = lambda: False) -> None:
    """The strip; it looks again every two seconds, and redraws nothing else unless a round ended.

    ``quiet`` says, each time, whether to leave out its warnings, for a page that has them anyway.
    """
    seen = look(project_id)
    if seen is None:
        return
    status, ready = seen
    draw(status, ready, quiet=quiet())
    note_change(status)


def draw(status: RoundStatus, ready: Readiness, *, quiet: bool = False) -> None:
    """The strip for a given state."""
    if not status.worker_alive and not quiet:
        st.warning(t("rounds.worker_silent"), icon=":material/build:")
    if status.state in ("running", "cancelling"):
        lead = t(f"rounds.strip_{_manner(status)}")
        st.progress(share(status), text=f"{lead} {plain(progress_words(status))}")
    elif status.state == "queued":
        st.progress(0.0, text=t("rounds.strip_deeper_queued" if status.deeper else "rounds.strip_queued"))
    else:
        st.caption(plain(idle_words(status, ready)))
    if status.last_error and status.state == "idle" and not quiet:
        st.warning(
            t("rounds.last_error", why=plain(stored_errors.words(*status.last_error))),
            icon=":material/warning:",
        )
