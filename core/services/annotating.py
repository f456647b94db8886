"""A click's way in: lease texts, take submissions exactly once, undo them.

One op, one short transaction, one answer. An op's ``uid`` is made in the browser when the text is shown, so a replay, a
double click, a lost connection or a second tab are all the same op and are saved once.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sqlite_utils import Database

from core.config import ProjectSettings
from core.errors import NoLabels, NotAllowed, UserMistake
from core.services import accounts, curating, scheduling
from db import annotations as annotation_rows
from db import documents, events, leases, rounds
from db.annotations import NewAnnotation
from db.connect import writing
from db.errors import NotFound

DECISIONS = ("labelled", "skipped", "flagged")
MAX_COMMENT = 2000
MAX_MS = 3_600_000


@dataclass(frozen=True, kw_only=True)
class LeasedText:
    """A text that is this person's until ``lease_until``; nothing in it tells whether it is gold."""

    id: int
    text: str
    lease_until: float
    reason: dict[str, Any] | None
    chosen: tuple[str, ...] = ()
    suggestions: dict[str, float] | None = None


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
class MyProgress:
    """Counts of texts: mine today (UTC+8), mine in all, labelled pool, whole pool, texts still waiting."""

    today: int
    total: int
    labelled: int
    pool: int
    waiting: int
    daily_goal: int


def next_texts(db: Database, project_id: int, user_id: int, *, n: int, now: float) -> list[LeasedText]:
    """Up to n texts leased to this person: reopened ones first, then those held already, then the best of the queue."""
    project = curating.project(db, project_id)
    settings = project.settings
    until = now + settings.lease_s
    with writing(db):
        accounts.require_active(db, user_id)
        held = _keep(db, leases.mine(db, project_id, user_id), user_id, until=until, now=now)
        for _ in range(n - len(held)):
            document_id = _pick(db, project_id, user_id, settings, now=now)
            if document_id is None:
                break
            leases.lease(db, project_id, document_id, user_id, until=until, now=now)
        mine = leases.mine(db, project_id, user_id)[:n]
        return [_leased(db, project, each) for each in mine]


def _keep(db: Database, held: list[dict[str, Any]], user_id: int, *, until: float, now: float) -> list[dict[str, Any]]:
    """Renew what this person holds; a lapsed lease that the text has no room for any more is let go."""
    kept = []
    for each in held:
        gone = each["state"] == "done" and not each["reopened"]
        lapsed = each["until"] <= now and leases.others_hold(db, each["document_id"], user_id, now=now)
        if gone or lapsed:
            leases.close(db, each["document_id"], user_id, state="released")
        else:
            leases.renew(db, each["id"], until=until)
            kept.append(each)
    return kept


def _pick(db: Database, project_id: int, user_id: int, settings: ProjectSettings, *, now: float) -> int | None:
    """The next document: each ``gold_every``-th a gold one while gold waits, else the best-ranked, else shuffled."""
    gold_turn = leases.n_ever(db, project_id, user_id) % settings.gold_every == settings.gold_every - 1
    gold = leases.free_shuffled(db, project_id, user_id, role="gold", n=1, now=now) if gold_turn else []
    found = gold or leases.free_ranked(db, project_id, user_id, n=1, now=now)
    found = found or leases.free_shuffled(db, project_id, user_id, role="pool", n=1, now=now)
    found = found or leases.free_shuffled(db, project_id, user_id, role="gold", n=1, now=now)
    return found[0] if found else None


def _leased(db: Database, project: curating.Project, held: dict[str, Any]) -> LeasedText:
    blind = held["role"] == "gold"
    reason = rounds.queue_reason(db, project.id, held["document_id"])
    if held["reopened"]:
        reason = {"source": "returned"}
    elif blind or reason is None or reason.get("random"):
        reason = {"source": "random"}  # a gold text looks like one that chance put here
    suggestions = None
    if project.settings.suggestions and not blind:
        suggestions = suggested(db, project, held["document_id"])
    return LeasedText(
        id=held["document_id"], text=held["text"], lease_until=held["until"], reason=reason, chosen=held["chosen"],
        suggestions=suggestions,
    )  # fmt: skip


def suggested(db: Database, project: curating.Project, document_id: int) -> dict[str, float] | None:
    """The current student's probabilities for a document, by label key."""
    found = rounds.prediction(db, project.id, document_id)
    if found is None:
        return None
    probabilities = np.frombuffer(found[1], dtype="<f2")
    if len(probabilities) != len(project.label_set):
        return None
    return {key: round(float(p), 3) for key, p in zip(project.label_set.keys, probabilities, strict=True)}


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
            if not uid or len(uid) > 100:
                raise NotFound(what="uid")
            _apply_one(db, project_id, user_id, op, uid, now=now)
            acked.append(uid)
        except NotAllowed:
            raise
        except (UserMistake, NotFound) as error:
            refused.append(Refusal(uid=uid, code=error.code, fields=error.fields))
    return ApplyResult(acked=tuple(acked), refused=tuple(refused))


def _apply_one(db: Database, project_id: int, user_id: int, op: dict[str, Any], uid: str, *, now: float) -> None:
    kind = op.get("kind")
    if kind == "save":
        _save(db, project_id, user_id, op, uid, now=now)
    elif kind == "undo":
        _undo(db, project_id, user_id, str(op.get("target", "")), uid, now=now)
    elif kind == "release":
        release(db, project_id, user_id, now=now)
    else:
        raise NotFound(what=f"op {kind!r}")


