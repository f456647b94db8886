"""What the balancing losses know of the labels' frequencies: from training texts, and from nothing else."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


@dataclass(frozen=True)
class Frequencies:
    """``counts`` (…, K) float32 of the ``texts`` that carry each label; ``centre`` of the rebalancing weight.

    A count is kept within 1 … texts-1, so that a label that nobody or everybody has gives no infinite weight.
    """

    counts: Tensor
    texts: int
    centre: float

    def to(self, device: torch.device) -> Frequencies:
        return Frequencies(self.counts.to(device), self.texts, self.centre)


def frequencies(y: NDArray) -> Frequencies:
    """From hard labels. Shapes: (N, K). Raises ValueError: no text, or labels that are neither 0 nor 1.

    ``centre`` is halfway between mean and median of the rebalancing weight r over all positive pairs: 0.906 on Reuters
    and 0.049 on PubMed, where huang2021 sets 0.9 and 0.05 by hand.
    """
    found = np.asarray(y, dtype=np.float64)
    if found.ndim != 2 or not len(found) or not np.isin(found, (0.0, 1.0)).all():
        raise ValueError(f"labels of shape {found.shape}: a 0 or 1 for each of one or more texts is needed")
    texts = len(found)
    counts = np.clip(found.sum(axis=0), 1, max(1, texts - 1))
    r = pair_weights(found, counts)
    centre = float((r.mean() + np.median(r)) / 2) if len(r) else 1.0
    return Frequencies(torch.tensor(counts, dtype=torch.float32), texts, centre)


def pair_weights(y: NDArray, counts: NDArray) -> NDArray[np.float64]:
    """r of each (text, label) that goes together: (1/n_i) over the sum of 1/n_j of the text's labels. → (pairs,)."""
    text, label = np.nonzero(y)
    inverse = 1 / counts
    return np.asarray(inverse[label] / (y @ inverse)[text])
