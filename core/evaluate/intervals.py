"""Intervals that hold their figures: each one of an F1, of a mean of F1, or of a difference of two is made here.

Two things made percentiles of resampled texts unfit for rare labels. A label that has two positives has none in every
seventh resample, where its F1 counts as 0; over many such labels this pulls all resamples of the mean below the mean
itself, so the interval can lie beside its figure. And a label without a hit has none in any resample: [0, 0], as if
that were known. So a label's own interval is computed from its counts, and resampled means are moved to their figure.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.evaluate.proportion import wilson

Bounds = tuple[NDArray[np.float64], NDArray[np.float64]]


def of_f1(hits: ArrayLike, both: ArrayLike) -> Bounds:
    """An F1 by its counts; ``both``: named and held, summed. Shapes: alike → two of the same.

    Of the texts that were named or are positive, m, the hits are a share J, and F1 = 2J / (1 + J) rises with J: so
    Wilson's interval of J is one of F1. It holds the figure and stays within 0 … 1. [0, 1] where m is 0.
    Source: lam2023 (the Wilson indirect method); wilson1927.
    """
    found, together = np.asarray(hits, dtype=np.float64), np.asarray(both, dtype=np.float64)
    low, high = wilson(found, together - found)
    return 2 * low / (1 + low), 2 * high / (1 + high)


def moved(value: ArrayLike, drawn: NDArray) -> NDArray[np.float64]:
    """Resampled figures about the figure itself: their mean's distance to it, an estimate of bias, taken away.

    Only where it is more than three standard errors of so many draws: else draws that are exactly 0 would come to lie
    on a side by chance. Shapes: value (…), drawn (R, …) → (R, …). Source: efron1993, chapter 10.
    """
    off = np.asarray(value, dtype=np.float64) - drawn.mean(axis=0)
    noise = drawn.std(axis=0) / np.sqrt(len(drawn))
    return np.asarray(drawn + np.where(np.abs(off) > 3 * noise, off, 0.0), dtype=np.float64)


def around(
    value: ArrayLike, drawn: NDArray, *, level: float = 95, lowest: float = -np.inf, highest: float = np.inf
) -> Bounds:
    """The percentiles of figures drawn anew, moved to their figure, and never beside it.

    Shapes: value (…), drawn (R, …) → (…) twice. Units: ``level`` in percent. Source: efron1993, chapter 13.
    """
    return holding(value, moved(value, drawn), level=level, lowest=lowest, highest=highest)


def holding(
    value: ArrayLike, drawn: NDArray, *, level: float = 95, lowest: float = -np.inf, highest: float = np.inf
) -> Bounds:
    """The percentiles of figures drawn anew as they are, but never beside their figure. Shapes: as ``around``."""
    figure, tail = np.asarray(value, dtype=np.float64), (100 - level) / 2
    low, high = np.percentile(drawn, [tail, 100 - tail], axis=0)
    low, high = np.minimum(low, figure), np.maximum(high, figure)
    return np.clip(low, lowest, highest), np.clip(high, lowest, highest)


def of_mean(hits: NDArray, both: NDArray, weights: NDArray, drawn: NDArray) -> tuple[float, float]:
    """A weighted mean of labels' F1: as ``around``, and no narrower than the labels' own intervals taken together.

    Resamples know nothing of a label that was never hit; its own interval does. Those are put together as if labels
    were independent, which resamples need not suppose. Shapes: hits, both, weights (K,), drawn (R,).
    Source: zou2008 (distances from a figure to its bounds are squared and added).
    """
    figures = np.divide(2.0 * hits, both, out=np.zeros(np.shape(hits)), where=np.asarray(both) > 0)
    lows, highs = of_f1(hits, both)
    value = float(figures @ weights)
    down, up = (float(np.sqrt(((figures - side) ** 2) @ weights**2)) for side in (lows, highs))
    return widest(value, (value - down, value + up), around(value, drawn))


def widest(value: float, *bounds: tuple[float | NDArray, float | NDArray]) -> tuple[float, float]:
    """The lowest and the highest of bounds, within 0 … 1, with the figure inside."""
    low = min(float(side) for side, _ in bounds)
    high = max(float(side) for _, side in bounds)
    return float(np.clip(min(low, value), 0, 1)), float(np.clip(max(high, value), 0, 1))
