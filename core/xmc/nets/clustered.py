"""A reader, a summary of what it read, and adaptive label clusters on it: the whole of APLC-XLNet. Source: ye2020."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from core.xmc.labels import all_seen, as_labels
from core.xmc.nets.aplc import AdaptiveHead
from core.xmc.nets.readers import Reader
from core.xmc.nets.training import Training, trained
from core.xmc.ranker import Ranked

DROPOUT = 0.1
SUMMARY_LR = 2.0  # of the reader's rate, as published: 1e-4 beside 5e-5
_CHUNK = 256


class Clustered(nn.Module):
    """Shapes: a reader's batch of B texts → log probabilities (B, K)."""

    def __init__(self, reader: Reader, head: AdaptiveHead, *, seed: int = 0) -> None:
        super().__init__()
        self.reader, self.head = reader, head
        self.summary = nn.Linear(reader.width, head.width)
        self.dropout = nn.Dropout(DROPOUT)
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            self.summary.weight.normal_(std=reader.width**-0.5, generator=generator)
            self.summary.bias.zero_()

    def read(self, batch: Any) -> Tensor:
        """Shapes: → (B, d)."""
        return self.dropout(torch.tanh(self.summary(self.reader(batch))))

    def forward(self, batch: Any) -> Tensor:
        return self.head(self.read(batch))

    @torch.no_grad()
    def ranked(self, texts: Any, k: int) -> Ranked:
        """The k best labels of each text with their log probabilities; dropout off."""
        self.eval()
        n = texts.shape[0] if hasattr(texts, "shape") else len(texts)
        labels, scores = np.full((n, k), -1, dtype=np.int64), np.full((n, k), -np.inf)
        for start in range(0, n, _CHUNK):
            at = np.arange(start, min(start + _CHUNK, n))
            found = self.head.top(self.read(self.reader.batch(texts, at)), k)
            labels[at, : found[0].shape[1]], scores[at, : found[0].shape[1]] = (each.numpy() for each in found)
        return Ranked(labels, scores)


def fit_steps(
    model: Clustered, texts: Any, y: sp.csr_matrix, training: Training, *, seed: int = 0
) -> Generator[float, None, None]:
    """Teach by the head's own loss; yields it after each step. Shapes: y (N, K).

    Published: no warm-up, ``lr`` 5e-5 for the reader, twice that for the summary, ``head_lr`` 2e-3.
    Raises LabelWithoutPositives, TooLittleMemory, TrainingDiverged.
    """
    truth = as_labels(y, y.shape[0])
    all_seen(truth)

    def loss(at: NDArray[np.int64]) -> Tensor:
        model.train()
        return model.head.loss(model.read(model.reader.batch(texts, at)), torch.from_numpy(truth[at].toarray()))

    reader = model.reader if isinstance(model.reader, nn.Module) else nn.Identity()
    groups = ((reader, training.lr), (model.summary, SUMMARY_LR * training.lr), (model.head, training.head_lr))
    yield from trained(loss, groups, y.shape[0], training, seed=seed, outputs=truth.shape[1])
