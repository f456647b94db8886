"""Labels that look mistaken, for a reviewer to read again: shown, left as they are, or changed by a settlement.

The worker makes the list (``core.worker.doubting``); nothing in it changes a label. What a reviewer changes is settled
as any disagreement is, with the same rights, log and protection against two at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlite_utils import Database

from core.errors import UnknownLabel
from core.services import adjudicating, membership, projects
from core.services.standing import NONE, standing
from db import adjudications, documents, events
from db import doubts as doubt_rows
from db.connect import reading, writing
from db.errors import NotFound

ROLE = "reviewer"
LEAST_TEXTS = 50  # labelled; with fewer a list would say more about chance than about anybody
LIST_MADE = "doubts_listed"  # the event that says when, of how much, and why a list is empty


@dataclass(frozen=True, kw_only=True)
class Doubt:
    """A label of a text that may be wrong: ``given`` it has it now, and the models think otherwise.

    ``probability``: that such a text has the label, by the models; ``score``: that the given value is wrong. ``seen``:
    when the settlement was made by which the labels stand, if there is one; ``settle`` wants it back.
    """

    document_id: int
    external_id: str
    text: str
    gold: bool
    labels: tuple[str, ...]
    label: str
    given: bool
    probability: float
    score: float
    source: str
    seen: float | None

    @property
    def mended(self) -> tuple[str, ...]:
        """The text's labels with this one the other way; may be none."""
        if self.given:
            return tuple(key for key in self.labels if key != self.label)
        return (*self.labels, self.label)


@dataclass(frozen=True, kw_only=True)
class ToRead:
    """The first doubts that wait, how many there are, and what is known of the list.

    ``texts``: labelled ones it was made of; ``unjudged``: labels with too few examples, or too few without. ``note``:
    too_few, too_many, or empty; ``at`` is None while no list has been made.
    """

    doubts: tuple[Doubt, ...]
    n: int
    at: float | None = None
    texts: int = 0
    note: str = ""
    unjudged: tuple[str, ...] = ()


def to_read(db: Database, project_id: int, *, by: int, label: str | None = None, n: int = 20) -> ToRead:
    """The likeliest mistakes that nobody has looked at, the likeliest first; those of one text stand together.

    Raises NotAllowed, NotFound.
    """
    with reading(db):
        membership.require_member(db, project_id, by, ROLE)
        made = events.recent(db, project_id, [LIST_MADE], n=1)
        about = made[0]["after"] if made else {}
        found = [each for each in _waiting(db, project_id) if label in (None, each["label"])]
        texts = doubt_rows.texts(db, project_id, {each["document_id"] for each in found[:n]})
        return ToRead(
            doubts=tuple(_doubt(each, texts[each["document_id"]]) for each in found[:n]), n=len(found),
            at=made[0]["at"] if made else None, texts=int(about.get("texts", 0)), note=str(about.get("note", "")),
            unjudged=tuple(about.get("unjudged", ())),
        )  # fmt: skip


def _waiting(db: Database, project_id: int) -> list[dict[str, Any]]:
    """Doubts that nobody has looked at and of which the label is still as it was, with the text's labels of now."""
    found = doubt_rows.waiting(db, project_id)
    if not found:
        return []
    now = standing(db, project_id)
    keys = now.label_set.keys
    wanted = np.array([each["document_id"] for each in found], dtype=np.int64)
    at = np.searchsorted(now.documents, wanted).clip(max=max(len(now.documents) - 1, 0))
    there = now.documents[at] == wanted if len(now.documents) else np.zeros(len(wanted), dtype=bool)
    still = []
    for each, place, known in zip(found, at, there, strict=True):
        if not known or now.counts_as[place] == NONE or each["label"] not in keys:
            continue
        labels = tuple(keys[k] for k in np.flatnonzero(now.sets[now.counts_as[place]]))
        if (each["label"] in labels) == each["given"]:
            still.append({**each, "labels": labels})
    first: dict[int, int] = {}
    for place, each in enumerate(still):
        first.setdefault(each["document_id"], place)
    return sorted(still, key=lambda each: first[each["document_id"]])