def _checked(project: curating.Project, op: dict[str, Any]) -> tuple[str, tuple[str, ...], int, str, int]:
    """Decision, labels, document, comment and milliseconds of a save. Raises UnknownLabel, NoLabels, NotFound."""
    decision = op.get("decision")
    names, document = op.get("labels") or [], op.get("document")
    if decision not in DECISIONS or not isinstance(names, list) or isinstance(document, bool):
        raise NotFound(what=f"decision {decision!r}")
    if not isinstance(document, int):
        raise NotFound(what="document")
    labels = project.label_set.canonical(str(name) for name in names)
    if decision == "labelled" and not labels:
        raise NoLabels()
    ms = op.get("ms")
    ms = min(max(int(ms), 0), MAX_MS) if isinstance(ms, int | float) and ms == ms else 0
    return decision, labels, document, str(op.get("comment") or "")[:MAX_COMMENT], ms


def _save(db: Database, project_id: int, user_id: int, op: dict[str, Any], uid: str, *, now: float) -> None:
    project = curating.project(db, project_id)
    decision, labels, document_id, comment, ms = _checked(project, op)
    with writing(db):
        accounts.require_active(db, user_id)
        if annotation_rows.by_submission(db, uid):
            return
        document = documents.peek(db, project_id, document_id)
        if document is None or not leases.ever_held(db, document_id, user_id):
            raise NotFound(what=f"text {document_id}")
        before = annotation_rows.current(db, document_id, user_id)
        shown = op.get("shown") if isinstance(op.get("shown"), dict) else None
        model = rounds.current_model(db, project_id, "student") if shown else None
        new = NewAnnotation(
            project_id=project_id, document_id=document_id, user_id=user_id, decision=decision, labels=labels,
            submission_id=uid, comment=comment, ms=ms, suggestions=shown,
            round_id=model["round_id"] if model else None, supersedes=before["annotation_id"] if before else None,
        )  # fmt: skip
        annotation_rows.append(db, new, now=now)
        leases.close(db, document_id, user_id)
        _settle_state(db, document)
        events.append(
            db, decision, now=now, project_id=project_id, user_id=user_id, document_id=document_id,
            before=before["labels"] if before else None, after=labels,
        )  # fmt: skip
        if decision == "labelled" and document["role"] == "pool":
            scheduling.request_if_due(db, project, now=now)


def _settle_state(db: Database, document: dict[str, Any]) -> None:
    done = annotation_rows.n_deciding(db, document["id"]) >= document["overlap"]
    documents.set_state(db, document["id"], "done" if done else "open")


def _undo(db: Database, project_id: int, user_id: int, target: str, uid: str, *, now: float) -> None:
    """Take back the op ``target``: its text comes back to this person with what they had chosen."""
    settings = curating.project(db, project_id).settings
    with writing(db):
        accounts.require_active(db, user_id)
        if annotation_rows.by_submission(db, uid):
            return
        taken_back = annotation_rows.by_submission(db, target)
        if not taken_back or taken_back["user_id"] != user_id or taken_back["project_id"] != project_id:
            raise NotFound(what=f"submission {target[:40]}")
        document_id = taken_back["document_id"]
        now_current = annotation_rows.current(db, document_id, user_id)
        if not now_current or now_current["annotation_id"] != taken_back["id"]:
            return  # a later decision of theirs stands already; there is nothing left to take back
        undone = NewAnnotation(
            project_id=project_id, document_id=document_id, user_id=user_id, decision="undone", labels=(),
            submission_id=uid, supersedes=taken_back["id"],
        )  # fmt: skip
        annotation_rows.append(db, undone, now=now)
        document = documents.peek(db, project_id, document_id)
        if document:
            _settle_state(db, document)
        leases.lease(
            db, project_id, document_id, user_id, until=now + settings.lease_s, now=now, chosen=taken_back["labels"]
        )
        events.append(
            db, "undone", now=now, project_id=project_id, user_id=user_id, document_id=document_id,
            before=taken_back["labels"],
        )  # fmt: skip


def release(db: Database, project_id: int, user_id: int, *, now: float) -> int:
    """Give back every text that this person holds; says how many."""
    with writing(db):
        n = leases.release_all(db, project_id, user_id)
        if n:
            events.append(db, "released", now=now, project_id=project_id, user_id=user_id, after=n)
    return n


def progress(db: Database, project_id: int, user_id: int, *, now: float) -> MyProgress:
    """What this person and the project have done so far."""
    settings = curating.project(db, project_id).settings
    taipei = dt.timezone(dt.timedelta(hours=8))
    midnight = dt.datetime.fromtimestamp(now, taipei).replace(hour=0, minute=0, second=0, microsecond=0).timestamp()
    counts = documents.counts(db, project_id)
    decided = annotation_rows.decision_counts(db, project_id)
    pool = sum(n for (role, _), n in counts.items() if role == "pool")
    return MyProgress(
        today=annotation_rows.n_mine(db, project_id, user_id, since=midnight),
        total=annotation_rows.n_mine(db, project_id, user_id, since=0.0),
        labelled=decided.get(("pool", "labelled"), 0),
        pool=pool,
        waiting=sum(n for (_, state), n in counts.items() if state == "open"),
        daily_goal=settings.daily_goal,
    )
