"""What each person has done on each text, as arrays that follow the log of decisions.

The log is read once, from its beginning, and after that only what is new in it. A restart or another label set reads
it anew. Nothing here is written anywhere; tests hold it to what one person's own page and the tables say.
"""

from __future__ import annotations

import itertools
import json
import threading
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlite_utils import Database

from core.services import projects
from core.services.annotating import CUTS
from core.services.per_project import PerProject
from db import annotations as annotation_rows
from db import worklog as log_rows

NOTHING, LABELLED, SKIPPED, FLAGGED = range(4)  # what somebody says of a text now
_CODES = {"labelled": LABELLED, "skipped": SKIPPED, "flagged": FLAGGED, "undone": NOTHING}
NEVER = -1  # no day
SUGGESTED, ACCEPTED, ADDED, SHOWN = range(4)  # columns of Worklog.suggested
BINS, BIN = 40, 0.01  # of probability less threshold, threshold in the middle
FAST_MS, FAST_PER_S, FAST_MOST_S = 600, 25, 10
_SHIFT = 40  # a pair is person << 40 | document
_DAY_S, _UTC8_S = 86_400, 8 * 3600
_CHUNK = 50_000


@dataclass(frozen=True, kw_only=True)
class Worklog:
    """P pairs of a person and a text, by person and text. Days are counted from 1970, in UTC+8; -1 is none.

    A text counts on the day of its first decision that is no skip (``past.per_day``), as long as one stands.
    """

    keys: tuple[str, ...]  # K labels
    pairs: NDArray[np.int64]  # (P,)
    stands: NDArray[np.int8]  # (P,) NOTHING, LABELLED, SKIPPED or FLAGGED
    answered: NDArray[np.int32]  # (P,) day of the first answer, a skip too
    first: NDArray[np.int32]  # (P,) day of the first decision that is no skip
    ms: NDArray[np.int32]  # (P,) what that took; 0 where it was not taken
    characters: NDArray[np.int32]  # (P,) of the text
    decided: NDArray[np.int32]  # (P,) decisions that are no skips
    suggested: dict[int, NDArray[np.int64]]  # by person: (K, 4)
    near: NDArray[np.int64]  # (K, BINS, 2): how often shown, and how often chosen, by probability less threshold
    touched: dict[int, int]  # by person: the mark with which something new of theirs came in
    mark: int  # the number of the last decision that is in it

    def runs(self) -> dict[int, slice]:
        """Where each person's pairs are."""
        people = sorted(self.touched)
        starts = np.searchsorted(self.pairs, np.array(people, np.int64) << _SHIFT).tolist()
        return {one: slice(*each) for one, each in zip(people, pairwise([*starts, len(self.pairs)]), strict=True)}

    def counts(self, at: slice) -> NDArray[np.bool_]:
        """Pairs whose text counts as done by its person."""
        stands = self.stands[at]
        return (self.first[at] != NEVER) & ((stands == LABELLED) | (stands == FLAGGED))

    def fast(self, at: slice) -> NDArray[np.bool_]:
        """Pairs decided faster than anybody reads."""
        return (self.ms[at] > 0) & (self.ms[at] < least_ms(self.characters[at]))


def least_ms(characters: NDArray[np.int32]) -> NDArray[np.float64]:
    """What looking through a text takes at least: 25 characters a second, for ten seconds at most. Shapes: alike.

    Chinese is read at four to five characters a second (trauzettel2012); 25 is no reading, and a long text may be
    plain from its beginning.
    """
    return np.clip(characters / FAST_PER_S * 1000, FAST_MS, FAST_MOST_S * 1000)


@dataclass
class _Kept:
    """A project's log; one thread at a time."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    log: Worklog | None = None


_kept = PerProject(_Kept)


def worklog(db: Database, project_id: int) -> Worklog:
    """The log as it stands, inside the caller's read. Raises NotFound."""
    keys = projects.project(db, project_id).label_set.keys
    latest = annotation_rows.latest_id(db, project_id)
    kept = _kept.of(db, project_id)
    with kept.lock:
        if kept.log is None or kept.log.keys != keys or latest < kept.log.mark:
            kept.log = _empty(keys)
        if latest > kept.log.mark:
            kept.log = _read(db, project_id, kept.log, latest)
        return kept.log


def _empty(keys: tuple[str, ...]) -> Worklog:
    none = np.zeros(0, dtype=np.int32)
    return Worklog(
        keys=keys, pairs=np.zeros(0, np.int64), stands=np.zeros(0, np.int8), answered=none, first=none, ms=none,
        characters=none, decided=none, suggested={}, near=np.zeros((len(keys), BINS, 2), np.int64), touched={},
        mark=0,
    )  # fmt: skip


