"""How many of each label's texts resamples have: at what is marked, where texts by labels are nearly all empty."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_DENSE = 30  # one mark in so many cells, from which on a matrix product is faster


@dataclass(frozen=True)
class Marks:
    """Which texts have which labels, by label. Shapes: labels, texts (marks,)."""

    labels: NDArray[np.int64]
    texts: NDArray[np.int64]
    n_labels: int
    dense: NDArray[np.float32] | None  # (N, K), where it is faster

    def sums(self, draws: NDArray) -> NDArray[np.float64]:
        """Whole numbers below 2**24. Shapes: draws (R, N), how often each has each text → (R, K)."""
        if self.dense is not None:
            return np.asarray(draws.astype(np.float32) @ self.dense, dtype=np.float64)
        found = np.zeros((self.n_labels, len(draws)))
        if len(self.labels):
            starts = np.flatnonzero(np.diff(self.labels, prepend=-1))
            of_text = np.ascontiguousarray(draws.T)
            found[self.labels[starts]] = np.add.reduceat(of_text[self.texts], starts, axis=0)
        return found.T


def marks(part: NDArray[np.bool_]) -> Marks:
    """Shapes: (N, K)."""
    labels, texts = np.nonzero(part.T)
    dense = part.astype(np.float32) if len(labels) * _DENSE > part.size else None
    return Marks(labels, texts, part.shape[1], dense)
