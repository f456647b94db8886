"""A batch of documents as indices, made once and shared by every model of a stack."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.models.textcnn import WINDOWS
from core.text.vocab import PAD

_TOGETHER = 16  # stretches pooled in one call; more of unlike length would only repeat positions


@dataclass(frozen=True)
class Plain:
    """Stretches as torch reads them: groups of like length, each filled up to its longest.

    That is by repeating a stretch's first position, which leaves its maximum as it is.
    """

    windows: Tensor  # (R, 8): for each position, its token and the seven that follow, as rows of ``embedded``
    bags: dict[int, Tensor]  # window → (R, window): rows of a (U·window, F) table, one for each tap
    groups: tuple[tuple[int, int, int], ...]  # (first position, segments, length of each)
    segments: Tensor  # (S,): document · p + chunk of each segment


@dataclass(frozen=True)
class Packed:
    """Documents one after another, and in them stretches ("segments") of window positions, the longest first."""

    vectors: Tensor  # (V, D), of all tokens
    distinct: NDArray[np.int64]  # (U,): the batch's distinct tokens, padding among them
    tokens: NDArray[np.int64]  # (T,): which of the distinct tokens; padding lies between documents
    spans: NDArray[np.int64]  # (S, 3): first position, size and document · p + chunk of each segment, none empty
    n_documents: int

    @cached_property
    def embedded(self) -> Tensor:
        """Vectors of the distinct tokens. Shapes: → (U, D)."""
        return self.vectors[torch.from_numpy(self.distinct).to(self.vectors.device)]

    @cached_property
    def plain(self) -> Plain:
        positions, groups = _positions(self.spans[:, 0], self.spans[:, 1])
        device = self.vectors.device
        windows = torch.from_numpy(self.tokens[positions[:, None] + np.arange(max(WINDOWS))]).to(device)  # (R, 8)
        bags = {k: windows[:, :k] * k + torch.arange(k, device=device) for k in WINDOWS}
        return Plain(windows, bags, groups, torch.from_numpy(self.spans[:, 2].copy()).to(device))

    def filled(self, multiple: int) -> Tensor:
        """``embedded`` with zeros up to whole registers. Shapes: → (U, ≥ D)."""
        width = self.vectors.shape[1]
        out = self.vectors.new_empty(len(self.distinct), -(-width // multiple) * multiple)
        out[:, :width] = self.embedded
        out[:, width:] = 0
        return out


def pack(rows: Sequence[NDArray[np.int64]], vectors: Tensor, chunks: int) -> Packed:
    """Shapes: rows of token positions without padding; vectors (V, D)."""
    reach = max(WINDOWS) - 1
    lengths = np.array([len(row) for row in rows], dtype=np.int64)
    gap = np.full(reach, PAD, dtype=np.int64)  # between documents, so that no window sees two
    flat = np.concatenate([part for row in rows for part in (row, gap)] or [gap])
    seen = np.zeros(len(vectors), dtype=bool)
    seen[flat] = True
    starts = np.cumsum(lengths + reach) - lengths - reach
    segment, first, size = _segments(starts, lengths, chunks)
    return Packed(
        vectors=vectors,
        distinct=np.flatnonzero(seen),
        tokens=(np.cumsum(seen) - 1)[flat],
        spans=np.stack([first, size, segment], axis=1),
        n_documents=len(rows),
    )


def _segments(starts: NDArray, lengths: NDArray, chunks: int) -> tuple[NDArray, NDArray, NDArray]:
    """Number, first position and size of each non-empty chunk, the longest first.

    Chunk c holds the positions t with ⌊t·p/n⌋ = c, that is ⌈c·n/p⌉ ≤ t < ⌈(c+1)·n/p⌉.
    """
    edges = -(-np.arange(chunks + 1) * lengths[:, None] // chunks)  # (B, p+1)
    first = (starts[:, None] + edges[:, :-1]).ravel()
    size = np.diff(edges, axis=1).ravel()
    order = np.argsort(-size, kind="stable")
    order = order[size[order] > 0]
    return order, first[order], size[order]


def _positions(first: NDArray, size: NDArray) -> tuple[NDArray, tuple[tuple[int, int, int], ...]]:
    parts, groups, done = [np.empty(0, dtype=np.int64)], [], 0
    for start in range(0, len(first), _TOGETHER):
        heads, sizes = first[start : start + _TOGETHER], size[start : start + _TOGETHER]
        longest = int(sizes[0])
        steps = np.arange(longest)
        steps = np.where(steps < sizes[:, None], steps, 0)  # (S, L)
        parts.append((heads[:, None] + steps).ravel())
        groups.append((done, len(heads), longest))
        done += len(heads) * longest
    return np.concatenate(parts), tuple(groups)
