"""Which clusters of labels a text belongs to: any reader, dropout, one linear layer, the squared hinge.

Source: chang2020, stage 2. Their targets may count a text's labels in a cluster; here they are 0 and 1.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from core.xmc.labels import as_labels
from core.xmc.nets.readers import Reader
from core.xmc.nets.training import Training, trained
from core.xmc.tree import Tree

DROPOUT = 0.1
KEPT = 10  # clusters of a text
_CHUNK = 256


class Matcher(nn.Module):
    """Shapes: a reader's batch of B texts → (B, C)."""

    def __init__(self, reader: Reader, clusters: int, *, seed: int = 0) -> None:
        super().__init__()
        self.reader = reader
        self.dropout = nn.Dropout(DROPOUT)
        self.output = nn.Linear(reader.width, clusters)
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            self.output.weight.normal_(std=0.02, generator=generator)
            self.output.bias.zero_()

    def forward(self, batch: Any) -> Tensor:
        return self.output(self.dropout(self.reader(batch)))

    @torch.no_grad()
    def scores(self, texts: Any) -> NDArray[np.float32]:
        """Each text's score for each cluster; dropout off. Shapes: → (N, C)."""
        self.eval()
        n = texts.shape[0] if hasattr(texts, "shape") else len(texts)
        found = [self(self.reader.batch(texts, at)).numpy() for at in np.split(np.arange(n), range(_CHUNK, n, _CHUNK))]
        return np.concatenate(found) if n else np.zeros((0, self.output.out_features), dtype=np.float32)

    def clusters(self, texts: Any, kept: int = KEPT) -> sp.csr_matrix:
        """The best clusters of each text, as ``kept_of`` has them. Shapes: → (N, C)."""
        return kept_of(self.scores(texts), kept)


def squared_hinge(scores: Tensor, targets: Tensor) -> Tensor:
    """Mean of max(0, 1 - s·f)² over texts and clusters, s = ±1. Shapes: both (B, C)."""
    signs = 2 * targets - 1
    return torch.relu(1 - signs * scores).square().mean()


def fit_steps(
    matcher: Matcher, texts: Any, y: sp.csr_matrix, tree: Tree, training: Training, *, seed: int = 0
) -> Generator[float, None, None]:
    """Teach which clusters hold a label of each text; yields the loss of each step. Shapes: y (N, K).

    Raises TooLittleMemory, TrainingDiverged.
    """
    truth = as_labels(as_labels(y, y.shape[0]) @ tree.indicator, y.shape[0])

    def loss(at: NDArray[np.int64]) -> Tensor:
        matcher.train()
        return squared_hinge(matcher(matcher.reader.batch(texts, at)), torch.from_numpy(truth[at].toarray()))

    reader = matcher.reader if isinstance(matcher.reader, nn.Module) else nn.Identity()
    groups = ((reader, training.lr), (matcher.output, training.head_lr))
    yield from trained(loss, groups, y.shape[0], training, seed=seed, outputs=tree.clusters)


def kept_of(scores: NDArray, kept: int = KEPT) -> sp.csr_matrix:
    """Each text's best clusters with the logarithm of exp(-max(0, 1 - f)²), so that 0 is the best there is.

    Of equal scores the first cluster counts. Shapes: (N, C) → (N, C).
    """
    n, clusters = scores.shape
    kept = min(kept, clusters)
    best = np.sort(np.argsort(-scores, axis=1, kind="stable")[:, :kept], axis=1)
    values = -(np.maximum(0, 1 - np.take_along_axis(scores, best, axis=1).astype(np.float64)) ** 2)
    return sp.csr_matrix((values.ravel(), best.ravel(), np.arange(0, n * kept + 1, kept)), shape=(n, clusters))
