"""A click's way in: take submissions exactly once, undo them, change them later.

One op, one short transaction, one answer. An op's ``uid`` is made in the browser when the text is shown, so a replay, a
double click, a lost connection or a second tab are all the same op and are saved once.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlite_utils import Database

from core.errors import (
    AlreadyDecided,
    BadOp,
    NoLabels,
    NotAllowed,
    NotMember,
    Settled,
    TakenMeanwhile,
    UserMistake,
)
from core.services import accounts, assigning, curating, membership, scheduling
from core.services.assigning import LeasedText, next_texts, release, suggested
from core.services.looking_back import midnight
from db import adjudications, documents, events, leases, past, rounds
from db import annotations as annotation_rows
from db.annotations import NewAnnotation
from db.connect import writing
from db.errors import NotFound

__all__ = [
    "ApplyResult",
    "LeasedText",
    "MyProgress",
    "Refusal",
    "Standing",
    "apply",
    "next_texts",
    "progress",
    "release",
    "reopen_skipped",
    "standing",
    "suggested",
]

DECISIONS = ("labelled", "skipped", "flagged")
MAX_COMMENT = 2000
CUTS = ":thresholds"
MAX_MS = 3_600_000
_UID = re.compile(r"[0-9A-Za-z_.-]{1,80}")  # an import's own submissions have a colon: nobody can take their names


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """An op that cannot be saved, and why; the browser drops it and says so."""

    uid: str
    code: str
    fields: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ApplyResult:
    acked: tuple[str, ...]
    refused: tuple[Refusal, ...]


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Counts of a project's texts, gold counted in: all, open, and labelled by somebody."""

    pool: int
    waiting: int
    labelled: int


@dataclass(frozen=True, kw_only=True)
class MyProgress:
    """Counts of texts: mine today (UTC+8), mine in all, labelled, all, waiting for somebody who may be me, and skipped.

    Gold is counted in: a figure that moves with pool texts alone would tell which texts are gold. ``skipped`` counts
    what ``reopen_skipped`` would bring back now.
    """

    today: int
    total: int
    labelled: int
    pool: int
    waiting: int
    daily_goal: int
    skipped: int = 0


def apply(db: Database, project_id: int, user_id: int, ops: Sequence[dict[str, Any]], *, now: float) -> ApplyResult:
    """Carry out ops in order, each whole or not at all; what is on disk is acked, what never can be is refused.

    Raises NotAllowed (the person may not write any more) and StorageErrors other than NotFound: then nothing is said of
    the remaining ops, and the browser keeps them.
    """
    acked: list[str] = []
    refused: list[Refusal] = []
    accounts.require_active(db, user_id)
    for op in ops:
        uid = str(op.get("uid", ""))
        try:
            if not _UID.fullmatch(uid):
                raise BadOp(why="uid")
            _apply_one(db, project_id, user_id, op, uid, now=now)
            acked.append(uid)
        except (UserMistake, NotFound) as error:
            if isinstance(error, NotAllowed) and not isinstance(error, NotMember):
                raise
            refused.append(Refusal(uid=uid, code=error.code, fields=error.fields))
    return ApplyResult(acked=tuple(acked), refused=tuple(refused))


def _apply_one(db: Database, project_id: int, user_id: int, op: dict[str, Any], uid: str, *, now: float) -> None:
    membership.require_member(db, project_id, user_id)  # before a word is said of the project; each write asks again
    kind = op.get("kind")
    if kind == "save":
        _save(db, project_id, user_id, op, uid, now=now)
    elif kind == "undo":
        _undo(db, project_id, user_id, str(op.get("target", "")), uid, now=now)
    elif kind == "release":
        release(db, project_id, user_id, now=now)
    elif kind == "reopen":
        reopen_skipped(db, project_id, user_id, uid=uid, now=now)
    elif kind == "revise":
        _revise(db, project_id, user_id, op, uid, now=now)
    else:
        raise BadOp(why=f"kind {str(kind)[:20]!a}")


