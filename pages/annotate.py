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

from core.errors import NotAllowed, TagtailError
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
    "state_offline_idle", "state_out_idle", "need_label", "undone", "nothing_to_undo", "loading",
)  # fmt: skip
KEYS = (("1 2 … 9", "toggle"), ("Enter", "save"), ("S", "skip"), ("F", "flag"), ("U", "undo"), ("?", "help"))


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
    """What an empty desk says: nothing imported, nothing free just now, or all done."""
    who = "annotator" if role == "annotator" else "lead"
    if not mine.pool:
        return {"title": t("annotate.empty_none_title"), "body": t(f"annotate.empty_none_{who}")}
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
        if isinstance(op, dict):
            project_id = op.get("project")
            by_project[project_id if isinstance(project_id, int) else fallback_project].append(op)
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


def board_data(user: User | None, project: Project, answer: dict[str, Any]) -> dict[str, Any]:
    """Everything that the board shows, as plain values."""
    language = lang()
    names = {label.key: label.name(language) for label in project.label_set.labels}
    texts: list[LeasedText] = []
    mine = MyProgress(today=0, total=0, labelled=0, pool=0, waiting=0, daily_goal=0)
    trouble = answer["trouble"]
    if user is not None:
        now = session.now()
        try:
            with session.db() as db:
                ahead = max(MIN_AHEAD, project.settings.prefetch + 1)
                texts = annotating.next_texts(db, project.id, user.id, n=ahead, now=now)
                mine = annotating.progress(db, project.id, user.id, now=now)
        except NotAllowed:
            user = None
        except (TagtailError, StorageError) as error:
            log.exception("no texts could be handed out")
            trouble = trouble or sentence(error, language)
    role = user.role if user else "annotator"
    return {
        "sid": st.session_state["board_sid"],
        "scope": f"{session.user_id() or 0}.{project.id}",
        "project": project.id,
        "lang": language,
        "look": project.label_set.fingerprint,
        "state": "open" if user else "closed",
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
        "empty": empty_words(mine, role),
        "closed": {"title": t("annotate.closed_title"), "body": t("annotate.closed_body")},
    }


def allowed() -> User | None:
    """The person at the screen as the database knows them now; None once they may not annotate any more."""
    user = session.current_user()
    return user if user is not None and user.active else None


@st.fragment
def desk(project: Project) -> None:
    """The board; a fragment, so that a decision re-runs nothing else."""
    # A restarted server has new sessions: a new id tells the board to send its outbox again.
    st.session_state.setdefault("board_sid", uuid.uuid4().hex)

    def on_outbox() -> None:
        box = st.session_state[BOARD].get("outbox") or {}
        ops = box.get("ops")
        user = allowed()
        answer = deliver(user, project.id, ops if isinstance(ops, list) else [], session.now())
        st.session_state["board_answer"] = {**answer, "heard": box.get("n", 0)}

    answer = st.session_state.get("board_answer", {"acked": [], "refused": [], "trouble": ""})
    label_board(board_data(allowed(), project, answer), key=BOARD, on_outbox_change=on_outbox)


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
