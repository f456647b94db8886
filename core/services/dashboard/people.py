"""People: how much they do at which pace, how they agree, and what suggestions do to them.

For leads; whoever asks has to have been let in. An annotator's own figures are those of ``looking_back``.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlite_utils import Database

from core.evaluate import resampled
from core.evaluate.jump import Jump, jump
from core.evaluate.pairs import kappa_estimates, pairs
from core.evaluate.proportion import Share, share
from core.evaluate.resampled import Estimate, Readings
from core.services import projects
from core.services.agreeing import names_of
from core.services.per_project import PerProject
from core.services.standing import Standing, standing
from core.services.worklog import ACCEPTED, ADDED, BIN, BINS, FLAGGED, NOTHING, SHOWN, SKIPPED, SUGGESTED, Worklog
from core.services.worklog import worklog as log_of
from db.connect import reading

LEAST_TIMED = 5  # texts; below that a median is not shown
WINDOW = 0.1  # of probability on each side of a threshold
_EPOCH = dt.date(1970, 1, 1)
_QUANTILES = (10, 25, 50, 75, 90)


@dataclass(frozen=True, kw_only=True)
class Person:
    """What one person did in a time. Units: texts; ``seconds``: the 10th, 25th, 50th, 75th, 90th percentile of a text.

    ``skipped`` and ``flagged`` are of the texts on which they have an answer now; ``changed``, those decided more than
    once, of the texts that count; ``fast``, those decided faster than anybody reads, of the ones that were timed.
    """

    user_id: int
    name: str
    texts: int
    days: int
    timed: int
    seconds: tuple[float, ...] | None
    skipped: Share | None
    flagged: Share | None
    changed: Share | None
    fast: Share | None


@dataclass(frozen=True, kw_only=True)
class Work:
    """Everybody who answered since a day (or ever), by name; texts first decided by (day, person)."""

    since: dt.date | None
    people: tuple[Person, ...]
    per_day: tuple[tuple[dt.date, str, int], ...]

    @property
    def texts(self) -> int:
        """Pairs of a person and a text that count."""
        return sum(each.texts for each in self.people)


@dataclass(frozen=True, kw_only=True)
class LabelAgreement:
    """A label's alpha; None where nothing can be said. ``chosen``: votes with it."""

    key: str
    alpha: Estimate | None
    chosen: int


@dataclass(frozen=True, kw_only=True)
class PairAgreement:
    """Two people by name, how many texts both have labelled, and kappa of each label in the labels' order.

    ``chosen``: texts with each label by both, by the first alone, by the second alone.
    """

    names: tuple[str, str]
    n: int
    kappa: tuple[float | None, ...]
    chosen: tuple[tuple[int, ...], ...]

    @property
    def mean(self) -> float | None:
        known = [each for each in self.kappa if each is not None]
        return sum(known) / len(known) if known else None

    def labels(self) -> tuple[Estimate | None, ...]:
        """Each label's kappa with its interval."""
        return kappa_estimates(self.n, np.array(self.chosen, dtype=np.int64).reshape(-1, 3))


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """Over the ``n`` texts that two or more have labelled, before anything was settled; ``sets`` by MASI distance."""

    n: int
    people: int
    sets: Estimate | None
    labels: tuple[LabelAgreement, ...]
    pairs: tuple[PairAgreement, ...]


@dataclass(frozen=True, kw_only=True)
class Suggested:
    """What was suggested to somebody, or of one label, and what became of it.

    ``accepted``: of the suggestions; ``added``: chosen although not suggested, of those shown below the threshold.
    """

    name: str
    accepted: Share | None
    added: Share | None


@dataclass(frozen=True, kw_only=True)
class Suggestions:
    """On texts that were first labelled with suggestions on the screen; ``labels`` by key, ``people`` by name.

    ``near``: (middle of a bin of probability less threshold, how often shown, how often chosen), all labels together.
    ``jump``: how much more often a label is chosen just above its threshold than just below; ``jumps``, label by label.
    """

    n: int
    people: tuple[Suggested, ...]
    labels: tuple[Suggested, ...]
    near: tuple[tuple[float, int, int], ...]
    jump: Jump | None
    jumps: dict[str, Jump | None]


def readings(standing: Standing) -> Readings:
    """Who chose what on texts that two or more have labelled, those left out by a reviewer aside."""
    votes = standing.votes
    if not standing.left_out.any():
        return resampled.read_twice(votes.documents, votes.people, votes.sets, standing.sets)
    counts = ~np.isin(votes.documents, standing.documents[standing.left_out])
    return resampled.read_twice(votes.documents[counts], votes.people[counts], votes.sets[counts], standing.sets)


def _apart(standing: Standing) -> NDArray[np.float64]:
    """How unlike the votes on each text of ``readings`` are. Shapes: → (N,)."""
    starts = np.flatnonzero(np.diff(standing.votes.documents, prepend=-1))
    many = np.diff(starts, append=len(standing.votes.documents))
    at = np.searchsorted(standing.documents, standing.votes.documents[starts[many >= 2]])
    return standing.apart[at[~standing.left_out[at]]]


def agreement_now(standing: Standing) -> Estimate | None:
    """Krippendorff's alpha of whole label sets by MASI distance, before anything was settled, with its n and interval.

    None where nothing can be said: no text has two readers, or all chose alike.
    """
    return resampled.set_alpha(readings(standing), apart=_apart(standing))


@dataclass(frozen=True)
class _Done:
    """One person's part of ``Work``, from ``mark`` on; ``person`` is None where they answered nothing."""

    mark: int
    person: Person | None
    per_day: tuple[tuple[dt.date, str, int], ...]


