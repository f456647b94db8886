"""What all people together have said of a project's texts, as arrays that follow the database.

The figures a lead looks at are sums over all decisions. Reading a million of them anew for each look would take
seconds; this keeps them as numbers in memory and, at a look, reads only texts on which something was decided since.
A restart, or another label set or rule for unsettled texts, reads all of them once. Nothing here is written anywhere:
``settling`` is what training reads, and a test holds this to the same answer.
"""

from __future__ import annotations

import json
import threading
from array import array
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlite_utils import Database

from core.evaluate.cooccurrence import Held
from core.evaluate.resampled import pair_sums, read_twice
from core.labels import LabelSet, settle
from core.services import projects
from core.services.per_project import PerProject
from db import annotations as annotation_rows
from db import votes as vote_rows

NONE = -1  # no label set: the text counts nowhere


@dataclass(frozen=True, kw_only=True)
class Votes:
    """Labelled decisions as they count today; V rows, by text and person. One that has no label left is not here."""

    documents: NDArray[np.int64]
    people: NDArray[np.int32]
    sets: NDArray[np.int32]  # rows of Standing.sets


@dataclass(frozen=True, kw_only=True)
class Standing:
    """T texts that somebody has labelled or settled, in the order of their ids; S distinct sets of the K labels."""

    label_set: LabelSet
    documents: NDArray[np.int64]  # (T,)
    gold: NDArray[np.bool_]  # (T,)
    settled: NDArray[np.bool_]  # (T,) by a reviewer
    left_out: NDArray[np.bool_]  # (T,) by a reviewer, as being for nobody's use
    counts_as: NDArray[np.int32]  # (T,) row of sets, or NONE
    apart: NDArray[np.float64]  # (T,) MASI distances over the ordered pairs of a text's votes, summed
    sets: NDArray[np.bool_]  # (S, K)
    votes: Votes
    mark: int  # the number of the last decision that is in it

    def labels(self, *, gold: bool) -> NDArray[np.bool_]:
        """The texts that count, of the gold set or of the pool. Shapes: → (n, K)."""
        return self.sets[self.counts_as[self.counting(gold=gold)]]

    def counting(self, *, gold: bool) -> NDArray[np.int64]:
        """Positions of those texts. Shapes: → (n,)."""
        return np.flatnonzero((self.counts_as != NONE) & (self.gold == gold))

    @cached_property
    def used(self) -> NDArray[np.int64]:
        """How many texts count with each set, pool and gold apart. Shapes: → (2, S)."""
        return np.stack(
            [np.bincount(self.counts_as[self.counting(gold=one)], minlength=len(self.sets)) for one in (False, True)]
        )

    @cached_property
    def _held(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Each label of each set: (set, label)."""
        sets, labels = np.nonzero(self.sets)
        return sets, labels

    def held(self, *, gold: bool) -> Held:
        """Which labels the texts count with."""
        return Held(*self._held, self.used[int(gold)], self.sets.shape[1])

    def support(self, *, gold: bool) -> NDArray[np.int64]:
        """Texts that count with each label. Shapes: → (K,)."""
        return self.held(gold=gold).support


@dataclass
class _Sets:
    """Distinct label sets, numbered as they come; what was stored is read once for each wording."""

    label_set: LabelSet
    numbers: dict[frozenset[str], int] = field(default_factory=dict)
    known: dict[str, int] = field(default_factory=dict)

    def of(self, stored: str) -> int:
        """The number of a stored decision as it counts today; NONE where nothing of it is left."""
        if stored not in self.known:
            self.known[stored] = self.number(frozenset(self.label_set.present(json.loads(stored))))
        return self.known[stored]

    def number(self, labels: frozenset[str]) -> int:
        return self.numbers.setdefault(labels, len(self.numbers)) if labels else NONE

    def matrix(self) -> NDArray[np.bool_]:
        return self.label_set.encode(list(self.numbers)).astype(bool).reshape(len(self.numbers), len(self.label_set))


@dataclass
class _Kept:
    """A project's standing with what it takes to bring it up to date; one thread at a time."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    rules: Any = None
    sets: _Sets | None = None
    standing: Standing | None = None


_kept = PerProject(_Kept)


def standing(db: Database, project_id: int) -> Standing:
    """The project as it stands, inside the caller's read. Raises NotFound."""
    project = projects.project(db, project_id)
    latest = annotation_rows.latest_id(db, project_id)
    rules = (project.label_set, project.settings.unsettled)
    kept = _kept.of(db, project_id)
    with kept.lock:
        present = kept.standing
        if present is None or kept.sets is None or kept.rules != rules or latest < present.mark:
            kept.rules, kept.sets = rules, _Sets(project.label_set)
            kept.standing = _read(db, project_id, kept.sets, project.settings.unsettled, latest, None)
        elif latest > present.mark:
            changed = vote_rows.changed(db, project_id, after=present.mark)
            fresh = _read(db, project_id, kept.sets, project.settings.unsettled, latest, changed)
            kept.standing = _merged(present, fresh, np.array(changed, dtype=np.int64))
        assert kept.standing is not None
        return kept.standing


def _read(
    db: Database, project_id: int, sets: _Sets, rule: str, latest: int, documents: Collection[int] | None
) -> Standing:
    """Of these documents, or of all."""
    texts, people, chosen, golden = array("q"), array("i"), array("i"), array("b")  # lists would take ten times as much
    for document_id, user_id, gold, stored in vote_rows.current(db, project_id, documents):
        texts.append(document_id)
        people.append(user_id)
        chosen.append(sets.of(stored))
        golden.append(gold)
    raw = (np.array(texts, np.int64), np.array(people, np.int32), np.array(chosen, np.int32), np.array(golden, bool))
    kept = raw[2] != NONE
    votes = Votes(documents=raw[0][kept], people=raw[1][kept], sets=raw[2][kept])
    found = {int(d): (bool(g), False, False, NONE) for d, g in zip(raw[0], raw[3], strict=True)}
    for document_id, number in _by_rule(votes, sets, rule):
        found[document_id] = (found[document_id][0], False, False, number)
    for document_id, gold, out, stored in vote_rows.settled(db, project_id, documents):
        found[document_id] = (bool(gold), True, bool(out), NONE if out else sets.of(stored))
    order = sorted(found)
    columns = [found[each] for each in order]
    documents, members = np.array(order, dtype=np.int64), sets.matrix()
    return Standing(
        label_set=sets.label_set,
        documents=documents,
        gold=np.array([each[0] for each in columns], dtype=bool),
        settled=np.array([each[1] for each in columns], dtype=bool),
        left_out=np.array([each[2] for each in columns], dtype=bool),
        counts_as=np.array([each[3] for each in columns], dtype=np.int32),
        apart=_apart(documents, votes, members),
        sets=members,
        votes=votes,
        mark=latest,
    )


def _apart(documents: NDArray[np.int64], votes: Votes, members: NDArray[np.bool_]) -> NDArray[np.float64]:
    """How unlike the votes on each text are. Shapes: (T,), V votes, (S, K) → (T,)."""
    found = np.zeros(len(documents))
    texts, many = np.unique(votes.documents, return_counts=True)
    read = read_twice(votes.documents, votes.people, votes.sets, members)
    found[np.searchsorted(documents, texts[many >= 2])] = pair_sums(read)
    return found


def _by_rule(votes: Votes, sets: _Sets, rule: str) -> Iterable[tuple[int, int]]:
    """What each text counts as by the project's rule: (document, number of its set)."""
    if not len(votes.documents):
        return
    starts = np.flatnonzero(np.r_[True, votes.documents[1:] != votes.documents[:-1]])
    ends = np.r_[starts[1:], len(votes.documents)]
    names = list(sets.numbers)
    ruled: dict[tuple[int, ...], int] = {}
    chosen = votes.sets.tolist()
    for document_id, start, end in zip(votes.documents[starts].tolist(), starts.tolist(), ends.tolist(), strict=True):
        same = chosen[start:end]
        if len(same) == 1:
            yield document_id, same[0]
            continue
        which = tuple(sorted(same))
        if which not in ruled:
            ruled[which] = sets.number(settle([names[each] for each in which], rule))
        yield document_id, ruled[which]


def _merged(present: Standing, fresh: Standing, changed: NDArray[np.int64]) -> Standing:
    """``present`` with everything about the changed documents taken from ``fresh``."""
    changed = np.sort(changed)
    old, new = _Place.of(present.documents, fresh.documents, changed), fresh
    votes = _Place.of(present.votes.documents, fresh.votes.documents, changed)
    return Standing(
        label_set=fresh.label_set,
        documents=old.both(present.documents, new.documents),
        gold=old.both(present.gold, new.gold),
        settled=old.both(present.settled, new.settled),
        left_out=old.both(present.left_out, new.left_out),
        counts_as=old.both(present.counts_as, new.counts_as),
        apart=old.both(present.apart, new.apart),
        sets=fresh.sets,
        votes=Votes(
            documents=votes.both(present.votes.documents, fresh.votes.documents),
            people=votes.both(present.votes.people, fresh.votes.people),
            sets=votes.both(present.votes.sets, fresh.votes.sets),
        ),
        mark=fresh.mark,
    )


@dataclass(frozen=True)
class _Place:
    """Where rows of changed documents go and new ones come; both are in the order of documents, so nothing is sorted.

    A document's new rows are together and in their own order, so its place is that of the first.
    """

    gone: NDArray[np.int64]  # positions of the old rows that are replaced
    before: NDArray[np.int64]  # for each new row: the position, among the old ones that stay, of what follows it

    @classmethod
    def of(cls, old: NDArray[np.int64], new: NDArray[np.int64], changed: NDArray[np.int64]) -> _Place:
        """Shapes: (T,), (F,), (C,) documents, each ascending."""
        starts, ends = np.searchsorted(old, changed, "left"), np.searchsorted(old, changed, "right")
        many = ends - starts
        gone = np.repeat(starts - (np.cumsum(many) - many), many) + np.arange(many.sum())
        before = np.searchsorted(old, new, "left")
        return cls(gone, before - np.searchsorted(gone, before, "left"))

    def both(self, old: NDArray, new: NDArray) -> NDArray:
        return np.insert(np.delete(old, self.gone), self.before, new)
