"""Which labels come together: counts, shares and lift; and which a model puts in each other's place."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

FEW_EXPECTED = 5.0  # texts; below, a ratio to what is expected says more of chance than of labels
MOST_CONFUSED = 1000  # pairs that are named
PAIRS = 20_000_000  # of a missed and a falsely named label on one text, beyond which a whole table is less


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
class Held:
    """Which of K labels texts have, alike texts counted as one row: what any few labels' table is made from.

    A table of all pairs grows with the square of the labels; this with the labels that texts have.
    Shapes: rows, labels (Z,), a row and a label that it has; times (S,) texts of each row.
    """

    rows: NDArray[np.int64]
    labels: NDArray[np.int64]
    times: NDArray[np.int64]
    k: int

    @property
    def n(self) -> int:
        """Texts."""
        return int(self.times.sum())

    @property
    def support(self) -> NDArray[np.int64]:
        """Texts with each label. Shapes: → (K,)."""
        return np.bincount(self.labels, weights=self.times[self.rows], minlength=self.k).astype(np.int64)

    def of(self, at: ArrayLike | None = None) -> Together:
        """The table of these labels, by position and in that order, or of all."""
        chosen = np.arange(self.k) if at is None else np.asarray(at, dtype=np.int64)
        place = np.full(self.k, -1)
        place[chosen] = np.arange(len(chosen))
        of = place[self.labels] >= 0
        table = np.zeros((len(self.times), len(chosen)))
        table[self.rows[of], place[self.labels[of]]] = 1
        counts = (table * self.times[:, None]).T @ table  # whole numbers, far below 2⁵³
        return Together(np.rint(counts).astype(np.int64), self.n)


@dataclass(frozen=True)
class Confusion:
    """On ``texts`` texts the model missed label ``missed`` and named ``named`` instead, which they do not have."""

    missed: int
    named: int
    texts: int
    expected: float  # if mistakes of the one label came regardless of those of the other


def together(labels: ArrayLike) -> Together:
    """Of a set of texts. Shapes: labels (N, K) of 0 and 1. Raises ValueError: not two axes."""
    return held(labels).of()


def held(labels: ArrayLike) -> Held:
    """Of a set of texts. Shapes: labels (N, K) of 0 and 1. Raises ValueError: not two axes."""
    found = _matrix(labels)
    rows, at = np.nonzero(found)
    return Held(rows, at, np.ones(len(found), dtype=np.int64), found.shape[1])


def confusions(truth: ArrayLike, predicted: ArrayLike) -> list[Confusion]:
    """Pairs of labels of which one is missed where the other is wrongly named, more often than by chance.

    First those with the most texts beyond what is expected, then in the order of the labels; at most MOST_CONFUSED.
    Shapes: (N, K) each. Raises ValueError: unlike shapes.
    """
    y, named = _matrix(truth), _matrix(predicted)
    if y.shape != named.shape:
        raise ValueError(f"labels of shape {y.shape}, answers of shape {named.shape}")
    missed, false = y & ~named, named & ~y
    i, j, texts = _paired(missed, false)
    expected = missed.sum(axis=0)[i] * false.sum(axis=0)[j] / max(len(y), 1)
    excess = texts - expected
    order = np.lexsort((j, i, -excess))
    chosen = order[excess[order] > 0][:MOST_CONFUSED]
    columns = (each[chosen].tolist() for each in (i, j, texts, expected))
    return [Confusion(a, b, n, by_chance) for a, b, n, by_chance in zip(*columns, strict=True)]


def _paired(missed: NDArray[np.bool_], false: NDArray[np.bool_]) -> tuple[NDArray[np.int64], ...]:
    """Labels of which one is in the one set and one in the other, and on how many texts: (i, j, texts)."""
    in_missed, in_false = missed.sum(axis=1), false.sum(axis=1)
    if int(in_missed @ in_false) > PAIRS:
        table = missed.T.astype(np.float32) @ false.astype(np.float32)
        i, j = np.nonzero(table)
        return i, j, np.rint(table[i, j]).astype(np.int64)
    text, i = np.nonzero(missed)
    times, starts = in_false[text], np.cumsum(in_false) - in_false
    within = np.arange(times.sum()) - np.repeat(np.cumsum(times) - times, times)
    j = np.nonzero(false)[1][np.repeat(starts[text], times) + within]
    pairs, texts = np.unique(np.repeat(i, times) * missed.shape[1] + j, return_counts=True)
    return pairs // missed.shape[1], pairs % missed.shape[1], texts


def _matrix(labels: ArrayLike) -> NDArray[np.bool_]:
    found = np.asarray(labels) > 0
    if found.ndim != 2:
        raise ValueError(f"labels of shape {found.shape}")
    return found


def _off_diagonal(found: NDArray[np.float64]) -> NDArray[np.float64]:
    found[np.diag_indices(len(found))] = np.nan
    return found
