"""How two people agree, label by label: Cohen's kappa of every pair from one pass over the votes, with intervals."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.evaluate.resampled import RESAMPLES, Estimate, Readings, drawn_sums, interval, unseen

CELLS = 2_000_000  # of a table of pairs and label sets
Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """P pairs of people who have read the same texts, the one with the lower number first. Units: texts.

    Shapes: people (P, 2), n (P,) read by both; chosen (P, K, 3) by both, by the first alone, by the second alone.
    """

    people: NDArray[np.int64]
    n: NDArray[np.int64]
    chosen: NDArray[np.int64]

    def kappas(self) -> Array:
        """As ``agreement.cohen_kappa``; NaN where nothing can be said. Shapes: → (P, K)."""
        return _kappa(_cells(self.chosen, self.n[:, None]))


def pairs(readings: Readings) -> Pairs:
    """Every pair that has a text in common, by person."""
    everybody, person = np.unique(readings.people, return_inverse=True)
    width, k = len(everybody), readings.members.shape[1]
    possible = np.arange(width * width)
    if len(possible) * k > CELLS:  # so many people that most of them have never met on a text
        met = np.zeros(len(possible), dtype=bool)
        for a, b in _together(readings, person):
            met[person[a] * width + person[b]] = True
        possible = np.flatnonzero(met)
    number = np.zeros(width * width, dtype=np.int64)
    number[possible] = np.arange(len(possible))
    found = np.zeros(len(possible), dtype=np.int64)
    by_first, by_second, both = (_Count(readings, len(possible)) for _ in range(3))
    for a, b in _together(readings, person):
        pair = number[person[a] * width + person[b]]
        first, second = readings.sets[a], readings.sets[b]
        found += np.bincount(pair, minlength=len(possible))
        by_first.add(pair, first)
        by_second.add(pair, second)
        same = first == second
        both.add(pair[same], first[same])
        both.add_shared(pair[~same], first[~same], second[~same])
    known = np.flatnonzero(found)
    shared, alone, other = (each.labels()[known] for each in (both, by_first, by_second))
    return Pairs(
        people=np.stack([everybody[possible[known] // width], everybody[possible[known] % width]], axis=1),
        n=found[known],
        chosen=np.stack([shared, alone - shared, other - shared], axis=2),
    )


class _Count:
    """How often each of P possible pairs has each of K labels, from label sets that are added."""

    def __init__(self, readings: Readings, p: int) -> None:
        self.members, self.k = readings.members, readings.members.shape[1]
        self.sets, self.listed = readings.listed
        self.sizes = np.bincount(self.sets, minlength=len(self.members))
        self.starts = np.cumsum(self.sizes) - self.sizes
        self.found = np.zeros((p, self.k), dtype=np.int64)
        # Whole sets are counted where a table of pair and set is small; else each label of each set.
        sets = len(self.members)
        self.whole = np.zeros((p, sets), dtype=np.int64) if p * sets <= CELLS else None

    def add(self, pair: NDArray[np.int64], sets: NDArray[np.int64]) -> None:
        if self.whole is None:
            self.add_shared(pair, sets, sets)
        else:
            cells = pair * self.whole.shape[1] + sets
            self.whole += np.bincount(cells, minlength=self.whole.size).reshape(self.whole.shape)

    def add_shared(self, pair: NDArray[np.int64], first: NDArray[np.int64], second: NDArray[np.int64]) -> None:
        """What both sets have."""
        sizes = self.sizes[first]
        runs = np.repeat(self.starts[first] - (np.cumsum(sizes) - sizes), sizes)
        labels = self.listed[np.arange(len(runs)) + runs]
        of = np.repeat(np.arange(len(first)), sizes)
        shared = self.members[second[of], labels]
        cells = pair[of[shared]] * self.k + labels[shared]
        self.found += np.bincount(cells, minlength=self.found.size).reshape(self.found.shape)

    def labels(self) -> NDArray[np.int64]:
        """Shapes: → (P, K)."""
        if self.whole is None:
            return self.found
        of_sets = [np.bincount(self.listed, weights=each[self.sets], minlength=self.k) for each in self.whole]
        return self.found + np.array(of_sets, dtype=np.int64).reshape(self.found.shape)


def kappa_estimates(
    n: int, chosen: NDArray[np.int64], *, seed: int = 0, resamples: int = RESAMPLES
) -> tuple[Estimate | None, ...]:
    """One pair's kappa on each label; None where nothing can be said.

    Shapes: (K, 3) as in ``Pairs`` → K. Source: cohen1960; the interval as in ``resampled``.
    """
    out: list[Estimate | None] = []
    for cells in _cells(chosen, np.full(len(chosen), n)):
        value = float(_kappa(cells[None])[0])
        if np.isnan(value):
            out.append(None)
            continue
        drawn = _kappa(drawn_sums(np.eye(4), cells.astype(np.int64), seed=seed, resamples=resamples))
        low, high = interval(drawn, value)
        if not cells[1] + cells[2] and low is not None:
            low = max(-1.0, 1 - unseen(n) / (2 * cells[0] * cells[3] / n / n))
        out.append(Estimate(value, low, high, n))
    return tuple(out)


def _together(readings: Readings, person: NDArray[np.int64]) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Positions of two votes on one text, some at a time; that of the lower-numbered person first."""
    for shift in range(1, int(np.bincount(readings.texts, minlength=1).max())):
        at = np.flatnonzero(readings.texts[:-shift] == readings.texts[shift:])
        swapped = person[at] > person[at + shift]
        if not swapped.any():
            yield at, at + shift
        else:
            yield np.where(swapped, at + shift, at), np.where(swapped, at, at + shift)


def _cells(chosen: NDArray[np.int64], n: NDArray[np.int64]) -> Array:
    """Both, the first alone, the second alone, neither. Shapes: (…, 3), (…) → (…, 4)."""
    neither = n - chosen.sum(axis=-1)
    return np.concatenate([chosen, neither[..., None]], axis=-1).astype(np.float64)


def _kappa(cells: Array) -> Array:
    """Shapes: (…, 4) → (…)."""
    both, first, second, neither = np.moveaxis(cells, -1, 0)
    n = both + first + second + neither
    by_chance = (both + first) * (both + second) + (n - both - first) * (n - both - second)  # times n²
    below = n * n - by_chance
    above = n * (both + neither) - by_chance
    return np.asarray(np.divide(above, below, out=np.full(np.shape(n), np.nan), where=below > 0))
