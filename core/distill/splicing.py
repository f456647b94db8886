"""New texts from old: two halves of two training texts, for teachers to answer and the student to learn from.

Nobody has labelled them, so only a student can use them. They show it what its teachers know of combinations that the
few labelled texts do not hold (tang2019distilling samples n-grams to the same end).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.seeds import numbers

_CLAUSES = re.compile(r"(?<=[。!?;,，！？；、\n])|(?<=\. )")


def splice(texts: Sequence[str], n: int, seed: int) -> list[str]:
    """n texts, each about half of one of ``texts`` and half of another, cut between clauses."""
    if not texts:
        return []
    rng = numbers(seed, "splicing")
    return _joined(texts, rng.integers(len(texts), size=(n, 2)), rng)


def splice_within(
    texts: Sequence[str], folds: NDArray[np.int64], n: int, seed: int
) -> tuple[list[str], NDArray[np.int64]]:
    """Like ``splice``, but both halves are of one fold, whose number is told: its own teacher has seen neither.

    Shapes: folds (N,) of ``texts`` → (n,).
    """
    if not len(texts):
        return [], np.zeros(0, dtype=np.int64)
    rng = numbers(seed, "splicing")
    first = rng.integers(len(texts), size=n)
    order = np.argsort(folds, kind="stable")  # the texts fold by fold
    starts, sizes = np.searchsorted(folds[order], folds[first]), np.bincount(folds)[folds[first]]
    second = order[starts + rng.integers(sizes)]
    return _joined(texts, np.stack([first, second], axis=1), rng), folds[first]


def _joined(texts: Sequence[str], pairs: NDArray[np.int64], rng: np.random.Generator) -> list[str]:
    clauses = [[part for part in _CLAUSES.split(text) if part] or [text] for text in texts]
    return ["".join(_half(clauses[a], rng) + _half(clauses[b], rng)) for a, b in pairs]


def _half(clauses: list[str], rng: np.random.Generator) -> list[str]:
    size = max(1, len(clauses) // 2 + int(rng.integers(-1, 2)))
    first = int(rng.integers(0, max(1, len(clauses) - size + 1)))
    return clauses[first : first + size]
