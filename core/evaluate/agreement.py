"""How far annotators agree beyond chance, label by label.

Each label is a yes-or-no question, so both measures are nominal with two values. A vote is 1 or 0, or MISSING
where this annotator has not read this text. A label on which nothing can be said has NaN, never a made-up 1
or 0: nobody read a text twice, or all votes are the same (there is then nothing that chance could have
missed).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

MISSING = -1


def cohen_kappa(first: ArrayLike, second: ArrayLike) -> NDArray[np.float64]:
    """Agreement of two annotators on the texts that both have read.

    Shapes: (N, K), (N, K) of 1, 0 or MISSING → (K,). Source: cohen1960.
    """
    a, b = _votes(first, 2), _votes(second, 2)
    if a.shape != b.shape:
        raise ValueError(f"votes of shapes {a.shape} and {b.shape}")
    both = (a != MISSING) & (b != MISSING)
    n = both.sum(axis=0).astype(np.float64)
    agreed = (both & (a == b)).sum(axis=0)
    yes_a, yes_b = (both & (a == 1)).sum(axis=0), (both & (b == 1)).sum(axis=0)
    by_chance = yes_a * yes_b + (n - yes_a) * (n - yes_b)  # times n²
    return _divide(n * agreed - by_chance, n * n - by_chance)


def krippendorff_alpha(votes: ArrayLike) -> NDArray[np.float64]:
    """Agreement of any number of annotators, each of whom may have read only some of the texts.

    Shapes: (A, N, K) of 1, 0 or MISSING → (K,). Source: krippendorff2011, nominal metric, binary values.
    """
    v = _votes(votes, 3)
    ones, zeros = (v == 1).sum(axis=0), (v == 0).sum(axis=0)  # each (N, K)
    readers = ones + zeros
    paired = readers >= 2  # a text with one vote says nothing about agreement
    # Each text's ordered pairs of unlike votes, weighted so that a text counts as many votes as it has.
    unlike = np.where(paired, ones * zeros / np.maximum(readers - 1, 1), 0).sum(axis=0)
    n1, n0 = np.where(paired, ones, 0).sum(axis=0), np.where(paired, zeros, 0).sum(axis=0)
    return 1 - _divide((n0 + n1 - 1) * unlike, (n0 * n1).astype(np.float64))


def _divide(above: NDArray, below: NDArray) -> NDArray[np.float64]:
    return np.divide(above, below, out=np.full(below.shape, np.nan), where=below != 0)


def _votes(values: ArrayLike, axes: int) -> NDArray[np.int64]:
    """Raises ValueError: another number of axes, or something that is no vote."""
    votes = np.asarray(values)
    if votes.ndim != axes:
        raise ValueError(f"votes with {axes} axes are needed, not {votes.shape}")
    if not np.isin(votes, (0, 1, MISSING)).all():
        raise ValueError(f"a vote is 1, 0 or {MISSING}")
    return votes.astype(np.int64)