def _checked(project: curating.Project, op: dict[str, Any]) -> tuple[str, tuple[str, ...], int, str, int]:
    """Decision, labels, document, comment and milliseconds of a save. Raises UnknownLabel, NoLabels, NotFound."""
    decision = op.get("decision")
    names, document = op.get("labels") or [], op.get("document")
    if decision not in DECISIONS or not isinstance(names, list) or isinstance(document, bool):
        raise BadOp(why="decision, labels, document")
    if not isinstance(document, int) or not 0 < document < 2**63:
        raise BadOp(why="document")
    labels = project.label_set.canonical(str(name) for name in names)
    if decision == "labelled" and not labels:
        raise NoLabels()
    ms = op.get("ms")
    ms = min(max(int(ms), 0), MAX_MS) if isinstance(ms, int | float) and math.isfinite(ms) else 0
    return decision, labels, document, _storable(str(op.get("comment") or ""))[:MAX_COMMENT], ms


def _storable(text: str) -> str:
    """Without lone surrogates, which a browser can send and a file cannot hold."""
    return text.encode("utf-8", "replace").decode()


def _shown(project: curating.Project, op: dict[str, Any]) -> dict[str, Any] | None:
    """The suggestions that were on the screen and the cuts beside them, as far as they are what a page of ours sends.

    Label key → probability, and under ``:thresholds``, which is no label's key, label key → cut.
    """
    if not isinstance(op.get("shown"), dict):
        return None
    shown: dict[str, Any] = _probabilities(op["shown"], project.label_set.keys)
    cuts = _probabilities(op.get("cuts"), shown)
    return {**shown, CUTS: cuts} if cuts else shown


def _probabilities(found: Any, keys: Collection[str]) -> dict[str, float]:
    known = found.items() if isinstance(found, dict) else ()
    return {k: round(float(p), 4) for k, p in known if k in keys and isinstance(p, int | float) and 0 <= p <= 1}


def _already(db: Database, uid: str, user_id: int, document_id: int | None) -> bool:
    """Whether this very op is saved. Raises BadOp: the uid is another person's or another text's."""
    found = annotation_rows.by_submission(db, uid)
    if found and (found["user_id"] != user_id or document_id not in (None, found["document_id"])):
        raise BadOp(why="uid")
    return found is not None


def _save(db: Database, project_id: int, user_id: int, op: dict[str, Any], uid: str, *, now: float) -> None:
    project = curating.project(db, project_id)
    decision, labels, document_id, comment, ms = _checked(project, op)
    with writing(db):
        membership.require_member(db, project_id, user_id)
        if _already(db, uid, user_id, document_id):
            return
        document = documents.peek(db, project_id, document_id)
        if document is None or not leases.ever_held(db, document_id, user_id):
            raise NotFound(what=f"text {document_id}")
        before = annotation_rows.current(db, document_id, user_id)
        if before and not leases.holds(db, document_id, user_id):
            raise AlreadyDecided()  # by another tab of theirs, which this one has not heard of
        shown = _shown(project, op)
        model = rounds.current_model(db, project_id, "student") if shown else None
        new = NewAnnotation(
            project_id=project_id, document_id=document_id, user_id=user_id, decision=decision, labels=labels,
            submission_id=uid, comment=comment, ms=ms, suggestions=shown,
            round_id=model["round_id"] if model else None, supersedes=before["annotation_id"] if before else None,
        )  # fmt: skip
        leases.close(db, document_id, user_id)
        _write(db, project, document, new, before, kind=decision, now=now)


def _write(
    db: Database, project: curating.Project, document: dict[str, Any], new: NewAnnotation,
    before: dict[str, Any] | None, *, kind: str, now: float,
) -> None:  # fmt: skip
    """Append a decision with all that follows from it: the text's state, the log, a round that is due."""
    annotation_rows.append(db, new, now=now)
    documents.refresh_state(db, new.document_id)
    events.append(
        db, kind, now=now, project_id=project.id, user_id=new.user_id, document_id=new.document_id,
        before=before["labels"] if before else None, after=new.labels,
    )  # fmt: skip
    if new.decision == "labelled" and document["role"] == "pool":
        scheduling.request_if_due(db, project, now=now)


