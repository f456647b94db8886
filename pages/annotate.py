"""Annotate: one text after the other under the label board. The browser decides first, the database has the last word.

Every run first carries out what the board's outbox holds, then says what was saved and hands out the next texts. An op
that is neither acknowledged nor refused stays in the browser, which sends it again.
"""

from __future__ import annotations

import logging
import uuid
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import streamlit as st
from sqlite_utils import Database

from core.errors import Archived, BadOp, BadSetting, KeyTaken, KeyUnusable, NotAllowed, NotMember, TagtailError
from core.messages import sentence
from core.services import annotating, labelling, looking_back, preferences, projects, suggesting
from core.services.accounts import User
from core.services.annotating import LeasedText, MyProgress
from core.services.looking_back import Past
from core.services.preferences import Desk
from core.services.projects import Project
from db.errors import StorageError
from pages.shared import session, stored_errors
from pages.shared.components.label_board import ASSETS, label_board
from pages.shared.desk_data import PAST, board_texts, empty_words, past_page, still, trouble_words
from pages.shared.i18n import lang

log = logging.getLogger("tagtail.pages.annotate")

BOARD = "label_board"
MIN_AHEAD = 4  # the text on the desk and three more, whatever the project says
MAX_AHEAD = 24
NOTHING_YET = MyProgress(today=0, total=0, labelled=0, pool=0, waiting=0, daily_goal=0)
NO_ANSWER: dict[str, Any] = {"acked": [], "refused": [], "trouble": ""}
SAID = ("acked", "refused", "desk_heard", "desk_refused", "place_heard")


def deliver(user: User | None, fallback_project: int, ops: list[Any], now: float) -> dict[str, Any]:
    """Carries out the outbox's ops, each in its own project, and says what became of them.

    What is in neither ``acked`` nor ``refused`` was not saved; ``trouble`` then says why.
    """
    answer: dict[str, Any] = {"acked": [], "refused": [], "trouble": ""}
    if user is None:
        return answer
    by_project: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for op in ops:
        if not isinstance(op, dict):
            continue
        wanted = op.get("project", fallback_project)
        if isinstance(wanted, int) and not isinstance(wanted, bool) and 0 < wanted < 2**63:
            by_project[wanted].append(op)
        else:
            words = sentence(BadOp(why="project"), lang())
            answer["refused"].append({"uid": str(op.get("uid", "")), "sentence": words})
    for project_id, theirs in by_project.items():
        try:
            with session.db() as db:
                result = annotating.apply(db, project_id, user.id, theirs, now=now)
                forget_stop(db, project_id, user.id, theirs, result.acked)
        except NotAllowed:
            break  # closed meanwhile: the board says so, the browser keeps them
        except (TagtailError, StorageError) as error:
            log.exception("an outbox could not be carried out")
            answer["trouble"] = sentence(error, lang())
            break
        answer["acked"] += result.acked
        answer["refused"] += [
            {"uid": refusal.uid, "sentence": stored_errors.words(refusal.code, refusal.fields)}
            for refusal in result.refused
        ]
    return answer


def forget_stop(db: Database, project_id: int, user_id: int, ops: list[dict[str, Any]], acked: tuple[str, ...]) -> None:
    """A text that is decided, or came back with other labels, is not where anybody stopped."""
    stopped = preferences.resume(db, user_id, project_id)
    if stopped and any(op.get("document") == stopped[0] and op.get("uid") in acked for op in ops):
        preferences.set_resume(db, user_id, project_id, None)


