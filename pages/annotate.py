"""Annotate: one text after the other under the label board. The browser decides first, the database has the last word.

Every run first carries out what the board's outbox holds, then says what was saved and hands out the next texts. An op
that is neither acknowledged nor refused stays in the browser, which sends it again.
"""

from __future__ import annotations

import logging
import uuid
from collections import defaultdict
from typing import Any

import streamlit as st

from core.errors import BadOp, NotAllowed, TagtailError
from core.labels import Label
from core.messages import sentence
from core.services import annotating
from core.services.accounts import User
from core.services.annotating import LeasedText, MyProgress
from core.services.projects import Project
from db.errors import StorageError
from pages.shared import reasons, session, stored_errors
from pages.shared.components.label_board import label_board
from pages.shared.i18n import lang, t

log = logging.getLogger("tagtail.pages.annotate")

BOARD = "label_board"
MIN_AHEAD = 4  # the text on the desk and three more, whatever the project says
WORDS = (
    "board", "labels", "about", "no_definition", "save", "skip", "flag", "undo", "close", "help", "help_more",
    "press", "comment", "comment_example", "comment_send", "comment_cancel", "goal_bar", "today_of", "today",
    "pool", "pace", "state_saved", "state_saving", "state_slow", "state_offline", "state_out",
    "state_offline_idle", "state_out_idle", "need_label", "undone", "nothing_to_undo", "loading", "swapped",
)  # fmt: skip
KEYS = (
    ("1 2 … 9", "toggle"),
    ("Enter", "save"),
    ("S", "skip"),
    ("F", "flag"),
    ("U", "undo"),
    ("R", "again"),
    ("?", "help"),
)
NOTHING_YET = MyProgress(today=0, total=0, labelled=0, pool=0, waiting=0, daily_goal=0)
NO_ANSWER: dict[str, Any] = {"acked": [], "refused": [], "trouble": ""}


def board_words() -> dict[str, Any]:
    """All words of the board in the reader's language; the board fills the places in braces itself."""
    words: dict[str, Any] = {name: t(f"annotate.{name}") for name in WORDS}
    words["keys"] = [[keys, t(f"annotate.key_{name}")] for keys, name in KEYS]
    return words


def board_labels(labels: tuple[Label, ...], language: str) -> list[dict[str, Any]]:
    """The toggles, each with the digit that flips it: its own hotkey, else its place among the first nine."""
    found = []
    for position, label in enumerate(labels, start=1):
        other = label.zh if language == "en" else label.en
        name = label.name(language)
        found.append(
            {
                "key": label.key,
                "name": name,
                "other": "" if other == name else other,
                "definition": (label.definition_en if language == "en" else "") or label.definition,
                "examples": list(label.examples),
                "colour": label.colour,
                "digit": label.hotkey or (str(position) if position <= 9 else ""),
            }
        )
    return found


def empty_words(mine: MyProgress, role: str) -> dict[str, str]:
    """What an empty desk says: nothing imported, my own skips left, nothing free just now, or all done."""
    who = "annotator" if role == "annotator" else "lead"
    if not mine.pool:
        return {"title": t("annotate.empty_none_title"), "body": t(f"annotate.empty_none_{who}")}
    if mine.skipped:
        others = mine.waiting - mine.skipped
        return {
            "title": t("annotate.empty_skipped_title", n=mine.skipped),
            "body": t("annotate.empty_skipped_others", n=others) if others else t("annotate.empty_skipped_only"),
            "again": t("annotate.again", n=mine.skipped),
        }
    if mine.waiting:
        return {
            "title": t("annotate.empty_waiting_title"),
            "body": t("annotate.empty_waiting_body", n=mine.waiting),
        }
    return {"title": t("annotate.empty_done_title"), "body": t(f"annotate.empty_done_{who}")}


def board_text(text: LeasedText, names: dict[str, str]) -> dict[str, Any]:
    """One text as the board wants it."""
    return {
        "id": text.id,
        "text": text.text,
        "why": reasons.words("annotate", text.reason, names),
        "chosen": list(text.chosen),
        "suggestions": text.suggestions,
    }


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


def hand_out(user: User, project: Project) -> tuple[list[LeasedText], MyProgress]:
    """The texts for the desk, and how far this person is. Raises NotAllowed, StorageError."""
    now = session.now()
    with session.db() as db:
        texts = annotating.next_texts(db, project.id, user.id, n=max(MIN_AHEAD, project.settings.prefetch + 1), now=now)
        return texts, annotating.progress(db, project.id, user.id, now=now)


def board_data(user: User | None, project: Project, answer: dict[str, Any]) -> dict[str, Any]:
    """Everything that the board shows, as plain values.

    With trouble that began before the person was known, or while texts were handed out, ``handed`` is False: the board
    then keeps what it has.
    """
    language = lang()
    names = {label.key: label.name(language) for label in project.label_set.labels}
    texts: list[LeasedText] = []
    mine, trouble = NOTHING_YET, answer["trouble"]
    unknown = user is None and bool(trouble)
    handed = not unknown
    if user is not None:
        try:
            texts, mine = hand_out(user, project)
        except NotAllowed:
            user = None
        except (TagtailError, StorageError) as error:
            log.exception("no texts could be handed out")
            trouble, handed = trouble or sentence(error, language), False
    role = user.role if user else "annotator"
    return {
        "sid": st.session_state["board_sid"],
        "owner": str(session.user_id() or 0),
        "scope": f"{session.user_id() or 0}.{project.id}",
        "project": project.id,
        "lang": language,
        "look": project.label_set.fingerprint,
        "state": "open" if user or unknown else "closed",
        "handed": handed,
        "labels": board_labels(project.label_set.labels, language),
        "docs": [board_text(text, names) for text in texts],
        "acked": answer["acked"],
        "refused": answer["refused"],
        "trouble": trouble,
        "heard": answer.get("heard", 0),
        "more": mine.waiting > 0,
        "progress": {
            "today": mine.today,
            "labelled": mine.labelled,
            "pool": mine.pool,
            "daily_goal": mine.daily_goal,
        },
        "words": board_words(),
        "empty": empty_words(mine, role) if handed else trouble_words(),
        "closed": {"title": t("annotate.closed_title"), "body": t("annotate.closed_body")},
    }


def trouble_words() -> dict[str, str]:
    """What an empty desk says while the database hands out nothing."""
    return {"title": t("annotate.empty_trouble_title"), "body": t("annotate.empty_trouble_body")}


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
        st.session_state["board_answer"] = {
            **answer, "trouble": answer["trouble"] or trouble, "heard": box.get("n", 0),
        }  # fmt: skip

    user, trouble = standing()
    answer = st.session_state.get("board_answer", NO_ANSWER)
    shown = {**answer, "trouble": answer["trouble"] or trouble}
    label_board(board_data(user, project, shown), key=BOARD, on_outbox_change=on_outbox)
    st.session_state["board_answer"] = {**answer, "trouble": ""}  # said once


def guideline_button(project: Project) -> None:
    """The written guideline, one click away and never between the text and its labels."""

    @st.dialog(t("annotate.guideline"), width="large")
    def guideline() -> None:
        st.markdown(project.guideline)

    if st.sidebar.button(t("annotate.guideline"), icon=":material/menu_book:", key="guideline", width="stretch"):
        guideline()


def show() -> None:
    session.require("annotator")
    project = session.project()
    desk(project)
    if project.guideline:
        guideline_button(project)


if __name__ == "__main__":
    show()
