"""The reviewer's desk: cases for the board, and what the board asks for. Who may is asked again at each op."""

from __future__ import annotations

import logging
import uuid
from typing import Any

import streamlit as st

from core.errors import BadOp, NotAllowed, TagtailError, UserMistake
from core.messages import sentence
from core.services import adjudicating, reviewing
from core.services.accounts import User
from core.services.adjudicating import Case, Docket
from core.services.projects import Project
from db.errors import NotFound, StorageError
from pages.shared import messages, session, when
from pages.shared.components.review_board import review_board
from pages.shared.i18n import lang, t

log = logging.getLogger("tagtail.pages.review")

BOARD = "review_board"
AHEAD = 20
WORDS = (
    "settle", "majority", "put_back", "reopen", "previous", "next", "names", "take", "flagged", "settled_as", "comment",
    "labels", "saving", "saved", "place", "need_label", "no_majority",
)  # fmt: skip
NO_ANSWER: dict[str, Any] = {"acked": [], "refused": [], "trouble": ""}


def carry_out(user: User, project_id: int, op: dict[str, Any], now: float) -> None:
    """One op of the board, in the project in which it was made. Raises what the services raise, and BadOp."""
    document, labels, seen = op.get("document"), op.get("labels"), op.get("seen")
    if not isinstance(document, int) or not isinstance(labels, list) or op.get("project") != project_id:
        raise BadOp(why="document, labels, project")
    comment = str(op.get("comment") or "").encode("utf-8", "replace").decode()[: adjudicating.MAX_COMMENT]
    with session.db() as db:
        if op.get("kind") == "settle":
            adjudicating.settle(
                db, project_id, document, [str(each) for each in labels], comment=comment,
                seen=seen if isinstance(seen, float | int) else None, by=user.id, now=now,
            )  # fmt: skip
        elif op.get("kind") == "put_back":
            reviewing.put_back(db, project_id, document, by=user.id, now=now)
        elif op.get("kind") == "reopen":
            adjudicating.reopen(db, project_id, document, by=user.id, now=now)
        else:
            raise BadOp(why="kind")


def deliver(user: User | None, project_id: int, ops: list[Any], done: set[str], now: float) -> dict[str, Any]:
    """What became of each op; one in neither list was not carried out and comes again. ``done``: those of before."""
    answer: dict[str, Any] = {"acked": [], "refused": [], "trouble": ""}
    for op in ops if user else []:
        if not isinstance(op, dict):
            continue
        uid = str(op.get("uid", ""))
        try:
            if user and uid not in done:
                carry_out(user, project_id, op, now)
            done.add(uid)
            answer["acked"].append(uid)
        except NotAllowed as error:
            answer["trouble"] = sentence(error, lang())
            break
        except (UserMistake, NotFound) as error:
            answer["refused"].append({"uid": uid, "sentence": sentence(error, lang())})
        except (TagtailError, StorageError) as error:
            log.exception("a settlement could not be kept")
            answer["trouble"] = sentence(error, lang())
            break
    return answer


def facts(case: Case) -> str:
    """The small print of a case."""
    said = [t("review.text_id", id=case.document_id, external=case.external_id)]
    if sum(choice.decision == "labelled" for choice in case.choices) > 1:
        said.append(t("review.distance", percent=round(100 * case.distance)))
    return " · ".join(said)


def board_case(case: Case, project_id: int) -> dict[str, Any]:
    """One case as the board wants it."""
    settled = case.settled
    return {
        "id": case.document_id,
        "project": project_id,
        "text": case.text,
        "facts": facts(case),
        "choices": [
            {
                "who": choice.who, "decision": choice.decision, "labels": list(choice.labels),
                "comment": choice.comment, "at": when.moment(choice.at),
            }
            for choice in case.choices
        ],
        "settled": settled and {
            "labels": list(settled.labels), "comment": settled.comment, "who": settled.who, "at": settled.at,
            "when": when.moment(settled.at),
        },
    }  # fmt: skip


def board_data(project: Project, view: str, label: str, found: Docket, answer: dict[str, Any]) -> dict[str, Any]:
    """Everything that the board shows, as plain values."""
    words = {name: t(f"review.{name}") for name in WORDS}
    words |= {"empty_title": t(f"review.empty_{view}_title"), "empty_body": t(f"review.empty_{view}_body")}
    labels = project.label_set.on_board
    return {
        "sid": st.session_state["review_sid"],
        "scope": f"{project.id}.{view}.{label}",
        "view": view,
        "n": found.n,
        "cases": [board_case(case, project.id) for case in found.cases],
        "labels": [
            {"key": each.key, "name": each.name(lang()), "colour": each.colour, "digit": each.hotkey} for each in labels
        ],
        "blind": project.settings.blind_review,
        "settledHere": bool(answer["acked"]),
        "acked": answer["acked"],
        "refused": answer["refused"],
        "trouble": answer["trouble"],
        "words": words,
    }


@st.fragment
def desk(project: Project, view: str, label: str) -> None:
    """The board; a fragment, so that a settlement re-runs nothing else."""
    st.session_state.setdefault("review_sid", uuid.uuid4().hex)

    def on_outbox() -> None:
        box = st.session_state[BOARD].get("outbox") or {}
        ops = box.get("ops")
        done = st.session_state.setdefault("review_done", set())
        st.session_state["review_answer"] = deliver(
            session.current_user(), project.id, ops if isinstance(ops, list) else [], done, session.now()
        )

    answer = st.session_state.get("review_answer", NO_ANSWER)
    try:
        user = session.current_user()
        with session.db() as db:
            found = adjudicating.docket(
                db, project.id, by=user.id if user else 0, kind=view, label=label or None, n=AHEAD
            )
    except (TagtailError, StorageError) as error:
        messages.show(error)
        return
    review_board(board_data(project, view, label, found, answer), key=BOARD, on_outbox_change=on_outbox)
    st.session_state["review_answer"] = {**answer, "refused": [], "trouble": ""}  # said once
