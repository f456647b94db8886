"""Documents of unequal length as batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from core.text.vocab import PAD


def padded(rows: Sequence[NDArray[np.int64]], width: int | None = None) -> NDArray[np.int64]:
    """Rows filled with PAD on the right. Shapes: → (B, T), T at least 1."""
    width = max([1, *map(len, rows)]) if width is None else width
    out = np.full((len(rows), width), PAD, dtype=np.int64)
    for n, row in enumerate(rows):
        out[n, : min(len(row), width)] = row[:width]
    return out


def shuffled(n: int, size: int, rng: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    """Every position once, in random batches."""
    order = rng.permutation(n)
    for start in range(0, n, size):
        yield order[start : start + size]


def by_length(rows: Sequence[NDArray[np.int64]], size: int) -> Iterator[NDArray[np.int64]]:
    """Every position once, rows of like length together (the shortest first)."""
    order = np.argsort([len(row) for row in rows], kind="stable")
    for start in range(0, len(rows), size):
        yield order[start : start + size]
