"""A batch of documents as indices, made once and shared by every model of a stack."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.models.textcnn import WINDOWS
from core.text.vocab import PAD

_TOGETHER = 16  # stretches pooled in one call; more of unlike length would only repeat positions


@dataclass(frozen=True)
class Packed:
    """Documents as stretches ("segments") of window positions, the longest first.

    Within a group every segment is filled up to the longest by repeating its first position, which leaves its
    maximum as it is.
    """

    embedded: Tensor  # (U, D): the vectors of the batch's distinct tokens, padding among them
    windows: Tensor  # (R, 8): for each position, its token and the seven that follow, as rows of ``embedded``
    bags: dict[int, Tensor]  # window → (R, window): rows of a (U·window, F) table, one for each tap
    groups: tuple[tuple[int, int, int], ...]  # (first position, segments, length of each)
    segments: Tensor  # (S,): document · p + chunk of each segment
    n_documents: int


def pack(rows: Sequence[NDArray[np.int64]], vectors: Tensor, chunks: int) -> Packed:
    """Shapes: rows of token positions without padding; vectors (V, D)."""
    reach = max(WINDOWS) - 1
    lengths = np.array([len(row) for row in rows], dtype=np.int64)
    gap = np.full(reach, PAD, dtype=np.int64)  # between documents, so that no window sees two
    flat = np.concatenate([part for row in rows for part in (row, gap)] or [gap])
    distinct, local = np.unique(np.append(flat, PAD), return_inverse=True)
    starts = np.cumsum(lengths + reach) - lengths - reach
    segment, first, size = _segments(starts, lengths, chunks)
    positions, groups = _positions(first, size)
    device = vectors.device
    windows = torch.from_numpy(local[positions[:, None] + np.arange(reach + 1)]).to(device)  # (R, 8)
    bags = {k: windows[:, :k] * k + torch.arange(k, device=device) for k in WINDOWS}
    return Packed(
        embedded=vectors[torch.from_numpy(distinct).to(device)],
        windows=windows,
        bags=bags,
        groups=groups,
        segments=torch.from_numpy(segment).to(device),
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
