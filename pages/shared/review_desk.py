"""The reviewer's desk: cases for the board, and what the board asks for. Who may is asked again at each op."""

from __future__ import annotations

import functools
import hashlib
import json
import logging
import uuid
from typing import Any, TypeGuard

import streamlit as st

from core.errors import BadOp, NotAllowed, NotMember, TagtailError, UserMistake
from core.label_rules import LISTED
from core.labels import Label
from core.messages import sentence
from core.services import adjudicating, reviewing
from core.services.accounts import User
from core.services.adjudicating import Case, Docket
from core.services.projects import Project
from db.errors import NotFound, StorageError
from pages.shared import messages, session, when
from pages.shared.components.review_board import ASSETS, review_board
from pages.shared.i18n import lang, t

log = logging.getLogger("tagtail.pages.review")

BOARD = "review_board"
AHEAD = 20
WORDS = (
    "settle", "majority", "leave_out", "left_out_as", "put_back", "reopen", "previous", "next",
    "names", "take", "flagged", "settled_as", "comment", "labels", "saved", "place", "need_label",
    "no_majority",
)  # fmt: skip
FINDING = ("find", "find_example", "found_n", "found_none")
STATES = ("state_saving", "state_slow", "state_offline", "state_offline_idle", "state_out", "state_out_idle")
NO_ANSWER: dict[str, Any] = {"acked": [], "refused": [], "trouble": ""}


def carry_out(user: User, op: dict[str, Any], now: float) -> None:
    """One op of the board, in the project in which it was made. Raises what the services raise, and BadOp."""
    project_id, document, labels, seen = op.get("project"), op.get("document"), op.get("labels"), op.get("seen")
    if not is_id(project_id) or not is_id(document) or not isinstance(labels, list):
        raise BadOp(why="document, labels, project")
    comment = str(op.get("comment") or "").encode("utf-8", "replace").decode()[: adjudicating.MAX_COMMENT]
    with session.db() as db:
        seen = seen if isinstance(seen, float | int) else None
        if op.get("kind") == "settle":
            chosen = [str(each) for each in labels]
            adjudicating.settle(db, project_id, document, chosen, comment=comment, seen=seen, by=user.id, now=now)
        elif op.get("kind") == "leave_out":
            adjudicating.leave_out(db, project_id, document, comment=comment, seen=seen, by=user.id, now=now)
        elif op.get("kind") == "put_back":
            reviewing.put_back(db, project_id, document, by=user.id, now=now)
        elif op.get("kind") == "reopen":
            adjudicating.reopen(db, project_id, document, by=user.id, now=now)
        else:
            raise BadOp(why="kind")


def is_id(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**63


def deliver(user: User | None, ops: list[Any], done: set[str], now: float) -> dict[str, Any]:
    """What became of each op; one in neither list was not carried out and comes again. ``done``: those of before.

    A server that was restarted knows none of before: a settlement that stands already is not made again, and where
    nothing is left to put back or to reopen, that is what was wanted.
    """
    answer: dict[str, Any] = {"acked": [], "refused": [], "trouble": ""}
    for op in ops if user else []:
        if not isinstance(op, dict):
            continue
        uid = str(op.get("uid", ""))
        try:
            if user and uid not in done:
                carry_out(user, op, now)
            done.add(uid)
            answer["acked"].append(uid)
        except (UserMistake, NotFound) as error:
            if isinstance(error, NotAllowed) and not isinstance(error, NotMember):
                answer["trouble"] = sentence(error, lang())
                break
            if isinstance(error, NotFound) and op.get("kind") in ("put_back", "reopen"):
                answer["acked"].append(uid)
                continue
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
            "labels": list(settled.labels), "left_out": settled.left_out, "comment": settled.comment,
            "who": settled.who, "at": settled.at,
            "when": when.moment(settled.at),
        },
    }  # fmt: skip


@functools.lru_cache(maxsize=16)
def board_labels(labels: tuple[Label, ...], language: str) -> tuple[str, list[dict[str, Any]]]:
    """The labels as the board wants them, and a mark by which it knows them again."""
    width = len(str(len(labels)))
    made = [
        {
            "key": each.key, "name": each.name(language), "other": each.zh if language == "en" else each.en,
            "colour": each.colour, "digit": each.hotkey, "number": str(n).zfill(width),
        }
        for n, each in enumerate(labels, start=1)
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(made, ensure_ascii=False).encode()).hexdigest()[:16], made


def board_data(
    project: Project, view: str, label: str, found: Docket, answer: dict[str, Any], box: dict[str, Any]
) -> dict[str, Any]:
    """Everything that the board shows, as plain values; ``box`` is what it has said last."""
    words = {name: t(f"review.{name}") for name in WORDS}
    words |= {name: t(f"annotate.{name}") for name in (*STATES, *FINDING)}
    empty = view if found.counts else "one"
    words |= {"empty_title": t(f"review.empty_{empty}_title"), "empty_body": t(f"review.empty_{empty}_body")}
    there = box.get("sid") == st.session_state["review_sid"]  # a board that has spoken in this session
    look, labels = board_labels(project.label_set.on_board, lang())
    return {
        "sid": st.session_state["review_sid"],
        "assets": None if there else ASSETS,
        "look": look,
        "listed": LISTED,
        "owner": str(session.user_id() or 0),
        "lang": lang(),
        "scope": f"{project.id}.{view}.{label}",
        "view": view,
        "n": found.n,
        "cases": [board_case(case, project.id) for case in found.cases],
        "labels": None if there and box.get("look") == look else labels,
        "blind": project.settings.blind_review,
        "settledHere": bool(answer["acked"]),
        "acked": answer["acked"],
        "refused": answer["refused"],
        "trouble": answer["trouble"],
        "heard": answer.get("heard", 0),
        "words": words,
    }


def standing() -> tuple[User | None, str]:
    """Who is at the screen, or else the trouble with the database that keeps this from being known."""
    try:
        return session.current_user(), ""
    except (TagtailError, StorageError) as error:
        log.exception("the database does not say who this is")
        return None, sentence(error, lang())


def desk(project: Project, view: str, label: str, *, text: int | None = None) -> None:
    """The board. What it asks for is carried out before anything is drawn, so that all counts are those of now.

    ``text``: it alone, by its number, whatever view it belongs to.
    """
    st.session_state.setdefault("review_sid", uuid.uuid4().hex)

    def on_outbox() -> None:
        box = st.session_state[BOARD].get("outbox") or {}
        ops = box.get("ops")
        done = st.session_state.setdefault("review_done", set())
        user, trouble = standing()
        answer = deliver(user, ops if isinstance(ops, list) else [], done, session.now())
        trouble = answer["trouble"] or trouble
        st.session_state["review_answer"] = {**answer, "trouble": trouble, "heard": box.get("n", 0)}

    answer = st.session_state.get("review_answer", NO_ANSWER)
    try:
        user = session.current_user()
        with session.db() as db:
            by = user.id if user else 0
            if text is None:
                found = adjudicating.docket(db, project.id, by=by, kind=view, label=label or None, n=AHEAD)
            else:
                one = adjudicating.case(db, project.id, text, by=by)
                found, view, label = Docket(cases=(one,), n=1, counts={}), one.kind, f"text {text}"
    except (TagtailError, StorageError) as error:
        messages.show(error)
        return
    box = (st.session_state.get(BOARD) or {}).get("outbox") or {}
    review_board(board_data(project, view, label, found, answer, box), key=BOARD, on_outbox_change=on_outbox)
    st.session_state["review_answer"] = {**answer, "refused": [], "trouble": ""}  # said once
