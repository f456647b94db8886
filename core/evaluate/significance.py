"""Whether one classifier is better than another: paired tests that ask different questions.

The corrected t asks whether the difference would show again on other training and test texts; the bootstrap, whether
it would show again on other test texts with the very models at hand. The plain t and the sign flips ask only whether it
would show again with other seeds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from core.evaluate.intervals import around, moved
from core.evaluate.metrics import AGGREGATES
from core.seeds import numbers

RESAMPLES = 10_000
EXACT = 14  # pairs of which all sign flips are gone through
_AT_ONCE = 500  # resamples in one matrix product


@dataclass(frozen=True)
class Difference:
    """How much better the first is. ``low`` and ``high`` bound the 95 % interval; ``p`` is two-sided."""

    mean: float
    low: float
    high: float
    p: float
    n: int  # differences, or documents


def corrected_t(first: ArrayLike, second: ArrayLike, *, ratio: float) -> Difference:
    """Paired t of cross-validated scores, its variance raised because training parts overlap.

    t = mean / √((1/J + ρ)·s²) with J - 1 degrees of freedom; ρ = ``ratio`` = n₂/n₁, test texts / training texts, see
    ``ratios``. Repeated cross-validation gives J = folds × repetitions (bouckaert2004).
    Equal scores everywhere give p = 1; a difference that is the same everywhere p = 0. Shapes: (J,), (J,).
    Raises ValueError: fewer than two pairs, or a ratio that is not above 0.
    Source: nadeau2003, section 3 for n₁ and n₂.
    """
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if not 0 < ratio < np.inf:
        raise ValueError(f"scores of shapes {a.shape} and {b.shape}, ratio {ratio}")
    return _t(a, b, ratio)


def paired_t(first: ArrayLike, second: ArrayLike) -> Difference:
    """Paired t of scores whose pairs are independent. Equal scores everywhere give p = 1.

    Shapes: (J,), (J,). Raises ValueError: fewer than two pairs.
    """
    return _t(np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64), 0.0)


def sign_flips(first: ArrayLike, second: ArrayLike, *, seed: int = 0) -> Difference:
    """Exact test of paired scores: in how many of the 2^J ways to swap pairs is the mean difference as large?

    It assumes nothing of the scores' distribution. p is 2^(1-J) at least, .0625 with five pairs; beyond EXACT pairs the
    ways are drawn. There is no interval of this test: ``low`` and ``high`` are the smallest and largest difference.
    Shapes: (J,), (J,). Raises ValueError: fewer than two pairs.
    """
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    _check_pairs(a, b)
    differences, n = a - b, len(a)
    if n <= EXACT:
        signs = 1 - 2 * ((np.arange(2**n)[:, None] >> np.arange(n)) & 1)
    else:
        signs = np.vstack([np.ones((1, n)), numbers(seed, "sign flips").choice((-1, 1), size=(RESAMPLES, n))])
    sums = np.abs(signs @ differences)
    p = float((sums >= abs(differences.sum()) - 1e-12).mean())
    return Difference(float(differences.mean()), float(differences.min()), float(differences.max()), p, n)


def _check_pairs(a: NDArray, b: NDArray) -> None:
    if a.shape != b.shape or a.ndim != 1 or len(a) < 2:
        raise ValueError(f"scores of shapes {a.shape} and {b.shape}")


def _t(a: NDArray, b: NDArray, ratio: float) -> Difference:
    _check_pairs(a, b)
    differences, n = a - b, len(a)
    mean, spread = float(differences.mean()), float(differences.std(ddof=1))
    if spread < 1e-12:  # rounding apart, no spread at all
        return Difference(mean, mean, mean, 1.0 if abs(mean) < 1e-12 else 0.0, n)
    error = spread * np.sqrt(1 / n + ratio)
    reach = float(stats.t.ppf(0.975, n - 1) * error)
    p = float(2 * stats.t.sf(abs(mean) / error, n - 1))
    return Difference(mean, mean - reach, mean + reach, p, n)


class Ratios(NamedTuple):
    """ρ of k folds. ``standard``: n₁ is all that a learner is given; ``learned``: only what its weights learn from."""

    standard: float
    learned: float


def ratios(folds: int, valid_share: float) -> Ratios:
    """Test texts over training texts, in the two ways in which training texts can be counted.

    What nadeau2003 compares are learning algorithms, and n₁ is the size of what one is given. Ours are given a whole
    training part and set some of it aside themselves, to stop, to weigh classes and to cut by: that is within the
    algorithm, so ``standard``, 1/(k-1), is their ρ. Weights learn from the rest alone; ``learned`` counts only that:
    it is larger, so the more careful of the two.
    """
    test = 1 / folds
    return Ratios(test / (1 - test), test / ((1 - test) * (1 - valid_share)))


def paired_bootstrap(
    first: NDArray, second: NDArray, y: NDArray, *, resamples: int = RESAMPLES, seed: int = 0
) -> dict[str, Difference]:
    """Documents drawn anew with replacement, the same ones for both; a figure for each of AGGREGATES.

    Shapes: first, second (S, N, K) or (N, K) of predicted 0 and 1, y (N, K). Raises ValueError: unlike shapes.
    Source: efron1993, chapters 13 (intervals) and 16 (tests).
    """
    if np.shape(first) != np.shape(second):
        raise ValueError(f"predictions of shapes {np.shape(first)} and {np.shape(second)}")
    a, b = (resampled(each, y, resamples=resamples, seed=seed) for each in (first, second))
    return paired(a, b, documents=len(y))


def resampled(predicted: NDArray, y: NDArray, *, resamples: int = RESAMPLES, seed: int = 0) -> NDArray[np.float64]:
    """The figures on the documents at hand and on each draw; the same seed draws the same documents for any model.

    Of several repetitions (S) the figures are averaged under each draw. Shapes: predicted (S, N, K) or (N, K), y (N, K)
    → (1 + resamples, aggregates). Raises ValueError: unlike shapes, or no document.
    """
    y = np.asarray(y) > 0
    found = np.asarray(predicted) > 0
    found = found[None] if found.ndim == 2 else found
    if found.shape[1:] != y.shape or not len(y) or not len(found):
        raise ValueError(f"predictions of shape {found.shape}, labels of shape {y.shape}")
    n, rng = len(y), numbers(seed, "paired bootstrap")
    parts = [_figures(found, y, np.ones((1, n), dtype=np.float32))]
    for start in range(0, resamples, _AT_ONCE):
        draws = min(_AT_ONCE, resamples - start)
        drawn = rng.integers(n, size=(draws, n)) + n * np.arange(draws)[:, None]
        counts = np.bincount(drawn.ravel(), minlength=draws * n).reshape(draws, n)
        parts.append(_figures(found, y, counts.astype(np.float32)))
    return np.concatenate(parts)


def paired(first: NDArray, second: NDArray, *, documents: int) -> dict[str, Difference]:
    """Two models' ``resampled`` figures of one seed as differences; a difference for each of AGGREGATES.

    Interval by ``core.evaluate.intervals``; p is twice the share of draws, moved as they are for it, on the other side
    of zero, counted with the sample itself, so never below 2/(resamples + 1).
    Shapes: (1 + resamples, aggregates) each. Raises ValueError: unlike shapes.
    """
    if first.shape != second.shape:
        raise ValueError(f"figures of shapes {first.shape} and {second.shape}")
    seen, drawn = first[0] - second[0], (first - second)[1:]
    out = {}
    for column, name in enumerate(AGGREGATES):
        if not len(drawn):
            out[name] = Difference(float(seen[column]), float("nan"), float("nan"), float("nan"), documents)
            continue
        low, high = around(seen[column], drawn[:, column], lowest=-1, highest=1)
        about = moved(seen[column], drawn[:, column])
        other_side = min((about <= 0).sum(), (about >= 0).sum())
        p = min(1.0, 2 * (int(other_side) + 1) / (len(drawn) + 1))
        out[name] = Difference(float(seen[column]), float(low), float(high), p, documents)
    return out


def _figures(found: NDArray[np.bool_], y: NDArray[np.bool_], counts: NDArray[np.float32]) -> NDArray[np.float64]:
    """As ``core.evaluate.metrics.aggregate`` has them, in the order of AGGREGATES. Shapes: counts (R, N) → (R, 4)."""
    held = counts @ y.astype(np.float32)  # whole numbers below 2**24: exact in single precision
    return np.mean([_of_one(predicted, y, counts, held) for predicted in found], axis=0)


def _of_one(predicted: NDArray, y: NDArray, counts: NDArray[np.float32], held: NDArray) -> NDArray[np.float64]:
    hits = (counts @ (predicted & y).astype(np.float32)).astype(np.float64)  # (R, K)
    both = (counts @ predicted.astype(np.float32)).astype(np.float64) + held
    f1 = _divide(2 * hits, both)
    figures = {
        "macro": f1.mean(axis=1),
        "micro": _divide(2 * hits.sum(axis=1), both.sum(axis=1)),
        "weighted": _divide((f1 * held).sum(axis=1), held.sum(axis=1)),
        "subset": counts @ (predicted == y).all(axis=1).astype(np.float32) / counts.sum(axis=1),
    }
    return np.stack([np.asarray(figures[name], dtype=np.float64) for name in AGGREGATES], axis=1)


def _divide(top: NDArray, bottom: NDArray) -> NDArray[np.float64]:
    return np.divide(top, bottom, out=np.zeros(np.shape(top)), where=np.asarray(bottom) > 0)
