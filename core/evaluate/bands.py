"""Which labels are the head of the long tail, which its middle and which the tail: one definition for all."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Band = Literal["head", "medium", "tail"]
TAIL_SHARE, HEAD_SHARE = 4 / 9, 2 / 9  # of the labels: four, three and two of nine


def bands(counts: ArrayLike) -> tuple[Band, ...]:
    """Each label's band by how many texts have it; of equally rare ones the later is the rarer.

    The tail is the rarest round(4 K / 9), at least one; the head the commonest round(2 K / 9), at least one where there
    are two labels; the rest is medium.

    Shapes: (K,) → K names, in the order of the labels. Raises ValueError: counts that are no counts.
    """
    found = _checked(counts)
    k = len(found)
    n_tail = max(1, round(k * TAIL_SHARE))
    n_head = min(max(1, round(k * HEAD_SHARE)), k - n_tail)
    named: list[Band] = ["medium"] * k
    for place, position in enumerate(np.argsort(-found, kind="stable")):
        if place < n_head:
            named[position] = "head"
        elif place >= k - n_tail:
            named[position] = "tail"
    return tuple(named)


def tail(counts: ArrayLike) -> NDArray[np.int64]:
    """Positions of the tail's labels, ascending. Shapes: (K,) → (tail,). Raises ValueError as ``bands`` does."""
    return np.flatnonzero(np.array(bands(counts)) == "tail")


def _checked(counts: ArrayLike) -> NDArray[np.float64]:
    found = np.asarray(counts, dtype=np.float64)
    if found.ndim != 1 or not np.isfinite(found).all() or (found < 0).any():
        raise ValueError(f"counts of shape {found.shape}, one finite count a label is needed")
    return found
