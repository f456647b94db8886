"""A share with what is known of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Z95 = 1.959963984540054  # standard normal, two-sided 95 %


@dataclass(frozen=True)
class Share:
    """k of n, and the 95 % interval of the proportion behind it."""

    k: int
    n: int
    low: float
    high: float

    @property
    def value(self) -> float:
        return self.k / self.n


def share(k: int, n: int) -> Share:
    """k of n with Wilson's interval, which stays within 0 … 1 and serves small n. Source: wilson1927.

    Raises ValueError: more than all, or of nothing.
    """
    if not 0 <= k <= n or n == 0:
        raise ValueError(f"{k} of {n} is no share")
    low, high = wilson(k, n)
    return Share(k, n, float(low), float(high))


def wilson(k: ArrayLike, n: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Wilson's bounds of many shares at once; 0 and 1 of nothing. Shapes: alike → two of the same."""
    hits, of = np.asarray(k, dtype=np.float64), np.asarray(n, dtype=np.float64)
    some, z2 = np.maximum(of, 1), Z95 * Z95
    p = hits / some
    middle = (p + z2 / (2 * some)) / (1 + z2 / some)
    half = Z95 * np.sqrt(p * (1 - p) / some + z2 / (4 * some * some)) / (1 + z2 / some)
    low, high = np.maximum(0.0, middle - half), np.minimum(1.0, middle + half)
    return np.where((of > 0) & (hits > 0), low, 0.0), np.where((of > 0) & (hits < of), high, 1.0)
