"""One threshold a label, chosen on validation and pulled towards one half where validation says little."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

PRIOR = 10.0  # so many validation positives weigh as much as the belief in one half


def choose(valid_probs: NDArray, valid_y: NDArray) -> NDArray[np.float64]:
    """t = (n·t* + 10·½) / (n + 10), with t* the cut of the best F1 and n the label's validation positives.

    Plain F1 tuning on a few positives overfits; a label without any keeps one half. Of equally good cuts the one
    nearest one half is taken.
    Shapes: valid_probs, valid_y (N, K) → (K,).
    """
    probs, y = np.asarray(valid_probs, dtype=np.float64), np.asarray(valid_y) > 0
    positives = y.sum(axis=0)
    return np.array(
        [
            (n * _best_cut(probs[:, k], y[:, k]) + PRIOR * 0.5) / (n + PRIOR) if n else 0.5
            for k, n in enumerate(positives)
        ]
    )


def _best_cut(probs: NDArray, y: NDArray) -> float:
    """The cut of the best F1 (predicting p ≥ cut); half-way between neighbouring probabilities."""
    seen = np.unique(probs)
    cuts = np.unique(np.append((seen[1:] + seen[:-1]) / 2, 0.5))
    predicted = probs[:, None] >= cuts  # (N, C)
    hits = (predicted & y[:, None]).sum(axis=0)
    f1 = 2 * hits / np.maximum(predicted.sum(axis=0) + y.sum(), 1)
    best = cuts[f1 >= f1.max() - 1e-12]
    return float(best[np.argmin(np.abs(best - 0.5))])
