"""The plainest encoder: words by TF-IDF, as the support vector machines read them, and one linear layer by each loss.

No word vectors stand between a rare word and a rare label, so that what differs between two of these is the loss alone.
Adam is lazy here: an entry moves when one of its words is in the batch.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from core.errors import TrainingDiverged
from core.losses.frequencies import frequencies
from core.losses.registry import made
from core.reproduce.losses.judge import AsPublished
from core.reproduce.losses.svm import weighed
from core.seeds import numbers
from core.text.batches import shuffled

LR, BATCH, EPOCHS, PATIENCE = 0.1, 64, 15, 5
SPREAD = 0.01  # of the first weights


class Answered(NamedTuple):
    """Logits of the kept epoch. Shapes: valid (V, K), test (T, K)."""

    valid: NDArray[np.float32]
    test: NDArray[np.float32]
    epoch: int


class _Bag(nn.Module):
    """Shapes: rows of B texts over F words → (B, K)."""

    def __init__(self, words: int, labels: int, seed: int) -> None:
        super().__init__()
        drawn = torch.randn(words, labels, generator=torch.Generator().manual_seed(seed))
        self.weights = nn.EmbeddingBag(words, labels, mode="sum", sparse=True, _weight=SPREAD * drawn)
        self.bias = nn.Parameter(torch.zeros(labels))

    def forward(self, rows: sp.csr_matrix) -> Tensor:
        at, starts = (torch.from_numpy(each.astype(np.int64)) for each in (rows.indices, rows.indptr[:-1]))
        return self.weights(at, starts, per_sample_weights=torch.from_numpy(rows.data)) + self.bias


def trained(
    train_texts: Sequence[str], train_y: NDArray, valid_texts: Sequence[str], valid_y: NDArray,
    test_texts: Sequence[str], *, loss: str, seed: int, words: bool,
) -> Generator[float, None, Answered]:  # fmt: skip
    """One layer by that loss, its epoch kept by the published rule; yields the share that is done. Shapes: y (N, K).

    Raises TrainingDiverged: it gave no finite answer from the first epoch on.
    """
    rows, valid, test = (each.astype(np.float32) for each in weighed(train_texts, valid_texts, test_texts, words=words))
    y = torch.from_numpy(np.asarray(train_y, dtype=np.float32))
    objective, judge = made(loss, frequencies(train_y)), AsPublished(valid_y)
    model = _Bag(rows.shape[1], y.shape[1], seed)
    steps = (
        torch.optim.SparseAdam([model.weights.weight], lr=LR),
        torch.optim.Adam([model.bias], lr=LR),
    )
    kept: Answered | None = None
    for epoch in range(1, EPOCHS + 1):
        for batch in shuffled(len(train_texts), BATCH, numbers(seed, "bag", epoch)):
            for each in steps:
                each.zero_grad()
            objective(model(rows[batch]), y[batch]).mean().backward()
            for each in steps:
                each.step()
        with torch.no_grad():
            found = model(valid).numpy()
            if np.isfinite(found).all() and judge(found[None], np.zeros(1, dtype=np.int64))[0, 0] > 0:
                kept = Answered(found, model(test).numpy(), epoch)
        yield epoch / EPOCHS
        if epoch - (kept.epoch if kept else 0) >= PATIENCE:
            break
    if kept is None:
        raise TrainingDiverged(lr=LR)
    return kept
