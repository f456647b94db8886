"""TextCNN's convolutions as look-ups: a token's share in every filter is computed once for a pool, not at each place.

A convolution over word vectors is a sum over taps of (E·W_j)[token], so a table of E·W for the vocabulary leaves a
gather, an addition and a maximum for each position. The same numbers as the module's, added in another order.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from core.models.engine import Rows
from core.models.textcnn import WINDOWS, TextCNN
from core.models.textcnn_att import TextCNNAtt
from core.text.vocab import PAD

gather_all: Callable[..., None] | None
gather_max: Callable[..., None] | None
try:
    from core.models.table_kernel import gather_all, gather_max
except ImportError:  # no numba: the same through torch
    gather_all = gather_max = None

TABLE_BYTES = 256 * 2**20  # of rows kept; the vocabulary's order is that of frequency, so these are the common tokens
RARE_BYTES = 32 * 2**20  # of rows made for one batch and forgotten
_TAPS = sum(WINDOWS)
_REACH = max(WINDOWS) - 1


class Buffers(threading.local):
    """Memory that a thread uses again and again: large pieces given back and taken anew leave holes between them."""

    def __init__(self) -> None:
        self._space = torch.empty(0)

    def take(self, *shape: int) -> Tensor:
        """On the CPU, with arbitrary values; the one before is no longer its owner's."""
        if math.prod(shape) > len(self._space):
            self._space = torch.empty(math.prod(shape))
        return self._space[: math.prod(shape)].view(shape)