def keep_desk(user: User | None, box: dict[str, Any], now: float) -> dict[str, Any]:
    """Keeps what the board says of itself: the person's settings, and where they stopped.

    Each has an id; what is in ``desk_heard`` and ``place_heard`` is settled, and ``desk_refused`` says why not.
    """
    said: dict[str, Any] = {"desk_heard": "", "desk_refused": "", "place_heard": ""}
    wanted, place = box.get("desk"), box.get("place")
    if user is None or not (isinstance(wanted, dict) or isinstance(place, dict)):
        return said
    try:
        with session.db() as db:
            if isinstance(wanted, dict):
                try:
                    preferences.set_desk(db, user.id, wanted.get("values") or {}, now=now)
                except (BadSetting, KeyTaken, KeyUnusable) as error:
                    said["desk_refused"] = sentence(error, lang())
                said["desk_heard"] = str(wanted.get("id", ""))
            if isinstance(place, dict) and keep_place(db, user.id, place):
                said["place_heard"] = str(place.get("id", ""))
    except (TagtailError, StorageError):
        log.exception("a desk could not be kept")  # the board sends it again
    return said


def keep_place(db: Database, user_id: int, place: dict[str, Any]) -> bool:
    """Notes where somebody stopped, if that is a place at all."""
    project_id, document_id, labels = place.get("project"), place.get("document"), place.get("labels")
    if isinstance(project_id, int) and isinstance(document_id, int) and isinstance(labels, list):
        preferences.set_resume(db, user_id, project_id, document_id, tuple(str(label)[:200] for label in labels[:999]))
    return True


@dataclass(frozen=True, kw_only=True)
class Given:
    """What the database says for the board, all read in one go.

    ``project`` as it is now: its labels may have changed since the page was opened.
    """

    project: Project
    texts: list[LeasedText]
    mine: MyProgress
    desk: Desk
    stopped: tuple[int, tuple[str, ...]] | None
    thresholds: dict[str, float]
    notes: dict[str, str]
    past: list[Past] | None


def ahead(project: Project, box: dict[str, Any]) -> int:
    """How many texts to have at hand beyond what the board has decided.

    Twice as many more as were decided while one answer was on its way: so many go until this answer is there, and as
    many until the next one is.
    """
    ops = box.get("ops")
    quick = max(len(ops) if isinstance(ops, list) else 0, st.session_state.get("board_quick", 0) - 1)
    st.session_state["board_quick"] = quick  # slow to forget: hands that were quick once will be again
    return min(max(MIN_AHEAD, project.settings.prefetch + 1) + 2 * quick, max(MAX_AHEAD, project.settings.prefetch + 1))


def hand_out(user: User, project: Project, asked: Any, n: int) -> Given:
    """``n`` texts for the desk and all around them; past decisions where asked for. Raises NotAllowed, StorageError."""
    now = session.now()
    with session.db() as db:
        project = projects.project(db, project.id)
        stopped = preferences.resume(db, user.id, project.id)
        texts = annotating.next_texts(db, project.id, user.id, n=n, now=now)
        before = before_of(asked)
        return Given(
            project=project,
            texts=texts,
            mine=annotating.progress(db, project.id, user.id, now=now),
            desk=preferences.desk(db, user.id),
            stopped=stopped and (stopped[0], project.label_set.present(stopped[1])),
            thresholds=suggesting.thresholds(db, project),
            notes={key: note.text for key, note in labelling.notes(db, project.id).items()},
            past=looking_back.history(db, project.id, user.id, before=before, n=PAST) if asked else None,
        )


def before_of(asked: Any) -> int | None:
    """The decision before which older ones are wanted; None: the newest are."""
    before = asked.get("before") if isinstance(asked, dict) else None
    return before if isinstance(before, int) and not isinstance(before, bool) and 0 < before < 2**63 else None


