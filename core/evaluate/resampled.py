"""Agreement of many votes at once, each figure with the interval that resampling whole texts gives.

The figures are those of ``core.evaluate.agreement``; here a million votes take a moment. Each is a function of a few
sums over texts. So texts are drawn with replacement, as a bootstrap does, but only their sums are made: from how often
each distinct row occurs, or, where there are very many distinct rows, from the normal distribution to which such sums
come. Nothing is computed anew for a resample. Source: efron1993, chapter 13 (percentile intervals).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.evaluate.intervals import around
from core.seeds import numbers

RESAMPLES = 1000
MANY = 500  # distinct rows beyond which sums are drawn from their normal limit
FEW_SETS = 256  # distinct label sets up to which the expected distance of each resample is exact
MANY_SETS = 3000  # distinct label sets beyond which the expected distance is taken over votes drawn at random
PAIRS = 300_000  # pairs of votes so drawn
LEAST_FAR = 300  # votes drawn to tell how far each set is from all
LEAST_KNOWN = 0.9  # of the resamples have to say something, or there is no interval
COMMON = 200  # labels, the commonest, whose part in distances one product gives
_AT_ONCE = 2_000_000  # cells of a block of distances
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """A figure over n texts with its 95 % interval, which is None where resamples say nothing."""

    value: float
    low: float | None
    high: float | None
    n: int


@dataclass(frozen=True, kw_only=True)
class Readings:
    """V label sets that people chose; the votes on a text stand together. S distinct sets of K labels.

    Shapes: texts (V,) ascending, people (V,), sets (V,) rows of members, members (S, K).
    """

    texts: NDArray[np.int64]
    people: NDArray[np.int64]
    sets: NDArray[np.int64]
    members: NDArray[np.bool_]

    @property
    def n(self) -> int:
        """How many texts."""
        return int(self.texts[-1]) + 1 if len(self.texts) else 0

    @cached_property
    def listed(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Each label of each set, by set: (set, label)."""
        sets, labels = np.nonzero(self.members)
        return sets, labels


def read_twice(texts: ArrayLike, people: ArrayLike, sets: ArrayLike, members: NDArray[np.bool_]) -> Readings:
    """The votes on texts that two or more have read, texts numbered 0 … n-1 and only sets that occur.

    Raises ValueError: texts not in order.
    """
    by_text = np.asarray(texts, dtype=np.int64)
    if (np.diff(by_text) < 0).any():
        raise ValueError("the votes on a text have to stand together, texts ascending")
    starts = np.flatnonzero(np.diff(by_text, prepend=-1 if not len(by_text) else by_text[0] - 1))
    readers = np.diff(np.append(starts, len(by_text)))
    kept = np.repeat(readers >= 2, readers)
    chosen = np.asarray(sets, dtype=np.int64)[kept]
    there = np.bincount(chosen, minlength=len(members)) > 0
    numbering = np.cumsum(there) - 1
    return Readings(
        texts=np.repeat(np.arange((readers >= 2).sum()), readers[readers >= 2]),
        people=np.asarray(people, dtype=np.int64)[kept],
        sets=numbering[chosen],
        members=members[there],
    )


def drawn_sums(rows: Array, times: NDArray[np.int64], *, seed: int = 0, resamples: int = RESAMPLES) -> Array:
    """Sums over as many texts as there are, drawn with replacement; ``times`` says how many texts have each row.

    Shapes: (P, C), (P,) → (resamples, C).
    """
    random, n = numbers(seed, "texts drawn anew"), int(times.sum())
    if not n:
        return np.zeros((resamples, rows.shape[1]))
    if len(rows) <= MANY:
        return np.asarray(random.multinomial(n, times / n, size=resamples) @ rows, dtype=np.float64)
    middle = times @ rows / n
    apart = rows - middle
    spread, axes = np.linalg.eigh((apart * times[:, None]).T @ apart)
    steps = random.standard_normal((resamples, rows.shape[1])) * np.sqrt(np.maximum(spread, 0))
    return np.asarray(n * middle + steps @ axes.T, dtype=np.float64)


