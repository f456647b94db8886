"""Assignment: which text comes next, and until when it is whose.

Nobody is given a text on which as many people have decided, or hold live leases, as are to label it. A lease that has
run out stays on its desk for as long as nobody else has taken the room.
"""

from __future__ import annotations

import heapq
import random
import statistics
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from core.config import ProjectSettings
from core.errors import Archived
from core.label_rules import LISTED
from core.predictions import unpacked
from core.services import membership, projects
from core.services.projects import Project
from db import annotations as annotation_rows
from db import documents, events, leases, rounds
from db.connect import reading, writing

SUGGESTED = 20  # labels of a text, where there are more than a board lists
PACE_OF = 30  # a person's latest timed decisions, whose median is their pace
LEAST_TIMED = 5
LEASE_FACTOR = 3


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
class Desk:
    """What one person holds: how many texts, since when, and until when; ``live``: whether that is still to come."""

    user_id: int
    who: str
    n: int
    since: float
    until: float
    live: bool


def next_texts(db: Database, project_id: int, user_id: int, *, n: int, now: float) -> list[LeasedText]:
    """Up to n texts leased to this person: reopened ones first, then those held already, then new ones.

    Raises NotAllowed, NotFound, Archived.
    """
    with writing(db):
        membership.require_member(db, project_id, user_id)
        project = projects.project(db, project_id)
        if project.archived_at is not None:
            raise Archived(need="member")
        until = now + lease_s(db, project, user_id, n=n)
        held = _keep(db, leases.mine(db, project_id, user_id), user_id, until=until, now=now)
        for _ in range(n - len(held)):
            document_id = _pick(db, project_id, user_id, project.settings, now=now)
            if document_id is None:
                break
            leases.lease(db, project_id, document_id, user_id, until=until, now=now)
        mine = leases.mine(db, project_id, user_id)[:n]
        blind = documents.gold_waits(db, project_id, user_id)
        return [_leased(db, project, each, blind=blind) for each in mine]


def lease_s(db: Database, project: Project, user_id: int, *, n: int) -> float:
    """Seconds that n texts are this person's: three times as long as they would take at their own median pace."""
    settings = project.settings
    spent = annotation_rows.latest_ms(db, project.id, user_id, n=PACE_OF)
    if len(spent) < LEAST_TIMED:
        return settings.lease_s
    wanted = LEASE_FACTOR * statistics.median(spent) / 1000 * max(n, 1)
    return min(max(wanted, settings.lease_min_s), settings.lease_max_s)


def _keep(db: Database, held: list[dict[str, Any]], user_id: int, *, until: float, now: float) -> list[dict[str, Any]]:
    """Renew what this person holds; what is done, or has no room for them any more, is let go."""
    kept = []
    for each in held:
        if each["state"] == "done" or not leases.has_room(db, each["document_id"], user_id, now=now):
            leases.close(db, each["document_id"], user_id, state="released")
        else:
            leases.renew(db, each["id"], until=until)
            kept.append(each)
    return kept


def _pick(db: Database, project_id: int, user_id: int, settings: ProjectSettings, *, now: float) -> int | None:
    """The next document: one in ``gold_every`` a gold one while gold waits, else the best-ranked, else shuffled.

    Gold comes by a die that is cast anew for each lease, for a fixed rhythm would give it away. Among texts without a
    rank those that others have skipped come first: a skip must not be the end of a text.
    """
    die = random.Random(f"{user_id}:{leases.n_ever(db, project_id, user_id)}")
    gold_turn = die.random() < 1 / settings.gold_every
    found = _unranked(db, project_id, user_id, "gold", now=now) if gold_turn else None
    found = found or leases.free_ranked(db, project_id, user_id, now=now)
    found = found or _unranked(db, project_id, user_id, "pool", now=now)
    return found or _unranked(db, project_id, user_id, "gold", now=now)


def _unranked(db: Database, project_id: int, user_id: int, role: str, *, now: float) -> int | None:
    """Skipped by others first; then from where this person's own way through the shuffled order has got to.

    What came free behind them is looked for at the end: the order means nothing, and so a step costs the same whether
    ten texts lie behind or a hundred thousand.
    """
    found = leases.free_skipped(db, project_id, user_id, role=role, now=now)
    if found is None:
        reached = leases.reached(db, project_id, user_id, role=role)
        found = leases.free_shuffled(db, project_id, user_id, role=role, after=reached, now=now)
        if found is None and reached >= 0:
            found = leases.free_shuffled(db, project_id, user_id, role=role, after=-1, now=now)
    return found


def _leased(db: Database, project: Project, held: dict[str, Any], *, blind: bool) -> LeasedText:
    """``blind``: while gold waits no text says why it is here and none has suggestions, for gold could have neither."""
    reason, suggestions = None, None
    if held["reopened"]:
        reason = {"source": "returned"}
    elif not blind:
        reason = rounds.queue_reason(db, project.id, held["document_id"])
        if reason is None or reason.get("random"):
            reason = {"source": "random"}
    if project.settings.suggestions and not blind and held["role"] != "gold":
        suggestions = suggested(db, project, held["document_id"])
    return LeasedText(
        id=held["document_id"], text=held["text"], lease_until=held["until"], reason=reason,
        chosen=project.label_set.present(held["chosen"]), suggestions=suggestions,
    )  # fmt: skip


def suggested(db: Database, project: Project, document_id: int) -> dict[str, float] | None:
    """The current student's probabilities for a document, by label key; of many labels the likeliest alone."""
    found = rounds.prediction(db, project.id, document_id)
    if found is None:
        return None
    model = rounds.current_model(db, project.id, "student")
    if model is None or model["fingerprint"] != project.label_set.fingerprint:
        return None
    probabilities = unpacked(found[1], len(project.label_set))
    keys = project.label_set.keys
    places: Sequence[int] = range(len(keys))
    if len(keys) > LISTED:
        places = [k for k in heapq.nlargest(SUGGESTED, places, key=probabilities.__getitem__) if probabilities[k] > 0]
    return {keys[k]: round(float(probabilities[k]), 3) for k in places}


def release(
    db: Database, project_id: int, user_id: int, *, keep: int = 0, but: Collection[int] = (), now: float
) -> int:
    """Give back what this person holds, but for the first ``keep`` texts of the desk and those in ``but``.

    Says how many. Raises NotAllowed.
    """
    with writing(db):
        membership.require_member(db, project_id, user_id)
        given_back = [each for each in leases.mine(db, project_id, user_id)[keep:] if each["document_id"] not in but]
        for each in given_back:
            leases.close(db, each["document_id"], user_id, state="released")
        if given_back:
            events.append(db, "released", now=now, project_id=project_id, user_id=user_id, after=len(given_back))
    return len(given_back)


def release_of(db: Database, project_id: int, user_id: int, *, by: int, now: float) -> int:
    """A lead gives back what somebody else holds; says how many texts.

    What that person saves of them later still counts. Raises NotAllowed.
    """
    with writing(db):
        membership.require_member(db, project_id, by, "lead")
        n = leases.release_all(db, project_id, user_id)
        if n:
            events.append(
                db, "released", now=now, project_id=project_id, user_id=by, after={"user": user_id, "leases": n}
            )
    return n


def desks(db: Database, project_id: int, *, by: int, now: float) -> tuple[Desk, ...]:
    """Who holds how many texts, the earliest since first. Raises NotAllowed."""
    with reading(db):
        membership.require_member(db, project_id, by, "lead")
        return tuple(Desk(**each, live=each["until"] > now) for each in leases.by_person(db, project_id))