def board_data(user: User | None, project: Project, answer: dict[str, Any], box: dict[str, Any]) -> dict[str, Any]:
    """Everything that the board shows, as plain values; ``box`` is what it has said last.

    With trouble that began before the person was known, or while texts were handed out, ``handed`` is False: the board
    then keeps what it has.
    """
    language = lang()
    given: Given | None = None
    trouble, state, archived = answer["trouble"], "closed", False
    unknown = user is None and bool(trouble)
    handed = not unknown
    asked = box.get("past") if box.get("project", project.id) == project.id else None
    if user is not None:
        try:
            given = hand_out(user, project, asked if box else {"before": None}, ahead(project, box))
        except NotMember as error:
            user, state, archived = None, "removed", isinstance(error, Archived)
        except NotAllowed:
            user = None
        except (TagtailError, StorageError) as error:
            log.exception("no texts could be handed out")
            trouble, handed = trouble or sentence(error, language), False
    project = given.project if given else project
    labels, names = project.label_set.on_board, project.label_set.names(language)
    mine = given.mine if given else NOTHING_YET
    role = user.role if user else "annotator"
    notes = given.notes if given else {}
    mark, seldom = still(labels, project.guideline, notes, language, known=known_of(box))
    return {
        "sid": st.session_state["board_sid"],
        "assets": None if known_of(box) else ASSETS,  # a board that has spoken is there
        "owner": str(session.user_id() or 0),
        "scope": f"{session.user_id() or 0}.{project.id}",
        "project": project.id,
        "lang": language,
        "look": project.label_set.fingerprint,
        "state": "open" if user or unknown else state,
        "archived": archived,
        "merged": dict(project.label_set.merged),
        "handed": handed,
        "mark": mark,
        "still": seldom,
        # Only a board that has just come up is told where its person stopped; later it knows better than we do.
        "docs": board_texts(given.texts, names, None if box else given.stopped) if given else [],
        "thresholds": thresholds_shown(given.thresholds, given.texts) if given else {},
        "desk": given.desk.values() if given else None,
        "past": None if not given or given.past is None else past_page(given.past, names, before_of(asked)),
        **{name: answer.get(name) for name in SAID},
        "trouble": trouble,
        "heard": answer.get("heard", 0),
        "more": mine.waiting > 0,
        "progress": {"today": mine.today, "labelled": mine.labelled, "pool": mine.pool, "daily_goal": mine.daily_goal},
        "empty": empty_words(mine, role) if handed else trouble_words(),
    }


def thresholds_shown(thresholds: dict[str, float], texts: list[LeasedText]) -> dict[str, float]:
    """The cuts of those labels that have a probability on some text: of thousands of labels most have none."""
    shown = {key for text in texts for key in text.suggestions or ()}
    return {key: cut for key, cut in thresholds.items() if key in shown}


def known_of(box: dict[str, Any]) -> str:
    """The mark of what seldom changes that this board has; a board of another session has nothing."""
    return str(box.get("still") or "") if box.get("sid") == st.session_state["board_sid"] else ""


def allowed() -> User | None:
    """The person at the screen as the database knows them now; None once they may not annotate any more."""
    user = session.current_user()
    return user if user is not None and user.active else None


def standing() -> tuple[User | None, str]:
    """Who is at the screen, or else the trouble with the database that keeps this from being known."""
    try:
        return allowed(), ""
    except (TagtailError, StorageError) as error:
        log.exception("the database does not say who this is")
        return None, sentence(error, lang())


@st.fragment
def desk(project: Project) -> None:
    """The board; a fragment, so that a decision re-runs nothing else. Trouble with the database leaves it standing."""
    # A restarted server has new sessions: a new id tells the board to send its outbox again.
    st.session_state.setdefault("board_sid", uuid.uuid4().hex)

    def on_outbox() -> None:
        box = st.session_state[BOARD].get("outbox") or {}
        ops = box.get("ops")
        user, trouble = standing()
        answer = deliver(user, project.id, ops if isinstance(ops, list) else [], session.now())
        kept = keep_desk(user, box, session.now())
        st.session_state["board_answer"] = {
            **answer, **kept, "trouble": answer["trouble"] or trouble, "heard": box.get("n", 0),
        }  # fmt: skip

    user, trouble = standing()
    answer = st.session_state.get("board_answer", NO_ANSWER)
    shown = {**answer, "trouble": answer["trouble"] or trouble}
    box = (st.session_state.get(BOARD) or {}).get("outbox") or {}
    label_board(board_data(user, project, shown, box), key=BOARD, on_outbox_change=on_outbox)
    st.session_state["board_answer"] = {**answer, "trouble": ""}  # said once


def show() -> None:
    session.require("annotator")
    desk(session.project())


if __name__ == "__main__":
    show()