def set_alpha(
    readings: Readings, *, apart: Array | None = None, seed: int = 0, resamples: int = RESAMPLES
) -> Estimate | None:
    """As ``agreement.set_alpha`` with MASI; None where nothing can be said. Source: krippendorff2011.

    ``apart``: the ``pair_sums``, where they are known.
    """
    if not readings.n:
        return None
    apart = pair_sums(readings) if apart is None else apart
    readers = np.bincount(readings.texts).astype(np.float64)
    counts = np.bincount(readings.sets, minlength=len(readings.members)).astype(np.float64)
    far = _mean_far(readings.members, counts, seed)  # a set's distance to all votes together
    observed, expected = apart / (readers - 1), float(counts @ far)
    if len(counts) > MANY_SETS:
        expected = _drawn_far(readings, seed)
    if expected <= 0:
        return None
    value = float(_alpha(np.float64(readers.sum()), observed.sum(), np.float64(expected)))
    if readings.n <= MANY and len(counts) <= FEW_SETS:
        held = np.zeros((readings.n, len(counts)))
        np.add.at(held, (readings.texts, readings.sets), 1)
        sums = drawn_sums(np.c_[readers, observed, held], np.ones(readings.n, np.int64), seed=seed, resamples=resamples)
        drawn = sums[:, 2:]
        chance = ((drawn @ masi_distances(readings.members, readings.members)) * drawn).sum(axis=1)
    else:
        # The expected distance is quadratic in the counts: here to first order, and what is left over by its mean.
        own = np.bincount(readings.texts, weights=far[readings.sets])
        sums = drawn_sums(np.c_[readers, observed, own], np.ones(readings.n, np.int64), seed=seed, resamples=resamples)
        chance = 2 * sums[:, 2] - expected + apart.sum() - expected / readings.n
    low, high = interval(_alpha(sums[:, 0], sums[:, 1], chance), value)
    if not observed.any():
        low = max(-1.0, 1 - unseen(readings.n) * readers.sum() * (readers.sum() - 1) / expected)
    return Estimate(value, low, high, readings.n)


def label_alphas(readings: Readings, *, seed: int = 0, resamples: int = RESAMPLES) -> tuple[Estimate | None, ...]:
    """As ``agreement.krippendorff_alpha``, a label at a time; None where nothing can be said. Shapes: → K.

    Of thousands of labels most are rare, and many of these are alike in all that counts: those are computed once.
    """
    readers = np.bincount(readings.texts, minlength=readings.n)
    of_readers = np.bincount(readers)
    width, k = len(of_readers), readings.members.shape[1]
    votes, labels = _by_label(readings)
    texts = readings.texts[votes]
    starts = np.flatnonzero((np.diff(texts, prepend=-1) != 0) | (np.diff(labels, prepend=-1) != 0))
    ones = np.diff(starts, append=len(votes))  # of a label on a text
    cells = labels[starts].astype(np.int64) * width**2 + ones * width + readers[texts[starts]]
    codes, times = np.unique(cells, return_counts=True)
    ends = np.searchsorted(codes, np.arange(k + 1) * width**2)
    known: dict[tuple[bytes, bytes], Estimate | None] = {}
    found: list[Estimate | None] = []
    for label, (start, end) in enumerate(pairwise(ends.tolist())):
        own, many = codes[start:end] - label * width**2, times[start:end]
        alike = (own.tobytes(), many.tobytes())
        if alike not in known:
            known[alike] = _one_alpha(own, many, of_readers, seed, resamples)
        found.append(known[alike])
    return tuple(found)


