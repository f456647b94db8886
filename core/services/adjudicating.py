"""Adjudication: texts on which people differ, the worst first, and what a reviewer settles them with."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from core.errors import ChangedMeanwhile, NoLabels, NothingToReview
from core.evaluate.agreement import mean_distance
from core.services import membership, projects, scheduling
from core.services.projects import Project
from db import adjudications, documents, events, leases
from db.connect import reading, writing
from db.errors import NotFound

ROLE = "reviewer"
KINDS = ("open", "flagged", "settled")
MAX_COMMENT = 2000
Sets = dict[int, dict[int, frozenset[str]]]  # by document, by person


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What one person says of a text, in today's labels; the order of a text's choices tells nothing."""

    user_id: int
    who: str
    decision: str
    labels: tuple[str, ...]
    comment: str
    at: float


@dataclass(frozen=True, kw_only=True)
class Settlement:
    """What a text was settled with; ``left_out``: with no labels, and it counts nowhere."""

    labels: tuple[str, ...]
    left_out: bool = False
    comment: str
    who: str
    at: float


@dataclass(frozen=True, kw_only=True)
class Case:
    """A text for a reviewer; ``distance`` is the mean MASI distance of its people's label sets, 0 to 1."""

    document_id: int
    external_id: str
    text: str
    choices: tuple[Choice, ...]
    distance: float
    settled: Settlement | None

    @property
    def kind(self) -> str:
        """Where a reviewer finds it: among the settled, the flagged, or else the open ones."""
        flagged = any(choice.decision == "flagged" for choice in self.choices)
        return "settled" if self.settled else "flagged" if flagged else "open"


@dataclass(frozen=True, kw_only=True)
class Docket:
    """The first cases of a kind, how many there are of it, and how many of each kind whatever the label."""

    cases: tuple[Case, ...]
    n: int
    counts: dict[str, int]


def docket(
    db: Database, project_id: int, *, by: int, kind: str = "open", label: str | None = None, n: int = 20
) -> Docket:
    """Cases of a kind: open ones by severity, flagged and settled ones newest first.

    ``label``: only those in which somebody, or the settlement, has it. Raises NotAllowed, NotFound.
    """
    with reading(db):
        membership.require_member(db, project_id, by, ROLE)
        project = projects.project(db, project_id)
        found = {
            "open": _disputed(db, project),
            "flagged": _sets(project, adjudications.flagged(db, project_id)),
            "settled": _sets(project, adjudications.settled(db, project_id)),
        }
        wanted = found[kind]
        ids = [d for d, sets in wanted.items() if label is None or any(label in each for each in sets.values())]
        if kind == "open":
            frequency = Counter(key for sets in wanted.values() for each in sets.values() for key in each)
            ids.sort(key=lambda d: (-severity(list(wanted[d].values()), frequency), d))
        return Docket(
            cases=_cases(db, project, ids[:n]), n=len(ids), counts={name: len(each) for name, each in found.items()}
        )


def case(db: Database, project_id: int, document_id: int, *, by: int) -> Case:
    """One text by its number, whether or not people differ on it.

    Raises NotAllowed, NotFound (no such text here), NothingToReview (nobody has decided on it).
    """
    with reading(db):
        membership.require_member(db, project_id, by, ROLE)
        found = _cases(db, projects.project(db, project_id), [document_id])
    if not found:
        raise NotFound(what=f"text {document_id}")
    if not found[0].choices:
        raise NothingToReview(document=document_id)
    return found[0]


def severity(sets: Sequence[frozenset[str]], frequency: Counter[str]) -> float:
    """How much a disagreement matters: how far its people are apart, more for many people and for a rare label.

    A label of which nobody else is in dispute counts half as much again, a common one next to nothing.
    """
    disputed = frozenset().union(*sets) - frozenset(sets[0]).intersection(*sets)
    most = max(frequency.values(), default=1)
    rarity = max((1 - (frequency[key] - 1) / most for key in disputed), default=0.0)
    return mean_distance(sets) * (1 + (len(sets) - 2) / 10) * (1 + rarity / 2)


def _sets(project: Project, decided: Iterable[dict[str, Any]]) -> Sets:
    found: Sets = {}
    for each in decided:
        labels = frozenset(project.label_set.present(each["labels"]))
        found.setdefault(each["document_id"], {})[each["user_id"]] = labels
    return found


def _disputed(db: Database, project: Project) -> Sets:
    """Texts on which people differ today: labels that were merged since may have ended it."""
    found = {
        document_id: {user_id: labels for user_id, labels in sets.items() if labels}
        for document_id, sets in _sets(project, adjudications.disputed(db, project.id)).items()
    }
    return {document_id: sets for document_id, sets in found.items() if len(set(sets.values())) > 1}


