"""Whether one classifier is better than another: two paired tests that ask different questions.

The corrected t asks whether the difference would show again on other training and test texts; the bootstrap, whether
it would show again on other test texts with the very models at hand.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from core.evaluate.metrics import AGGREGATES
from core.seeds import numbers

RESAMPLES = 10_000
_AT_ONCE = 500  # resamples in one matrix product


@dataclass(frozen=True)
class Difference:
    """How much better the first is. ``low`` and ``high`` bound the 95 % interval; ``p`` is two-sided."""

    mean: float
    low: float
    high: float
    p: float
    n: int  # differences, or documents


def corrected_t(first: ArrayLike, second: ArrayLike, *, test_share: float) -> Difference:
    """Paired t of cross-validated scores, its variance raised because training parts overlap.

    t = mean / √((1/J + ρ)·s²) with J - 1 degrees of freedom; ρ = test texts / training texts, ``test_share`` =
    test texts / all texts. Repeated cross-validation gives J = folds × repetitions (bouckaert2004).
    Equal scores everywhere give p = 1; a difference that is the same everywhere p = 0. Shapes: (J,), (J,).
    Raises ValueError: fewer than two pairs, or a share outside 0 … 1.
    Source: nadeau2003.
    """
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if a.shape != b.shape or a.ndim != 1 or len(a) < 2 or not 0 < test_share < 1:
        raise ValueError(f"scores of shapes {a.shape} and {b.shape}, test share {test_share}")
    differences, n = a - b, len(a)
    mean, spread = float(differences.mean()), float(differences.std(ddof=1))
    if spread < 1e-12:  # rounding apart, no spread at all
        return Difference(mean, mean, mean, 1.0 if abs(mean) < 1e-12 else 0.0, n)
    error = spread * np.sqrt(1 / n + test_share / (1 - test_share))
    reach = float(stats.t.ppf(0.975, n - 1) * error)
    p = float(2 * stats.t.sf(abs(mean) / error, n - 1))
    return Difference(mean, mean - reach, mean + reach, p, n)


def paired_bootstrap(
    first: NDArray, second: NDArray, y: NDArray, *, resamples: int = RESAMPLES, seed: int = 0
) -> dict[str, Difference]:
    """Documents drawn anew with replacement, the same ones for both; a figure for each of AGGREGATES.

    Of several repetitions (S) the figures are averaged under each draw. Interval by percentiles; p is twice the share
    of draws on the other side of zero, counted with the sample itself, so never below 2/(resamples + 1).
    Shapes: first, second (S, N, K) or (N, K) of predicted 0 and 1, y (N, K). Raises ValueError: unlike shapes.
    Source: efron1993, chapters 13 (intervals) and 16 (tests).
    """
    y = np.asarray(y) > 0
    a, b = (_repetitions(value, y) for value in (first, second))
    if a.shape != b.shape:
        raise ValueError(f"predictions of shapes {a.shape} and {b.shape}")
    n = len(y)
    rng = numbers(seed, "paired bootstrap")
    parts = [_differences(a, b, y, np.ones((1, n), dtype=np.float32))]
    for start in range(0, resamples, _AT_ONCE):
        draws = rng.multinomial(n, np.full(n, 1 / n), size=min(_AT_ONCE, resamples - start))
        parts.append(_differences(a, b, y, draws.astype(np.float32)))
    seen, drawn = parts[0], np.concatenate(parts[1:]) if resamples else parts[0]
    out = {}
    for column, name in enumerate(AGGREGATES):
        low, high = np.percentile(drawn[:, column], [2.5, 97.5])
        other_side = min((drawn[:, column] <= 0).sum(), (drawn[:, column] >= 0).sum())
        p = min(1.0, 2 * (int(other_side) + 1) / (len(drawn) + 1))
        out[name] = Difference(float(seen[0, column]), float(low), float(high), p, n)
    return out


def _repetitions(value: NDArray, y: NDArray[np.bool_]) -> NDArray[np.bool_]:
    found = np.asarray(value) > 0
    found = found[None] if found.ndim == 2 else found
    if found.shape[1:] != y.shape or not len(y):
        raise ValueError(f"predictions of shape {found.shape}, labels of shape {y.shape}")
    return found


def _differences(a: NDArray, b: NDArray, y: NDArray, counts: NDArray[np.float32]) -> NDArray[np.float64]:
    """Shapes: counts (R, N) → (R, aggregates)."""
    held = counts @ y.astype(np.float32)  # whole numbers below 2**24: exact in single precision
    pairs = zip(a, b, strict=True)
    found = [_figures(one, y, counts, held) - _figures(other, y, counts, held) for one, other in pairs]
    return np.mean(found, axis=0)


def _figures(predicted: NDArray, y: NDArray, counts: NDArray[np.float32], held: NDArray) -> NDArray[np.float64]:
    """In the order of AGGREGATES, as ``core.evaluate.metrics.aggregate`` defines them. Shapes: → (R, 4)."""
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
