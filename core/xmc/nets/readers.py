"""What turns a batch of texts into one row each, for a matcher or a head: weighted grams, embeddings, or a text model.

Any module with ``width``, ``batch`` and ``forward`` will do.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from core.models.base import TextModel
from core.text.batches import padded


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
