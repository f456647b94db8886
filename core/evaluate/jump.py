"""How far a rate jumps where something changes at a threshold: a regression discontinuity on binned counts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.evaluate.proportion import Z95

LEAST = 30  # observations on each side
LEAST_BINS = 3


@dataclass(frozen=True)
class Jump:
    """By how much the rate is higher just above the threshold than just below, with its 95 % interval.

    ``below`` and ``above`` are the two rates there; ``n`` counts observations within the window.
    """

    value: float
    low: float
    high: float
    below: float
    above: float
    n: int


def jump(x: ArrayLike, n: ArrayLike, k: ArrayLike) -> Jump | None:
    """A straight line on each side of 0, and how far apart they are there; None below LEAST observations on a side.

    ``x``: middles of bins, none at 0; ``n``: observations in each; ``k``: those of them where it happened. Each
    observation weighs alike; the variance is a binomial one about the line. Shapes: (B,) each. Raises ValueError:
    unlike shapes. Source: imbens2008, local linear regression with a uniform kernel.
    """
    at, many, hits = (np.asarray(each, dtype=np.float64) for each in (x, n, k))
    if not at.shape == many.shape == hits.shape or at.ndim != 1:
        raise ValueError(f"bins of shapes {at.shape}, {many.shape}, {hits.shape}")
    left, right = (_at_zero(at[side], many[side], hits[side]) for side in (at < 0, at > 0))
    if left is None or right is None:
        return None
    value, half = right[0] - left[0], Z95 * float(np.sqrt(left[1] + right[1]))
    low, high = max(-1.0, value - half), min(1.0, value + half)
    return Jump(float(np.clip(value, -1, 1)), low, high, left[0], right[0], int(many.sum()))


def _at_zero(x: NDArray, n: NDArray, k: NDArray) -> tuple[float, float] | None:
    """The line's value at 0 and its variance."""
    used = n > 0
    x, n, k = x[used], n[used], k[used]
    if n.sum() < LEAST or len(x) < LEAST_BINS:
        return None
    design = np.stack([np.ones_like(x), x], axis=1)
    bread = np.linalg.inv(design.T @ (n[:, None] * design))
    line = bread @ (design.T @ k)
    # A rate of nought or one is one that few could tell from half an observation.
    rate = np.clip(design @ line, 0.5 / n.sum(), 1 - 0.5 / n.sum())
    filling = design.T @ ((n * rate * (1 - rate))[:, None] * design)
    return float(np.clip(line[0], 0, 1)), float((bread @ filling @ bread)[0, 0])
