"""One network for all labels, taught by the stack: words and mentions in, a logit a label out, nothing else at hand.

    logit(k) = w_k · x  +  v_k · relu(V x)  +  g(mentions of k, how common k is)

x are a text's weighed words and the grams of its beginning; g is one small network shared by all labels. The student
learns the stack's out-of-fold probabilities, mixed with what people labelled.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from core.seeds import derive

VIEWS = ("words", "beginning")
HARD = 0.3  # of the target; the rest is the stack's probability
HIDDEN, SHARED, EPOCHS, BATCH, LR, DROPOUT = 192, 24, 12, 128, 4e-3, 0.3


@dataclass(frozen=True)
class Inputs:
    """Shapes: rows (N, F); said (N, K, 8), counts already small; common (K,), log training texts."""

    rows: sp.csr_matrix
    said: NDArray[np.float32]
    common: NDArray[np.float32]

    def at(self, positions: NDArray[np.int64]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Columns, where each text's begin, their weights, and what is said of each label."""
        rows = self.rows[positions]
        said = np.concatenate(
            [
                self.said[positions],
                np.broadcast_to(self.common[:, None], (len(positions), len(self.common), 1)),
            ],
            axis=2,
        )
        return (
            torch.from_numpy(rows.indices.astype(np.int64)),
            torch.from_numpy(rows.indptr[:-1].astype(np.int64)),
            torch.from_numpy(rows.data.astype(np.float32)),
            torch.from_numpy(said.astype(np.float32)),
        )


def inputs(rows: dict[str, sp.csr_matrix], mentions: NDArray, counts: NDArray) -> Inputs:
    """Shapes: mentions (N, K, 8), counts (K,)."""
    joined = sp.hstack([rows[name] for name in VIEWS], format="csr", dtype=np.float32)
    return Inputs(joined, np.log1p(mentions).astype(np.float32), np.log1p(counts).astype(np.float32) / 8)


class Student(nn.Module):
    """Shapes: columns and weights (Z,), starts (B,), said (B, K, 9) → logits (B, K)."""

    def __init__(self, columns: int, labels: int, figures: int) -> None:
        super().__init__()
        self.wide = nn.EmbeddingBag(columns, labels, mode="sum", sparse=True)
        self.deep = nn.EmbeddingBag(columns, HIDDEN, mode="sum", sparse=True)
        nn.init.zeros_(self.wide.weight)
        nn.init.normal_(self.deep.weight, std=0.1)
        self.inner = nn.Parameter(torch.zeros(HIDDEN))
        self.output = nn.Linear(HIDDEN, labels)
        nn.init.constant_(self.output.bias, -3.0)  # most labels are on few texts
        self.said = nn.Sequential(nn.Linear(figures, SHARED), nn.ReLU(), nn.Linear(SHARED, 1))

    def forward(self, columns: Tensor, starts: Tensor, weights: Tensor, said: Tensor) -> Tensor:
        deep = torch.relu(self.deep(columns, starts, per_sample_weights=weights) + self.inner)
        deep = F.dropout(deep, DROPOUT, self.training)
        wide = self.wide(columns, starts, per_sample_weights=weights)
        return wide + self.output(deep) + self.said(said).squeeze(2)


def taught(given: Inputs, aims: NDArray, at: NDArray[np.int64], *, seed: int, epochs: int = EPOCHS) -> Student:
    """A student of the texts ``at`` these positions. Shapes: aims (N', K) in 0 … 1."""
    torch.manual_seed(derive(seed, "student") % 2**31)
    rng = np.random.default_rng(derive(seed, "student's batches"))
    model = Student(given.rows.shape[1], aims.shape[1], given.said.shape[2] + 1)
    rare = [model.wide.weight, model.deep.weight]
    dense = [each for name, each in model.named_parameters() if name not in ("wide.weight", "deep.weight")]
    optimisers: list[torch.optim.Optimizer] = [torch.optim.SparseAdam(rare, lr=LR), torch.optim.Adam(dense, lr=LR)]
    steps = epochs * -(-len(at) // BATCH)
    plans = [torch.optim.lr_scheduler.LambdaLR(each, lambda n: 1 - n / steps) for each in optimisers]
    wanted = torch.from_numpy(np.asarray(aims, dtype=np.float32))
    for _ in range(epochs):
        order = rng.permutation(at)
        for start in range(0, len(order), BATCH):
            batch = order[start : start + BATCH]
            for each in optimisers:
                each.zero_grad()
            loss = F.binary_cross_entropy_with_logits(model(*given.at(batch)), wanted[batch], reduction="sum")
            (loss / len(batch)).backward()
            for optimiser in optimisers:
                optimiser.step()
            for plan in plans:
                plan.step()
    return model.eval()


@torch.no_grad()
def logits(model: Student, given: Inputs, at: NDArray[np.int64]) -> NDArray[np.float32]:
    """Shapes: → (len(at), K)."""
    parts = [model(*given.at(at[start : start + 512])).numpy() for start in range(0, len(at), 512)]
    return np.concatenate(parts)


def targets(y: NDArray, soft: NDArray | None) -> NDArray[np.float32]:
    """Labels alone, or mixed with the stack's out-of-fold probabilities. Shapes: (N, K) each → (N, K)."""
    hard = np.asarray(y, dtype=np.float32)
    return hard if soft is None else ((1 - HARD) * np.asarray(soft) + HARD * hard).astype(np.float32)


def students(given: Inputs, aims: NDArray, parts: NDArray, *, seed: int) -> NDArray[np.float32]:
    """Logits of test texts by a student of all training texts, and of these by one of the other parts.

    A network's own cuts have to be found: those of the stack lie too high for it where examples are few.
    Shapes: aims (N', K), parts (N',) → (N, K).
    """
    n = len(aims)
    out = np.zeros((given.rows.shape[0], aims.shape[1]), dtype=np.float32)
    for part in np.unique(parts):
        at = np.flatnonzero(parts == part)
        out[at] = logits(taught(given, aims, np.flatnonzero(parts != part), seed=seed), given, at)
    out[n:] = logits(taught(given, aims, np.arange(n), seed=seed), given, np.arange(n, len(out)))
    return out