def _revise(db: Database, project_id: int, user_id: int, op: dict[str, Any], uid: str, *, now: float) -> None:
    """A new version of this person's present decision on a text.

    Raises NotFound (they have none), Settled, TakenMeanwhile (they had skipped it, and colleagues took the room).
    """
    project = curating.project(db, project_id)
    decision, labels, document_id, comment, ms = _checked(project, op)
    with writing(db):
        membership.require_member(db, project_id, user_id)
        if _already(db, uid, user_id, document_id):
            return
        document = documents.peek(db, project_id, document_id)
        before = annotation_rows.current(db, document_id, user_id)
        if document is None or before is None:
            raise NotFound(what=f"decision on text {document_id}")
        if adjudications.exists(db, document_id):
            raise Settled()
        joins = before["decision"] == "skipped" and decision != "skipped"
        if joins and not leases.has_room(db, document_id, user_id, now=now):
            raise TakenMeanwhile()
        new = NewAnnotation(
            project_id=project_id, document_id=document_id, user_id=user_id, decision=decision, labels=labels,
            submission_id=uid, comment=comment, ms=ms, supersedes=before["annotation_id"],
        )  # fmt: skip
        _write(db, project, document, new, before, kind="revised", now=now)


def _undo(db: Database, project_id: int, user_id: int, target: str, uid: str, *, now: float) -> None:
    """Take back the op ``target``: its text comes back to this person with what they had chosen."""
    project = curating.project(db, project_id)
    with writing(db):
        membership.require_member(db, project_id, user_id)
        if _already(db, uid, user_id, None):
            return
        taken_back = annotation_rows.by_submission(db, _storable(target))
        if not taken_back or taken_back["user_id"] != user_id or taken_back["project_id"] != project_id:
            raise NotFound(what=f"submission {target[:40]!a}")
        document_id = taken_back["document_id"]
        now_current = annotation_rows.current(db, document_id, user_id)
        if not now_current or now_current["annotation_id"] != taken_back["id"]:
            return  # a later decision of theirs stands already; there is nothing left to take back
        if adjudications.exists(db, document_id):
            raise Settled()
        if not leases.has_room(db, document_id, user_id, now=now):
            raise TakenMeanwhile()
        undone = NewAnnotation(
            project_id=project_id, document_id=document_id, user_id=user_id, decision="undone", labels=(),
            submission_id=uid, supersedes=taken_back["id"],
        )  # fmt: skip
        annotation_rows.append(db, undone, now=now)
        documents.refresh_state(db, document_id)
        until = now + assigning.lease_s(db, project, user_id, n=1)
        leases.lease(db, project_id, document_id, user_id, until=until, now=now, chosen=taken_back["labels"])
        events.append(
            db, "undone", now=now, project_id=project_id, user_id=user_id, document_id=document_id,
            before=taken_back["labels"],
        )  # fmt: skip


def reopen_skipped(db: Database, project_id: int, user_id: int, *, uid: str = "", now: float) -> int:
    """Take back this person's skips, so that the texts can be leased to them again; says how many.

    Texts that a colleague has by now stay the colleague's. ``uid`` names the op that asks: once is once.
    """
    with writing(db):
        membership.require_member(db, project_id, user_id)
        if uid and _already(db, uid, user_id, None):
            return 0
        skips = annotation_rows.skips_to_reopen(db, project_id, user_id, now=now)
        for n, each in enumerate(skips):
            # A colon in the name: no browser can send it. The first one bears the op's own, by which a replay is known.
            name = uid if uid and not n else f"reopen:{each['annotation_id']}"
            undone = NewAnnotation(
                project_id=project_id, document_id=each["document_id"], user_id=user_id, decision="undone", labels=(),
                submission_id=name, supersedes=each["annotation_id"],
            )  # fmt: skip
            annotation_rows.append(db, undone, now=now)
        if skips:
            events.append(db, "skips_reopened", now=now, project_id=project_id, user_id=user_id, after=len(skips))
    return len(skips)


def standing(db: Database, project_id: int) -> Standing:
    """How far the project is."""
    both = documents.counts(db, project_id).values()
    return Standing(
        pool=sum(each["documents"] for each in both),
        waiting=sum(each["open"] for each in both),
        labelled=sum(each["labelled"] for each in both),
    )


def progress(db: Database, project_id: int, user_id: int, *, now: float) -> MyProgress:
    """What this person and the project have done so far."""
    membership.require_member(db, project_id, user_id)
    settings = curating.project(db, project_id).settings
    everybody = standing(db, project_id)
    decided, done_by_me = annotation_rows.tally(db, project_id, user_id)
    return MyProgress(
        today=len(past.firsts(db, project_id, user_id, since=midnight(now))),
        total=decided,
        labelled=everybody.labelled,
        pool=everybody.pool,
        waiting=max(0, everybody.waiting - done_by_me),
        daily_goal=settings.daily_goal,
        skipped=len(annotation_rows.skips_to_reopen(db, project_id, user_id, now=now)),
    )