def _one_alpha(
    chosen: NDArray[np.int64], many: NDArray[np.int64], of_readers: NDArray[np.int64], seed: int, resamples: int
) -> Estimate | None:
    """Of one label: on how ``many`` texts it has so many ones of so many readers, as ones · width + readers.

    ``of_readers`` counts all texts by how many have read them.
    """
    width = len(of_readers)
    untouched = of_readers - np.bincount(chosen % width, weights=many, minlength=width).astype(np.int64)
    nobody = np.flatnonzero(untouched)
    codes, times = np.r_[nobody, chosen], np.r_[untouched[nobody], many]
    yes, m = (codes // width).astype(np.float64), (codes % width).astype(np.float64)
    rows = np.c_[yes, m - yes, yes * (m - yes) / np.maximum(m - 1, 1)]
    n1, n0, unlike = times @ rows if len(codes) else (0.0, 0.0, 0.0)
    if not n1 * n0:
        return None
    value = float(_alpha(n1 + n0, unlike, n1 * n0))
    sums = drawn_sums(rows, times, seed=seed, resamples=resamples)
    low, high = interval(_alpha(sums[:, 0] + sums[:, 1], sums[:, 2], sums[:, 0] * sums[:, 1]), value)
    n = int(times.sum())
    if not unlike and low is not None:
        low = max(-1.0, 1 - unseen(n) * (n1 + n0) * (n1 + n0 - 1) / (2 * n1 * n0))
    return Estimate(value, low, high, n)


def _alpha(n: ArrayLike, observed: ArrayLike, expected: ArrayLike) -> Array:
    """Shapes: alike. NaN where there is nothing that chance could have missed."""
    above, below = (np.asarray(n) - 1) * observed, np.asarray(expected, dtype=np.float64)
    return np.asarray(1 - np.divide(above, below, out=np.full(np.shape(above), np.nan), where=below > 0))


def interval(values: Array, value: float) -> tuple[float | None, float | None]:
    """As ``core.evaluate.intervals.around``; None where too few resamples say anything.

    A text that is drawn twice agrees with itself, so resamples of few texts show less that chance could have missed: of
    twelve texts the whole interval can lie below the figure. Agreement is 1 at most.
    """
    known = values[np.isfinite(values)]
    if not len(known) or len(known) < LEAST_KNOWN * len(values):
        return None, None
    low, high = around(value, known, highest=1)
    return float(low), float(high)


def unseen(n: int) -> float:
    """The share of texts that something may have which none of n has: the upper end of the exact 95 % interval."""
    return float(1 - 0.025 ** (1 / n))


def _by_label(readings: Readings) -> tuple[NDArray[np.integer], NDArray[np.integer]]:
    """Each label of each vote, by label and then by vote: (vote, label)."""
    of, label = readings.listed
    sizes = np.bincount(of, minlength=len(readings.members))
    starts = np.cumsum(sizes) - sizes
    of_votes = sizes[readings.sets]
    votes = np.repeat(np.arange(len(readings.sets), dtype=np.int32), of_votes)
    within = np.arange(len(votes)) - np.repeat(np.cumsum(of_votes) - of_votes, of_votes)
    labels = label[starts[readings.sets[votes]] + within]
    order = np.argsort(labels.astype(np.int16), kind="stable")
    return votes[order], labels[order]


def pair_sums(readings: Readings) -> Array:
    """A text's MASI distances, over its ordered pairs of votes. Shapes: → (N,)."""
    between = _distance_of(readings.members)
    readers = np.bincount(readings.texts, minlength=readings.n)
    starts = np.cumsum(readers) - readers
    found = np.zeros(readings.n)
    for n in np.unique(readers):  # texts that so many have read, all at once
        texts = np.flatnonzero(readers == n)
        votes = [readings.sets[starts[texts] + place] for place in range(n)]
        apart = np.zeros(len(texts))
        for place, vote in enumerate(votes):
            for other in votes[:place]:
                apart += between(vote, other)
        found[texts] = 2 * apart
    return found


def _distance_of(members: NDArray[np.bool_]) -> Callable[[NDArray[np.int64], NDArray[np.int64]], Array]:
    """The MASI distance of sets by their rows: looked up, or, of too many sets for a table, computed."""
    n = len(members)
    if n * n <= _AT_ONCE:
        table = masi_distances(members, members).ravel()
        return lambda a, b: np.take(table, a * n + b)
    sizes = members.sum(axis=1)
    shared = _shared_by(members, sizes)

    def computed(a: NDArray[np.int64], b: NDArray[np.int64]) -> Array:
        return np.where(a == b, 0.0, _masi(shared(a, b), sizes[a], sizes[b]))

    return computed


def _shared_by(
    members: NDArray[np.bool_], sizes: NDArray[np.int64]
) -> Callable[[NDArray[np.int64], NDArray[np.int64]], Array]:
    """How many labels two sets share, by their rows: through their bits, or, where few of many, label by label."""
    most = int(sizes.max(initial=0))
    if most * most >= -(-members.shape[1] // 64):
        words = _packed(members)
        return lambda a, b: np.bitwise_count(words[a] & words[b]).sum(axis=1, dtype=np.float64)
    rows, labels = np.nonzero(members)
    listed = np.full((len(members), most), -1, dtype=np.int32)
    listed[rows, np.arange(len(rows)) - np.repeat(np.cumsum(sizes) - sizes, sizes)] = labels

    def shared(a: NDArray[np.int64], b: NDArray[np.int64]) -> Array:
        found, others = np.zeros(len(a)), listed[b]
        for mine in listed[a].T:
            found += ((others == mine[:, None]) & (mine[:, None] >= 0)).sum(axis=1)
        return found

    return shared


def _packed(members: NDArray[np.bool_]) -> NDArray[np.uint64]:
    """Sets as bits. Shapes: (S, K) → (S, ⌈K / 64⌉)."""
    width = -(-members.shape[1] // 64) * 64
    padded = np.zeros((len(members), width), dtype=bool)
    padded[:, : members.shape[1]] = members
    return np.packbits(padded, axis=1).view(np.uint64)


def _masi(shared: Array, first: NDArray, second: NDArray) -> Array:
    """Distance of unlike sets by how many labels both have and how many each has. Source: passonneau2006."""
    nested = shared == np.minimum(first, second)
    union = np.maximum(first + second - shared, 1)
    return np.asarray(np.where(shared > 0, 1 - shared / union * np.where(nested, 2 / 3, 1 / 3), 1.0))


def masi_distances(rows: NDArray[np.bool_], columns: NDArray[np.bool_]) -> Array:
    """Of each set to each. Shapes: (S, K), (Q, K) → (S, Q)."""
    shared = _shared(rows, columns)
    first, second = rows.sum(axis=1)[:, None], columns.sum(axis=1)[None]
    same = (shared == first) & (shared == second)
    return np.where(same, 0.0, _masi(shared, first, second))


def _shared(rows: NDArray[np.bool_], columns: NDArray[np.bool_]) -> Array:
    """Labels that both have: the commonest ones by a product, of many labels the rest where both are listed with one.

    Shapes: (S, K), (Q, K) → (S, Q).
    """
    (sets, labels), (others, theirs) = np.nonzero(rows), np.nonzero(columns)
    first = np.argsort(-np.bincount(labels, minlength=rows.shape[1]), kind="stable")[:COMMON]
    found = (rows[:, first].astype(np.float32) @ columns[:, first].astype(np.float32).T).astype(np.float64)
    rare = np.ones(rows.shape[1], dtype=bool)
    rare[first] = False
    sets, labels, others, theirs = sets[rare[labels]], labels[rare[labels]], others[rare[theirs]], theirs[rare[theirs]]
    order = np.argsort(labels, kind="stable")
    starts, ends = (np.searchsorted(labels, theirs, side, sorter=order) for side in ("left", "right"))
    many = ends - starts
    at = order[np.repeat(starts - (np.cumsum(many) - many), many) + np.arange(many.sum())]
    cells = sets[at] * len(columns) + np.repeat(others, many)
    return found + np.bincount(cells, minlength=found.size).reshape(found.shape)


def _mean_far(members: NDArray[np.bool_], counts: Array, seed: int) -> Array:
    """Each set's distance to all votes, summed; ``counts`` are the votes of each set. Shapes: → (S,)."""
    columns, weights = np.arange(len(members)), counts
    if len(members) > MANY_SETS:
        n = max(LEAST_FAR, _AT_ONCE // len(members))
        drawn = numbers(seed, "votes drawn").multinomial(n, counts / counts.sum())
        columns = np.flatnonzero(drawn)
        weights = drawn[columns] * counts.sum() / n
    step = max(1, _AT_ONCE // len(columns))
    blocks = range(0, len(members), step)
    return np.concatenate([masi_distances(members[at : at + step], members[columns]) @ weights for at in blocks])


def _drawn_far(readings: Readings, seed: int) -> float:
    """The distance of all ordered pairs of votes, summed, from PAIRS of them drawn at random."""
    n = len(readings.sets)
    a, b = readings.sets[numbers(seed, "pairs drawn").integers(0, n, size=(2, PAIRS))]
    return float(_distance_of(readings.members)(a, b).mean() * n * n)
