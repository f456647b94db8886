"""New texts from old: two halves of two training texts, for teachers to answer and the student to learn from.

Nobody has labelled them, so only a student can use them. They show it what its teachers know of combinations that the
few labelled texts do not hold (tang2019distilling samples n-grams to the same end).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from core.seeds import numbers

_CLAUSES = re.compile(r"(?<=[。!?;,，！？；、\n])|(?<=\. )")


def splice(texts: Sequence[str], n: int, seed: int) -> list[str]:
    """n texts, each about half of one of ``texts`` and half of another, cut between clauses."""
    if not texts:
        return []
    rng = numbers(seed, "splicing")
    clauses = [[part for part in _CLAUSES.split(text) if part] or [text] for text in texts]
    pairs = rng.integers(len(texts), size=(n, 2))
    return ["".join(_half(clauses[a], rng) + _half(clauses[b], rng)) for a, b in pairs]


def _half(clauses: list[str], rng: np.random.Generator) -> list[str]:
    size = max(1, len(clauses) // 2 + int(rng.integers(-1, 2)))
    first = int(rng.integers(0, max(1, len(clauses) - size + 1)))
    return clauses[first : first + size]
