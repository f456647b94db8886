"""What turns a batch of texts into one row each, for a matcher or a head: grams, embeddings, a text model, an encoder.

Any module with ``width``, ``batch`` and ``forward`` will do.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from core.encoders.load import Encoder
from core.encoders.reading import Batch, batch_of, hidden_of
from core.models.base import TextModel
from core.text.batches import by_length, padded

_BATCH = 64


class Reader(Protocol):
    """``batch`` takes the texts at these positions from all; ``__call__`` reads them. Shapes: → (B, width)."""

    width: int

    def batch(self, texts: Any, at: NDArray[np.int64]) -> Any: ...

    def __call__(self, batch: Any) -> Tensor: ...


class Bag(nn.Module):
    """A linear projection of weighted grams, which learns. Shapes: rows (N, F) → (B, width)."""

    def __init__(self, columns: int, width: int, *, seed: int = 0) -> None:
        super().__init__()
        self.width = width
        drawn = torch.randn(columns, width, generator=torch.Generator().manual_seed(seed))
        self.table = nn.EmbeddingBag(columns, width, mode="sum", _weight=drawn)

    def batch(self, texts: sp.csr_matrix, at: NDArray[np.int64]) -> tuple[Tensor, Tensor, Tensor]:
        rows = texts[at]
        columns, starts = (torch.from_numpy(each.astype(np.int64)) for each in (rows.indices, rows.indptr[:-1]))
        return columns, starts, torch.from_numpy(rows.data.astype(np.float32))

    def forward(self, batch: tuple[Tensor, Tensor, Tensor]) -> Tensor:
        columns, starts, values = batch
        return self.table(columns, starts, per_sample_weights=values)


class Given(nn.Module):
    """Embeddings as they are: of a frozen encoder, whose features are computed once. Shapes: (N, width)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width

    def batch(self, texts: NDArray, at: NDArray[np.int64]) -> Tensor:
        return torch.from_numpy(np.asarray(texts[at], dtype=np.float32))

    def forward(self, batch: Tensor) -> Tensor:
        return batch


class Tokens(nn.Module):
    """A text model up to its output layer, which is left out. Shapes: N rows of token positions → (B, width)."""

    def __init__(self, model: TextModel) -> None:
        super().__init__()
        self.model = model
        self.model.output = nn.Identity()
        self.width = model.width

    def batch(self, texts: Sequence[NDArray[np.int64]], at: NDArray[np.int64]) -> Tensor:
        return torch.from_numpy(padded([texts[n] for n in at])).to(self.model.vectors.device)

    def forward(self, batch: Tensor) -> Tensor:
        return self.model.read(batch)


class Encoded(nn.Module):
    """An encoder, which learns: the mean of a text's vectors. Shapes: N rows of its tokens → (B, width)."""

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        self.network = copy.deepcopy(encoder.network)
        self.pad, self.width = encoder.pad, encoder.width

    def batch(self, texts: Sequence[NDArray[np.int64]], at: NDArray[np.int64]) -> Batch:
        return batch_of([texts[n] for n in at], self.pad, device=next(self.network.parameters()).device)

    def forward(self, batch: Batch) -> Tensor:
        return hidden_of(self.network, batch).sum(dim=1) / batch.mask.sum(dim=1, keepdim=True).clamp(min=1)

    @torch.no_grad()
    def embedded(self, texts: Sequence[NDArray[np.int64]]) -> NDArray[np.float32]:
        """All texts, those of like length together. Shapes: → (N, width)."""
        self.eval()
        out = np.zeros((len(texts), self.width), dtype=np.float32)
        for at in by_length(texts, _BATCH):
            out[at] = self(self.batch(texts, at)).cpu().numpy()
        return out
