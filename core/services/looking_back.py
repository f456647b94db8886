"""Looking back on my own work: what I decided, how it compares with what was settled, and how much a day.

Two things are kept from whoever looks back. Of one text they learn what was settled, never what a colleague chose: a
second opinion that can be peeked at and matched is none; colleagues count in ``my_agreement`` alone, where texts have
no name. And which texts are gold stays unknown: where pool texts have one annotator, hardly anything but gold is read
twice and adjudicated, so there the adjudication of a gold text is withheld; elsewhere gold and pool look the same.
"""

from __future__ import annotations

import datetime as dt
import functools
import statistics
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from core.evaluate.proportion import Share, share
from core.labels import LabelSet, majority
from core.services import curating, membership
from core.text.search import finder
from db import annotations as annotation_rows
from db import past as past_rows
from db.connect import reading
from db.errors import NotFound

LEAST_COMPARED = 10  # texts; below that an agreement says more about chance than about anybody
DAYS = 30
TAIPEI = dt.timezone(dt.timedelta(hours=8))


@dataclass(frozen=True, kw_only=True)
class Past:
    """My present decision on a text, as it counts under today's label set.

    ``id`` rises with time and is what ``before`` takes; ``uid`` is the submission's. ``settled``: the labels that a
    reviewer settled, or None while nobody has (or it is not for me to know); ``left_out``: they settled that the text
    counts nowhere, and ``settled`` is None. ``versions`` counts this one too.
    """

    id: int
    document_id: int
    uid: str
    text: str
    labels: tuple[str, ...]
    decision: str
    comment: str
    at: float
    ms: int
    settled: tuple[str, ...] | None
    versions: int
    left_out: bool = False

    @property
    def agrees(self) -> bool | None:
        """Whether mine are the settled labels; None where there is nothing to compare."""
        if self.settled is None or self.decision != "labelled":
            return None
        return set(self.labels) == set(self.settled)


@dataclass(frozen=True, kw_only=True)
class Version:
    """One decision of a chain; ``labels`` as they were chosen, those since retired or merged too."""

    decision: str
    labels: tuple[str, ...]
    comment: str
    at: float


@dataclass(frozen=True, kw_only=True)
class Detail:
    """One text of mine with every version, newest first, and what was said when it was settled."""

    past: Past
    versions: tuple[Version, ...]
    settled_comment: str = ""
    settled_at: float | None = None


def history(
    db: Database, project_id: int, user_id: int, *, query: str = "", label: str | None = None,
    decision: str | None = None, differs: bool = False, before: int | None = None, n: int = 50,
) -> list[Past]:  # fmt: skip
    """My present decisions, newest first; an undone one is none.

    ``query``: all its words, divided by blanks, stand in the text or in my comment, whatever their width or case.
    ``label``: today's key; past decisions count as they do today. ``differs``: only where mine are not the settled
    labels. ``before``: the ``id`` of the last one seen. Raises NotMember, NotFound.
    """
    with reading(db):
        membership.require_member(db, project_id, user_id)
        project = curating.project(db, project_id)
        labels = project.label_set
        keys = None if label is None else [each.key for each in labels.every if labels.present([each.key]) == (label,)]
        holds = finder(query)
        found: list[Past] = []
        for each in past_rows.decisions(
            db, project_id, user_id, label_keys=keys, decision=decision, settled=differs, before=before
        ):
            if len(found) >= n:
                break
            if not holds(f"{each['text']}\n{each['comment']}"):
                continue
            past = _past(db, project, each)
            if not differs or past.agrees is False:
                found.append(past)
        return found


def one(db: Database, project_id: int, user_id: int, document_id: int) -> Detail:
    """My decision on one text with its versions. Raises NotMember, NotFound: I have none on it now."""
    with reading(db):
        membership.require_member(db, project_id, user_id)
        project = curating.project(db, project_id)
        current = annotation_rows.current(db, document_id, user_id)
        upto = current["annotation_id"] + 1 if current else 0
        found = next(past_rows.decisions(db, project_id, user_id, before=upto, chunk=1), None)
        if found is None or found["document_id"] != document_id:
            raise NotFound(what=f"text {document_id}")
        versions = past_rows.versions(db, found["id"])
        past = _past(db, project, found)
        known = past.settled is not None or past.left_out
        return Detail(
            past=past,
            versions=tuple(Version(**{name: each[name] for name in Version.__dataclass_fields__}) for each in versions),
            settled_comment=found["settled_comment"] if known else "",
            settled_at=found["settled_at"] if known else None,
        )


