"""How much better one set of decisions is than another on the same texts, label by label and together.

Both models are asked about the same texts, so most of what makes either figure uncertain is common to the two and goes
out in the difference: its interval is narrower than the two figures' own would let one think.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.evaluate.intervals import around, holding
from core.evaluate.marks import Marks, marks
from core.seeds import numbers

DRAWS = 1000
_AT_ONCE = 250  # draws in one matrix product


@dataclass(frozen=True)
class Gain:
    """F1 of the first less that of the second, with the bounds of its 95 % interval."""

    difference: float
    low: float
    high: float

    @property
    def clear(self) -> bool:
        """Whether zero lies outside the interval."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True, kw_only=True)
class Paired:
    """``labels`` in the label set's order; ``tail`` is None where no label was named as belonging to it."""

    labels: tuple[Gain, ...]
    macro: Gain
    tail: Gain | None
    n: int  # texts


def paired_f1(
    y: NDArray, first: NDArray, second: NDArray, *, tail: ArrayLike = (), draws: int = DRAWS, seed: int = 0
) -> Paired:
    """Differences of F1 with their intervals: texts drawn anew with replacement, the same ones for both.

    F1 is that of ``core.evaluate.metrics``: 0 where undefined, and macro is the mean over all labels. ``tail`` are
    positions of labels; their mean is one more figure. Below some ten positives, or where the two decide alike of all
    texts, an interval is narrower than what is truly not known.

    Shapes: y, first, second (N, K) of 0 and 1; tail (≤ K,).
    Raises ValueError: unlike shapes, no text, no label, no draw.
    Source: efron1993, by ``core.evaluate.intervals``.
    """
    truth, a, b = (np.asarray(part) > 0 for part in (y, first, second))
    if not (truth.shape == a.shape == b.shape) or truth.ndim != 2 or not truth.size or draws < 1:
        raise ValueError(f"labels of shape {truth.shape}, decisions of {a.shape} and {b.shape}, {draws} draws")
    rare, n = np.asarray(tail, dtype=np.int64), len(truth)
    k, there = truth.shape[1], np.flatnonzero((truth | a | b).any(axis=0))  # of all others the F1 is 0, however drawn
    truth, a, b = truth[:, there], a[:, there], b[:, there]
    parts = [marks(each) for each in (truth, a, b, truth & a, truth & b)]
    seen = _differences(parts, np.ones((1, n), dtype=np.int32))[0]
    rng, found = numbers(seed, "paired F1"), []
    for start in range(0, draws, _AT_ONCE):
        some = min(_AT_ONCE, draws - start)
        drawn = rng.integers(n, size=(some, n)) + n * np.arange(some)[:, None]
        counts = np.bincount(drawn.ravel(), minlength=some * n).reshape(some, n)
        found.append(_differences(parts, counts.astype(np.int32)))
    drawn_differences = np.concatenate(found)  # (draws, labels that are there)
    figures = np.zeros((3, k))
    figures[0, there] = seen
    figures[1:, there] = holding(seen, drawn_differences, lowest=-1, highest=1)
    of_tail = np.isin(there, rare)
    return Paired(
        labels=tuple(Gain(d, low, high) for d, low, high in figures.T.tolist()),
        macro=_mean(seen, drawn_differences, k),
        tail=_mean(seen[of_tail], drawn_differences[:, of_tail], len(rare)) if len(rare) else None,
        n=n,
    )


def _mean(seen: NDArray, drawn: NDArray, k: int) -> Gain:
    """Over k labels, of which those that are not here have nothing."""
    value = float(seen.sum() / k)
    low, high = around(value, drawn.sum(axis=1) / k, lowest=-1, highest=1)
    return Gain(value, float(low), float(high))


def _differences(parts: Sequence[Marks], draws: NDArray) -> NDArray[np.float64]:
    """``parts``: positives, named by each, hits of each. Shapes: draws (R, N) → (R, K)."""
    held, named_a, named_b, hits_a, hits_b = (each.sums(draws) for each in parts)
    return _f1(hits_a, named_a + held) - _f1(hits_b, named_b + held)


def _f1(hits: NDArray, both: NDArray) -> NDArray[np.float64]:
    return np.divide(2 * hits, both, out=np.zeros(np.shape(hits)), where=both > 0)
