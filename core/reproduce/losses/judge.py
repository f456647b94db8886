"""Which epoch is kept: the published rule, and its published slip. Source: huang2021's code."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from core.evaluate.metrics import aggregate
from core.evaluate.threshold_rules import best_global

SLACK = 0.995  # an epoch is kept from this share of the best on, and is then the best


class AsPublished:
    """Micro-F1 on validation at the best cut of the published grid; of one model at a time.

    An epoch that is a little worse than the best takes its place, so the best may sink from epoch to epoch: so it was
    in the paper. The first of an epoch's two scores counts those that were kept, and so rises with each.
    Shapes: valid_y (V, K).
    """

    def __init__(self, valid_y: NDArray) -> None:
        self.y = np.asarray(valid_y)
        self.best = -np.inf
        self.kept = 0

    def __call__(self, found: NDArray[np.float32], models: NDArray[np.int64]) -> NDArray[np.float64]:
        """Shapes: found (1, V, K) → (1, 2)."""
        assert len(found) == 1, "what an epoch is held against is one model's"
        f1 = 0.0
        if len(self.y):
            probs = expit(found[0].astype(np.float64))
            f1 = aggregate(probs >= best_global(probs, self.y), self.y)["micro"][2]
        if f1 <= SLACK * self.best:
            return np.array([[-1.0, f1]])
        self.best = f1
        self.kept += 1
        return np.array([[float(self.kept), f1]])