class ConvolutionTable:
    """Everything of a TextCNN up to its pooling, for many documents at a time; safe for threads.

    ``compiled`` is refused where it cannot be: without numba, and away from the CPU.
    """

    def __init__(
        self,
        model: TextCNN | TextCNNAtt,
        *,
        compiled: bool = True,
        table_bytes: int = TABLE_BYTES,
        rare_bytes: int = RARE_BYTES,
    ) -> None:
        self.vectors = model.vectors.detach()
        self.device = self.vectors.device
        self.chunks = model.chunks if isinstance(model, TextCNN) else 0
        own = {name: value.detach() for name, value in model.convolutions.named_parameters()}
        kernels = [own[f"{w}.weight"].permute(2, 0, 1) for w in range(len(WINDOWS))]  # (F, D, k) → (k, F, D)
        self.kernels = torch.cat(kernels).flatten(0, 1).t().contiguous()  # (D, 14·F)
        self.bias = torch.stack([own[f"{w}.bias"] for w in range(len(WINDOWS))])  # (3, F)
        self.filters = self.bias.shape[1]
        row_bytes = 4 * self.kernels.shape[1]
        self.hot = self._rows(self.vectors[: max(PAD + 1, table_bytes // row_bytes)])
        self.hot[PAD] = 0  # what lies past a document's end is zero, whatever the vectors say of padding
        self.most_rare = max(2048, rare_bytes // row_bytes)  # a single document has no more tokens than that
        self._buffers = Buffers()
        self.compiled = compiled and gather_max is not None and self.device.type == "cpu"

    def features(self, rows: Rows) -> Tensor:
        """As ``TextCNN.features`` before its bottleneck; a thread's next call may write over it.

        Shapes: → (B, 3·p·F).
        """
        flat, starts, lengths = _flat(rows)
        rare = np.unique(flat[flat >= len(self.hot)])
        if len(rare) > self.most_rare and len(rows) > 1:
            half = len(rows) // 2
            return torch.cat([self.features(rows[:half]).clone(), self.features(rows[half:])])
        made = self._made(rare, flat)
        pooled = self._compiled if self.compiled else self._by_torch
        return pooled(made, flat, starts, lengths).flatten(1)

    def states(self, rows: Rows) -> tuple[Tensor, Tensor]:
        """ReLU(convolution + bias) at each position, and which positions are real: others hold anything finite.

        A thread's next call may write over it. Shapes: → (B, T, 3·F), (B, T) with T at least 1.
        """
        flat, starts, lengths = _flat(rows)
        made = self._made(np.unique(flat[flat >= len(self.hot)]), flat)
        real = torch.from_numpy(np.arange(max([1, *lengths])) < lengths[:, None]).to(self.device)
        if self.compiled:
            assert gather_all is not None
            out = self._buffers.take(*real.shape, len(WINDOWS), self.filters)
            gather_all(self.hot.numpy(), made.numpy(), flat, starts, lengths, self.bias.numpy(), out.numpy())
            return out.flatten(2).masked_fill_(~real.unsqueeze(2), 0.0), real
        out = torch.zeros(*real.shape, len(WINDOWS) * self.filters, device=self.device)
        out[real] = torch.cat(self._sums(made, flat, starts, lengths), dim=1)
        return out.relu_(), real

    def _made(self, rare: NDArray[np.int64], flat: NDArray[np.int64]) -> Tensor:
        """Rows of the tokens that are not kept; ``flat`` then names them by their place behind those that are."""
        if len(rare):
            late = flat >= len(self.hot)
            flat[late] = len(self.hot) + np.searchsorted(rare, flat[late])
        return self._rows(self.vectors[torch.from_numpy(rare).to(self.device)])

    def _rows(self, vectors: Tensor) -> Tensor:
        """Shapes: (R, D) → (R, 14, F)."""
        return torch.mm(vectors, self.kernels).view(-1, _TAPS, self.filters)

    def _compiled(self, rare: Tensor, flat: NDArray, starts: NDArray, lengths: NDArray) -> Tensor:
        assert gather_max is not None
        out = self._buffers.take(len(starts), len(WINDOWS), self.chunks, self.filters)
        gather_max(self.hot.numpy(), rare.numpy(), flat, starts, lengths, self.bias.numpy(), out.numpy())
        return out

    def _by_torch(self, rare: Tensor, flat: NDArray, starts: NDArray, lengths: NDArray) -> Tensor:
        sizes = torch.from_numpy(_chunk_sizes(lengths, self.chunks)).to(self.device)
        best = [  # of no position: -∞, so 0 after the ReLU
            torch.segment_reduce(seen, "max", lengths=sizes, axis=0).relu().view(len(starts), self.chunks, -1)
            for seen in self._sums(rare, flat, starts, lengths)
        ]
        return torch.stack(best, dim=1)  # (B, 3, p, F)

    def _sums(self, rare: Tensor, flat: NDArray, starts: NDArray, lengths: NDArray) -> list[Tensor]:
        """Convolution + bias at every real position, in order, for each window. Shapes: each (P, F)."""
        table = self.hot if not len(rare) else torch.cat([self.hot, rare])
        table = table.view(-1, self.filters)  # (R·14, F)
        tokens = torch.from_numpy(flat).to(self.device)
        places = torch.from_numpy(_places(starts, lengths)).to(self.device)
        out, first = [], 0
        for w, k in enumerate(WINDOWS):
            taps = torch.arange(k, device=self.device)
            bags = tokens[places[:, None] + taps] * _TAPS + (first + taps)
            out.append(F.embedding_bag(bags, table, mode="sum") + self.bias[w])
            first += k
        return out


def _flat(rows: Sequence[NDArray[np.int64]]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Documents one after another with padding between, that no window may see two; first positions and lengths."""
    gap = np.full(_REACH, PAD, dtype=np.int64)
    flat = np.concatenate([part for row in rows for part in (row, gap)] or [gap])
    lengths = np.fromiter(map(len, rows), dtype=np.int64, count=len(rows))
    return flat, np.cumsum(lengths + _REACH) - lengths - _REACH, lengths


def _chunk_sizes(lengths: NDArray[np.int64], chunks: int) -> NDArray[np.int64]:
    """How many positions each chunk has: chunk c holds ⌈c·n/p⌉ ≤ t < ⌈(c+1)·n/p⌉. Shapes: (B,) → (B·p,)."""
    return np.diff(-(-np.arange(chunks + 1) * lengths[:, None] // chunks), axis=1).ravel()


def _places(starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Every real position, in order."""
    skipped = starts - (np.cumsum(lengths) - lengths)
    return np.arange(lengths.sum()) + np.repeat(skipped, lengths)
