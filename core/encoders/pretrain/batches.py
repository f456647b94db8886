"""Pieces of texts, in batches of like length; and which of their tokens are hidden. All by seed and step alone.

So a pretraining that was cut off goes on with the very batches that it would have had.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.encoders.reading import batch_of
from core.seeds import numbers

Rows = Sequence[NDArray[np.int64]]

_TOGETHER = 50  # batches' worth of pieces sorted by length together: near enough to chance, little padding
_MASKED, _RANDOM = 0.8, 0.1  # of the hidden tokens: shown as the mask, shown as another token; the rest as they are


def pieces(rows: Rows, first: int, last: int, max_tokens: int) -> list[NDArray[np.int64]]:
    """Texts without their marks, cut into stretches with marks around each. Shapes: rows (T,) → (≤ max_tokens,)."""
    inside = max_tokens - 2
    out = []
    for row in rows:
        for start in range(0, len(row), inside):
            part = row[start : start + inside]
            if len(part) > 1 or start == 0:
                out.append(np.concatenate([[first], part, [last]]).astype(np.int64))
    return out


def batches(lengths: NDArray[np.int64], tokens: int, seed: int, epoch: int) -> list[NDArray[np.int64]]:
    """Every piece once in chance order, each batch of at most so many tokens with its padding (or one piece)."""
    rng = numbers(seed, "batches", epoch)
    order = rng.permutation(len(lengths))
    stretch = max(1, int(_TOGETHER * tokens / max(1.0, float(lengths.mean()))))
    out: list[NDArray[np.int64]] = []
    for start in range(0, len(order), stretch):
        part = order[start : start + stretch]
        part = part[np.argsort(lengths[part], kind="stable")]
        held: list[int] = []
        for n in part.tolist():  # sorted: the next is the longest so far
            if held and (len(held) + 1) * lengths[n] > tokens:
                out.append(np.array(held))
                held = []
            held.append(n)
        out.append(np.array(held))
    return [out[int(n)] for n in rng.permutation(len(out))]


@dataclass(frozen=True)
class Marks:
    """Token ids with a meaning of their own."""

    pad: int
    mask: int
    special: frozenset[int]
    vocabulary: int


class Hidden(NamedTuple):
    """A batch with some tokens hidden. Shapes: tokens, mask (B, T); where (B, T) bool; what (n,) of the hidden."""

    tokens: Tensor
    mask: Tensor
    where: Tensor
    what: Tensor

    def to(self, device: torch.device) -> Hidden:
        return Hidden(*(part.to(device) for part in self))


def hide(rows: Rows, marks: Marks, share: float, rng: np.random.Generator) -> Hidden:
    """Hide a share of the tokens that are no marks, one at least: 80 % behind the mask, 10 % behind another token.

    Source: BERT's masked language model.
    """
    tokens, mask = batch_of(rows, marks.pad)
    ids = tokens.numpy()
    usable = mask.numpy() & ~np.isin(ids, sorted(marks.special))
    chosen = usable & (rng.random(ids.shape) < share)
    if not chosen.any() and usable.any():
        chosen.reshape(-1)[rng.choice(np.flatnonzero(usable))] = True
    dice = rng.random(ids.shape)
    shown = np.where(chosen & (dice < _MASKED), marks.mask, ids)
    another = rng.integers(0, marks.vocabulary, ids.shape)
    shown = np.where(chosen & (dice >= _MASKED) & (dice < _MASKED + _RANDOM), another, shown)
    where = torch.from_numpy(chosen)
    return Hidden(torch.from_numpy(shown), mask, where, tokens[where])