_done: PerProject[dict[tuple[int, str, dt.date | None], _Done]] = PerProject(dict)
_MOST_DONE = 1_000  # people and times, three a day each; then all are computed anew


def work(db: Database, project_id: int, *, since: dt.date | None = None) -> Work:
    """Everybody's work since a day in UTC+8, or ever. Raises NotFound.

    Of whom nothing new is in the log, that is as it was.
    """
    with reading(db):
        log, names = log_of(db, project_id), names_of(db, ())
        kept = _done.of(db, project_id)
    if len(kept) > _MOST_DONE:
        kept.clear()
    parts = []
    for user, at in log.runs().items():
        of = (user, names[user], since)
        found = kept.get(of)
        if found is None or found.mark != log.touched[user]:
            found = kept[of] = _of_person(log, user, names[user], at, since)
        parts.append(found)
    people = [each.person for each in parts if each.person is not None]
    days = [day for each in parts for day in each.per_day]
    return Work(since=since, people=tuple(sorted(people, key=lambda each: each.name)), per_day=tuple(sorted(days)))


def _of_person(log: Worklog, user_id: int, name: str, at: slice, since: dt.date | None) -> _Done:
    since_day = -1 if since is None else (since - _EPOCH).days
    answered = (log.stands[at] != NOTHING) & (log.answered[at] >= since_day)
    done = log.counts(at) & (log.first[at] >= since_day)
    days, many = np.unique(log.first[at][done], return_counts=True)
    per_day = tuple(
        (_EPOCH + dt.timedelta(days=day), name, n) for day, n in zip(days.tolist(), many.tolist(), strict=True)
    )
    someone = (answered | done).any()
    found = _person(log, user_id, name, at, done, answered, days=len(days)) if someone else None
    return _Done(log.touched[user_id], found, per_day)


def _person(
    log: Worklog, user_id: int, name: str, at: slice, counts: NDArray[np.bool_], answered: NDArray[np.bool_], *,
    days: int,
) -> Person:  # fmt: skip
    stands, ms = log.stands[at], log.ms[at]
    known = ms[counts & (ms > 0)]
    n, texts = int(answered.sum()), int(counts.sum())
    seconds = np.percentile(known, _QUANTILES) / 1000 if len(known) >= LEAST_TIMED else None
    return Person(
        user_id=user_id,
        name=name,
        texts=texts,
        days=days,
        timed=len(known),
        seconds=None if seconds is None else tuple(seconds.tolist()),
        skipped=_share(((stands == SKIPPED) & answered).sum(), n),
        flagged=_share(((stands == FLAGGED) & answered).sum(), n),
        changed=_share((counts & (log.decided[at] > 1)).sum(), texts),
        fast=_share((counts & log.fast(at)).sum(), len(known)),
    )


def agreement(db: Database, project_id: int) -> Agreement:
    """How far people agree, with intervals. Raises NotFound."""
    with reading(db):
        stands = standing(db, project_id)
        found = readings(stands)
        names, keys = names_of(db, np.unique(found.people).tolist()), projects.project(db, project_id).label_set.keys
    of, label = found.listed
    times = np.bincount(found.sets, minlength=len(found.members))
    chosen = np.bincount(label, weights=times[of], minlength=len(keys)).astype(np.int64)
    alphas = resampled.label_alphas(found)
    table = pairs(found)
    every = [
        PairAgreement(
            names=(names[int(a)], names[int(b)]),
            n=int(n),
            kappa=tuple(None if np.isnan(each) else float(each) for each in kappa),
            chosen=tuple(tuple(line) for line in of_pair.tolist()),
        )
        for (a, b), n, kappa, of_pair in zip(table.people, table.n, table.kappas(), table.chosen, strict=True)
    ]
    return Agreement(
        n=found.n,
        people=len(np.unique(found.people)),
        sets=resampled.set_alpha(found, apart=_apart(stands)),
        labels=tuple(
            LabelAgreement(key=key, alpha=alpha, chosen=int(n))
            for key, alpha, n in zip(keys, alphas, chosen, strict=True)
        ),
        pairs=tuple(sorted(every, key=lambda pair: pair.names)),
    )


def suggestions(db: Database, project_id: int) -> Suggestions:
    """What was suggested and accepted, and whether being suggested makes a label chosen. Raises NotFound."""
    with reading(db):
        log, names = log_of(db, project_id), names_of(db, ())
    every = {names[person]: found for person, found in log.suggested.items()}
    total = sum(every.values(), np.zeros((len(log.keys), 4), dtype=np.int64))
    x = (np.arange(BINS) - BINS / 2 + 0.5) * BIN
    inside = np.abs(x) < WINDOW
    together = log.near.sum(axis=0)
    return Suggestions(
        n=int(total[:, SHOWN].sum()),
        people=tuple(_suggested(name, found.sum(axis=0)) for name, found in sorted(every.items())),
        labels=tuple(_suggested(key, line) for key, line in zip(log.keys, total, strict=True)),
        near=tuple((float(at), int(n), int(k)) for at, (n, k) in zip(x, together, strict=True)),
        jump=jump(x[inside], *together[inside].T),
        jumps={
            key: jump(x[inside], *counts[inside].T) for key, counts in zip(log.keys, log.near, strict=True)
        },
    )  # fmt: skip


def _suggested(name: str, found: NDArray[np.int64]) -> Suggested:
    return Suggested(
        name=name,
        accepted=_share(found[ACCEPTED], found[SUGGESTED]),
        added=_share(found[ADDED], found[SHOWN] - found[SUGGESTED]),
    )


def _share(k: int | np.integer, n: int | np.integer) -> Share | None:
    return share(int(k), int(n)) if n else None