def _cases(db: Database, project: Project, ids: Sequence[int]) -> tuple[Case, ...]:
    said = adjudications.choices(db, ids)
    made = []
    for document_id in ids:
        document = documents.peek(db, project.id, document_id)
        if document is None:
            continue
        choices = [
            Choice(**{**each, "labels": project.label_set.present(each["labels"])})
            for each in said.get(document_id, ())
        ]
        choices.sort(key=lambda each: hashlib.sha256(f"{document_id}:{each.user_id}".encode()).digest())
        settled = adjudications.peek(db, document_id)
        made.append(
            Case(
                document_id=document_id, external_id=document["external_id"], text=document["text"],
                choices=tuple(choices), settled=_settlement(project, settled) if settled else None,
                distance=mean_distance([frozenset(each.labels) for each in choices if each.decision == "labelled"]),
            )
        )  # fmt: skip
    return tuple(made)


def _settlement(project: Project, found: dict[str, Any]) -> Settlement:
    return Settlement(
        labels=project.label_set.present(found["labels"]), left_out=found["left_out"], comment=found["comment"],
        who=found["who"], at=found["at"],
    )  # fmt: skip


def settle(
    db: Database, project_id: int, document_id: int, labels: Sequence[str], *, comment: str = "",
    seen: float | None = None, by: int, now: float,
) -> None:  # fmt: skip
    """Settle a text, or settle it anew: it is done, leaves every desk, and counts with these labels from now on.

    ``seen``: when the settlement was made that was on the screen, if there was one.

    Raises NotAllowed, NotFound (no such text, or nobody has decided on it), UnknownLabel, NoLabels,
    ChangedMeanwhile (another reviewer has settled it otherwise since).
    """
    with writing(db):
        membership.require_member(db, project_id, by, ROLE)  # first: a stranger learns no label's name
        project = projects.project(db, project_id)
        chosen = project.label_set.present(project.label_set.canonical(labels))
        if not chosen:
            raise NoLabels()
        made = Settlement(labels=chosen, comment=comment, who="", at=now)
        _put(db, project, document_id, made, seen=seen, by=by)


def leave_out(
    db: Database, project_id: int, document_id: int, *, comment: str = "", seen: float | None = None, by: int,
    now: float,
) -> None:  # fmt: skip
    """Settle that a text counts nowhere: not in training, figures, agreement, or the export of labels.

    It is done and leaves every desk as any settled text; what people said of it stays, and ``reopen`` brings it back.
    Raises as ``settle``, but for labels.
    """
    with writing(db):
        membership.require_member(db, project_id, by, ROLE)
        made = Settlement(labels=(), left_out=True, comment=comment, who="", at=now)
        _put(db, projects.project(db, project_id), document_id, made, seen=seen, by=by)


def _put(
    db: Database, project: Project, document_id: int, made: Settlement, *, seen: float | None, by: int
) -> None:  # fmt: skip
    """Inside the caller's transaction."""
    if documents.peek(db, project.id, document_id) is None or not adjudications.choices(db, [document_id]):
        raise NotFound(what=f"text {document_id}")
    before = adjudications.peek(db, document_id)
    same = ("labels", "left_out", "comment")
    if before and before["user_id"] == by and all(before[name] == getattr(made, name) for name in same):
        return  # sent again
    if before and before["at"] != seen:
        raise ChangedMeanwhile(who=before["who"])
    adjudications.put(
        db, project.id, document_id, labels=made.labels, left_out=made.left_out, comment=made.comment, user_id=by,
        now=made.at,
    )  # fmt: skip
    leases.close_all(db, document_id)
    documents.refresh_state(db, document_id)
    after = {"labels": made.labels, "comment": made.comment} | ({"left_out": True} if made.left_out else {})
    events.append(
        db, "adjudicated", now=made.at, project_id=project.id, user_id=by, document_id=document_id,
        before=_event(before), after=after,
    )  # fmt: skip
    scheduling.request_if_due(db, project, now=made.at)


def reopen(db: Database, project_id: int, document_id: int, *, by: int, now: float) -> None:
    """Take a settlement back: the text counts by the project's rule again, and its people may change what they said.

    Raises NotAllowed, NotFound (it is not settled).
    """
    with writing(db):
        membership.require_member(db, project_id, by, ROLE)
        before = adjudications.peek(db, document_id)
        if documents.peek(db, project_id, document_id) is None or before is None:
            raise NotFound(what=f"settled text {document_id}")
        adjudications.remove(db, project_id, document_id, user_id=by, now=now)
        documents.refresh_state(db, document_id)
        events.append(
            db, "adjudication_reopened", now=now, project_id=project_id, user_id=by, document_id=document_id,
            before=_event(before),
        )  # fmt: skip
        scheduling.request_if_due(db, projects.project(db, project_id), now=now)


def _event(before: dict[str, Any] | None) -> dict[str, Any] | None:
    if before is None:
        return None
    told = {name: before[name] for name in ("labels", "comment", "who")}
    return told | {"left_out": True} if before["left_out"] else told
