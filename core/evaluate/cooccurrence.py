"""Which labels come together: counts, shares and lift; and which a model puts in each other's place."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

FEW_EXPECTED = 5.0  # texts; below, a ratio to what is expected says more of chance than of labels


@dataclass(frozen=True)
class Together:
    """How often two of K labels are on the same of n texts. NaN where a label has no text, and on diagonals."""

    counts: NDArray[np.int64]  # (K, K); on the diagonal, texts with the one label
    n: int

    @property
    def support(self) -> NDArray[np.int64]:
        """Texts with each label. Shapes: → (K,)."""
        return np.diagonal(self.counts)

    @property
    def share(self) -> NDArray[np.float64]:
        """p(column | row): of the texts with the row's label, the part that has the column's too. Shapes: → (K, K)."""
        held = np.broadcast_to(self.support[:, None], self.counts.shape)
        return _off_diagonal(np.divide(self.counts, held, out=np.full(self.counts.shape, np.nan), where=held > 0))

    @property
    def expected(self) -> NDArray[np.float64]:
        """Texts with both labels if neither minded the other. Shapes: → (K, K)."""
        support = self.support.astype(np.float64)
        return np.outer(support, support) / self.n if self.n else np.zeros(self.counts.shape)

    @property
    def lift(self) -> NDArray[np.float64]:
        """How many times more often than expected; 1 is by chance. Shapes: → (K, K)."""
        expected = self.expected
        found = np.divide(self.counts, expected, out=np.full(self.counts.shape, np.nan), where=expected > 0)
        return _off_diagonal(found)

    @property
    def few(self) -> NDArray[np.bool_]:
        """Where so few texts are expected that a lift is not to be relied on. Shapes: → (K, K)."""
        return self.expected < FEW_EXPECTED


@dataclass(frozen=True)
class Confusion:
    """On ``texts`` texts the model missed label ``missed`` and named ``named`` instead, which they do not have."""

    missed: int
    named: int
    texts: int
    expected: float  # if mistakes of the one label came regardless of those of the other


def together(labels: ArrayLike) -> Together:
    """Of a set of texts. Shapes: labels (N, K) of 0 and 1. Raises ValueError: not two axes."""
    found = _matrix(labels)
    return Together(found.T @ found, len(found))


def confusions(truth: ArrayLike, predicted: ArrayLike) -> list[Confusion]:
    """Pairs of labels of which one is missed where the other is wrongly named, more often than by chance.

    First those with the most texts beyond what is expected, then in the order of the labels.
    Shapes: (N, K) each. Raises ValueError: unlike shapes.
    """
    y, named = _matrix(truth), _matrix(predicted)
    if y.shape != named.shape:
        raise ValueError(f"labels of shape {y.shape}, answers of shape {named.shape}")
    if not len(y):
        return []
    missed, false = y * (1 - named), named * (1 - y)
    texts = missed.T @ false
    expected = np.outer(missed.sum(axis=0), false.sum(axis=0)) / len(y)
    excess = texts - expected
    at = [(int(i), int(j)) for i, j in zip(*np.nonzero((texts > 0) & (excess > 0)), strict=True)]
    at.sort(key=lambda pair: (-excess[pair], pair))
    return [Confusion(i, j, int(texts[i, j]), float(expected[i, j])) for i, j in at]


def _matrix(labels: ArrayLike) -> NDArray[np.int64]:
    found = (np.asarray(labels) > 0).astype(np.int64)
    if found.ndim != 2:
        raise ValueError(f"labels of shape {found.shape}")
    return found


def _off_diagonal(found: NDArray[np.float64]) -> NDArray[np.float64]:
    found[np.diag_indices(len(found))] = np.nan
    return found
