"""From scores to an order, with ties broken by lot."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def best_first(scores: ArrayLike, size: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Positions of the ``size`` highest scores, the highest first, equal ones by lot; fewer if there are fewer.

    One number is drawn for each candidate, whatever the size: a longer batch begins with the shorter one, and a tie
    falls the same way wherever the candidates stand.
    Shapes: scores (P,) → (min(size, P),). Raises ValueError: a NaN, or not one number a candidate.
    """
    values = np.asarray(scores, dtype=np.float64)
    if values.ndim != 1 or np.isnan(values).any():
        raise ValueError(f"scores of shape {values.shape} must be one number a candidate, none of them NaN")
    return ordered(values, size, rng.random(len(values)))


def ordered(values: NDArray[np.float64], size: int, lots: NDArray[np.float64]) -> NDArray[np.int64]:
    """As ``best_first``, with a lot for each candidate given. Shapes: values and lots (P,) → (min(size, P),)."""
    size = max(min(size, len(values)), 0)
    if not size:
        return np.zeros(0, dtype=np.int64)
    cut = np.partition(values, len(values) - size)[len(values) - size]
    near = np.flatnonzero(values >= cut)  # the chosen ones and those tied with the last of them
    return near[np.lexsort((lots[near], -values[near]))][:size]


def added(parts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sums over the labels; addends sorted, so that the order of the labels changes no bit. Shapes: (P, K) → (P,)."""
    return np.ascontiguousarray(np.sort(parts, axis=1)).sum(axis=1)