def _doubt(found: dict[str, Any], text: dict[str, Any]) -> Doubt:
    return Doubt(
        document_id=found["document_id"], external_id=text["external_id"], text=text["text"],
        gold=text["role"] == "gold", labels=found["labels"], label=found["label"], given=found["given"],
        probability=found["probability"], score=found["score"], source=found["source"], seen=text["settled_at"],
    )  # fmt: skip


def last_list(db: Database, project_id: int) -> dict[str, Any] | None:
    """What was noted when the last list was made: annotation, round, texts, n, note, unjudged."""
    made = events.recent(db, project_id, [LIST_MADE], n=1)
    return dict(made[0]["after"]) if made else None


def keep(db: Database, project_id: int, document_id: int, label: str, *, given: bool, by: int, now: float) -> None:
    """The label is right as it is: it does not come back unless it changes. Twice is as good as once.

    Raises NotAllowed, NotFound (no such text), UnknownLabel.
    """
    with writing(db):
        membership.require_member(db, project_id, by, ROLE)
        _known(db, project_id, document_id, label)
        if doubt_rows.mark_seen(db, project_id, document_id, label, given=given, user_id=by, now=now):
            events.append(
                db, "doubt_kept", now=now, project_id=project_id, user_id=by, document_id=document_id,
                after={"label": label, "given": given},
            )  # fmt: skip


def change(
    db: Database, project_id: int, document_id: int, label: str, *, given: bool, labels: Sequence[str],
    seen: float | None = None, by: int, now: float,
) -> None:  # fmt: skip
    """Settle the text with these labels, by the way of every settlement; the doubt is over, whatever was chosen.

    ``seen``: when the settlement was made that was on the screen, if there was one; what was said with it stays.
    Raises NotAllowed, NotFound (no such text, or nobody has decided on it), UnknownLabel, NoLabels, ChangedMeanwhile.
    """
    with reading(db):
        membership.require_member(db, project_id, by, ROLE)
        _known(db, project_id, document_id, label)
        before = adjudications.peek(db, document_id)
        chosen = projects.project(db, project_id).label_set.canonical(labels)
    comment = before["comment"] if before else ""
    adjudicating.settle(db, project_id, document_id, chosen, comment=comment, seen=seen, by=by, now=now)
    with writing(db):  # apart: should this fail, the label is another and its doubt is not shown
        if doubt_rows.mark_seen(db, project_id, document_id, label, given=label in chosen, user_id=by, now=now):
            events.append(
                db, "doubt_settled", now=now, project_id=project_id, user_id=by, document_id=document_id,
                before={"label": label, "given": given}, after={"labels": chosen},
            )  # fmt: skip


def ask_again(db: Database, project_id: int, document_id: int, label: str, *, by: int, now: float) -> None:
    """Take back that somebody has looked at it: it waits again where its value is still doubted.

    Raises NotAllowed, NotFound (nobody has).
    """
    with writing(db):
        membership.require_member(db, project_id, by, ROLE)
        if not doubt_rows.forget_seen(db, project_id, document_id, label):
            raise NotFound(what=f"text {document_id}")
        events.append(
            db, "doubt_asked_again", now=now, project_id=project_id, user_id=by, document_id=document_id,
            after={"label": label},
        )  # fmt: skip


def _known(db: Database, project_id: int, document_id: int, label: str) -> None:
    """Raises NotFound, UnknownLabel."""
    if documents.peek(db, project_id, document_id) is None:
        raise NotFound(what=f"text {document_id}")
    label_set = projects.project(db, project_id).label_set
    if label not in label_set.keys:
        raise UnknownLabel(label=label, known=", ".join(each.zh for each in label_set.labels))