def _past(db: Database, project: curating.Project, found: dict[str, Any]) -> Past:
    present = project.label_set.present
    told = found["role"] == "pool" or project.settings.overlap > 1
    left_out = told and found["left_out"]
    settled = present(found["settled"]) if told and not left_out and found["settled"] is not None else None
    return Past(
        id=found["id"], document_id=found["document_id"], uid=found["uid"], text=found["text"],
        labels=present(found["labels"]), decision=found["decision"], comment=found["comment"], at=found["at"],
        ms=found["ms"], settled=settled, versions=past_rows.n_versions(db, found["id"]), left_out=left_out,
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class LabelAgreement:
    """How I stand to the others on one label. Units: texts. ``agree``: both, of the texts where either chose it."""

    key: str
    both: int
    only_mine: int
    only_theirs: int
    agree: Share


@dataclass(frozen=True, kw_only=True)
class MyAgreement:
    """My labels beside those settled, else those of most of the others. Units: texts.

    ``exact``, ``jaccard`` and ``labels`` are None and empty below LEAST_COMPARED texts. ``labels`` leaves out those
    that nobody chose; they are in canonical order.
    """

    n: int
    n_settled: int
    exact: Share | None = None
    jaccard: float | None = None
    labels: tuple[LabelAgreement, ...] = ()

    def added(self) -> tuple[LabelAgreement, ...]:
        """What I choose and the others do not, most often first."""
        return tuple(sorted((x for x in self.labels if x.only_mine), key=lambda x: -x.only_mine))

    def missed(self) -> tuple[LabelAgreement, ...]:
        """What the others choose and I do not, most often first."""
        return tuple(sorted((x for x in self.labels if x.only_theirs), key=lambda x: -x.only_theirs))


def my_agreement(db: Database, project_id: int, user_id: int) -> MyAgreement:
    """Over the texts that I have labelled and a reviewer has settled, or of whose other annotators most agree.

    Gold counts like any other text. Raises NotMember, NotFound.
    """
    with reading(db):
        membership.require_member(db, project_id, user_id)
        labels = curating.project(db, project_id).label_set
        compared = past_rows.compared(db, project_id, user_id)

    @functools.cache
    def today(keys: tuple[str, ...]) -> frozenset[str]:
        return frozenset(labels.present(keys))

    mine: dict[int, frozenset[str]] = {}
    settled: dict[int, frozenset[str]] = {}
    others: dict[int, list[frozenset[str]]] = {}
    for each in compared:
        document_id = each["document_id"]
        mine[document_id] = today(each["mine"])
        if each["settled"] is not None:
            settled[document_id] = today(each["settled"])
        elif each["theirs"] is not None:
            others.setdefault(document_id, []).append(today(each["theirs"]))
    theirs = settled | {document_id: most for document_id, sets in others.items() if (most := majority(sets))}
    pairs = Counter((mine[document_id], reference) for document_id, reference in theirs.items())
    if (n := pairs.total()) < LEAST_COMPARED:
        return MyAgreement(n=n, n_settled=len(settled))
    return MyAgreement(
        n=n,
        n_settled=len(settled),
        exact=share(sum(times for (a, b), times in pairs.items() if a == b), n),
        jaccard=sum(times * (len(a & b) / len(a | b) if a | b else 1.0) for (a, b), times in pairs.items()) / n,
        labels=tuple(_by_label(labels, pairs)),
    )


def _by_label(labels: LabelSet, pairs: Counter[tuple[frozenset[str], frozenset[str]]]) -> Iterable[LabelAgreement]:
    both, only_mine, only_theirs = Counter[str](), Counter[str](), Counter[str]()
    for (a, b), times in pairs.items():
        for keys, counter in ((a & b, both), (a - b, only_mine), (b - a, only_theirs)):
            for key in keys:
                counter[key] += times
    for key in labels.keys:
        n = both[key] + only_mine[key] + only_theirs[key]
        if n:
            yield LabelAgreement(
                key=key, both=both[key], only_mine=only_mine[key], only_theirs=only_theirs[key],
                agree=share(both[key], n),
            )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Day:
    """One day in UTC+8: texts first decided on it, skips left out, and the median of what each took."""

    day: dt.date
    n: int
    median_s: float | None


@dataclass(frozen=True, kw_only=True)
class Pace:
    """My last days, today last, and the median seconds of a text over all of them."""

    days: tuple[Day, ...]
    median_s: float | None

    @property
    def n(self) -> int:
        return sum(each.n for each in self.days)

    @property
    def active(self) -> int:
        """Days with work."""
        return sum(each.n > 0 for each in self.days)


def midnight(now: float) -> float:
    """When the day of that moment began, in UTC+8."""
    return dt.datetime.combine(dt.datetime.fromtimestamp(now, TAIPEI).date(), dt.time(), TAIPEI).timestamp()


def my_days(db: Database, project_id: int, user_id: int, *, now: float, days: int = DAYS) -> Pace:
    """The last days, today last, those without work too; a text counts as ``past.firsts`` says. Raises NotMember."""
    today = dt.datetime.fromtimestamp(now, TAIPEI).date()
    first = today - dt.timedelta(days=days - 1)
    since = dt.datetime.combine(first, dt.time(), TAIPEI).timestamp()
    with reading(db):
        membership.require_member(db, project_id, user_id)
        firsts = past_rows.firsts(db, project_id, user_id, since=since)
    spent: dict[dt.date, list[int]] = {}
    for at, ms in firsts:
        spent.setdefault(dt.datetime.fromtimestamp(at, TAIPEI).date(), []).append(ms)
    every = [first + dt.timedelta(days=k) for k in range(days)]
    return Pace(
        days=tuple(Day(day=day, n=len(spent.get(day, ())), median_s=_median(spent.get(day, []))) for day in every),
        median_s=_median([ms for _, ms in firsts]),
    )


def _median(spent_ms: list[int]) -> float | None:
    """Seconds; texts whose time was not taken are left out."""
    known = [ms for ms in spent_ms if ms > 0]
    return statistics.median(known) / 1000 if known else None