def _read(db: Database, project_id: int, log: Worklog, latest: int) -> Worklog:
    cuts = log_rows.cuts(db, project_id)
    rows = log_rows.decisions(db, project_id, after=log.mark)
    while chunk := list(itertools.islice(rows, _CHUNK)):
        log, fresh = _folded(log, chunk)
        log = _with_suggestions(log, [chunk[at] for at in fresh], cuts)
        log = replace(log, touched=log.touched | dict.fromkeys((each[0] for each in chunk), latest))
    return replace(log, mark=latest)


def _folded(log: Worklog, chunk: list[tuple[Any, ...]]) -> tuple[Worklog, list[int]]:
    """The log with these decisions; also which of them are a pair's first that is no skip."""
    person, document, decision, ms, at, characters, *_ = zip(*chunk, strict=True)
    pair = np.array(person, np.int64) << _SHIFT | np.array(document, np.int64)
    stands = np.array([_CODES[each] for each in decision], np.int8)
    day = ((np.array(at) + _UTC8_S) // _DAY_S).astype(np.int32)
    log = _with_room(log, np.unique(pair))
    place = np.searchsorted(log.pairs, pair)
    columns: dict[str, Any] = {
        name: getattr(log, name).copy() for name in ("stands", "answered", "first", "ms", "characters", "decided")
    }
    columns["stands"][place] = stands  # of several in one place the last remains
    columns["characters"][place] = characters
    answers, decides = stands != NOTHING, (stands == LABELLED) | (stands == FLAGGED)
    fresh = _first(place, answers & (log.answered[place] == NEVER))
    columns["answered"][place[fresh]] = day[fresh]
    fresh = _first(place, decides & (log.first[place] == NEVER))
    columns["first"][place[fresh]] = day[fresh]
    columns["ms"][place[fresh]] = np.array(ms, np.int64)[fresh]
    np.add.at(columns["decided"], place[decides], 1)
    return replace(log, **columns), fresh.tolist()


def _first(place: NDArray[np.int64], wanted: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Of those wanted the first in each place."""
    at = np.flatnonzero(wanted)
    return at[np.unique(place[at], return_index=True)[1]]


def _with_room(log: Worklog, pairs: NDArray[np.int64]) -> Worklog:
    """The log with these pairs in it, nothing known of the new ones."""
    new = np.setdiff1d(pairs, log.pairs, assume_unique=True)
    if not len(new):
        return log
    at = np.searchsorted(log.pairs, new)
    unknown = {"stands": NOTHING, "answered": NEVER, "first": NEVER, "ms": 0, "characters": 0, "decided": 0}
    room: dict[str, Any] = {name: np.insert(getattr(log, name), at, value) for name, value in unknown.items()}
    return replace(log, pairs=np.insert(log.pairs, at, new), **room)


def _with_suggestions(log: Worklog, rows: list[tuple[Any, ...]], cuts: dict[int, dict[str, float]]) -> Worklog:
    """What was suggested, and what became of it; each person's text once."""
    shown = [each for each in rows if each[6] is not None]
    if not shown:
        return log
    probability, cut, chosen = (np.full((len(shown), len(log.keys)), np.nan) for _ in range(3))
    for n, (*_, suggestions, labels, round_id) in enumerate(shown):
        stored = json.loads(suggestions)
        beside = stored.pop(CUTS, None) or cuts.get(round_id, {})
        probability[n] = [stored.get(key, np.nan) for key in log.keys]
        cut[n] = [beside.get(key, np.nan) for key in log.keys]
        picked = set(json.loads(labels))
        chosen[n] = [key in picked for key in log.keys]
    known, yes = np.isfinite(probability) & np.isfinite(cut), chosen == 1
    over = known & (probability >= cut)
    found = np.stack([over, over & yes, known & ~over & yes, known], axis=2)
    suggested = dict(log.suggested)
    people = np.array([each[0] for each in shown])
    for person in np.unique(people).tolist():
        counted = found[people == person].sum(axis=0, dtype=np.int64)
        suggested[person] = suggested.get(person, 0) + counted
    near = log.near.copy()
    with np.errstate(invalid="ignore"):
        place = np.floor((probability - cut) / BIN + 1e-6) + BINS // 2
        inside = known & (place >= 0) & (place < BINS)
    _, label = np.nonzero(inside)
    cells = label, place[inside].astype(np.int64)
    np.add.at(near[:, :, 0], cells, 1)
    np.add.at(near[:, :, 1], cells, yes[inside].astype(np.int64))
    return replace(log, suggested=suggested, near=near)
