"""One threshold a label, chosen on validation, and where validation says little, by how frequent the label is."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

PRIOR = 10.0  # so many validation positives weigh as much as the label's frequency
_LOWEST, _HIGHEST = 0.02, 0.98


def choose(valid_probs: NDArray, valid_y: NDArray, prevalence: ArrayLike) -> NDArray[np.float64]:
    """t = (n·t* + 10·q) / (n + 10): t* the cut of the best F1, n the label's validation positives, q a quantile.

    q is the cut above which as large a share of the validation texts lies as of the training texts carry the label. A
    few positives alone overfit; all validation texts together tell where a model's probabilities lie, which a class
    weight moves by log W. Of equally good cuts the one nearest one half is taken; without validation texts it is 0.5.
    Shapes: valid_probs, valid_y (N, K), prevalence (K,) of the training texts → (K,).
    """
    probs, y = np.asarray(valid_probs, dtype=np.float64), np.asarray(valid_y) > 0
    shares = np.broadcast_to(np.asarray(prevalence, dtype=np.float64), y.shape[1:])
    if not len(probs):
        return np.full(y.shape[1], 0.5)
    cuts = []
    for k, n in enumerate(y.sum(axis=0)):
        if not n and not shares[k]:
            cuts.append(0.5)  # nobody has this label: nothing to cut by
            continue
        like_training = float(np.quantile(probs[:, k], 1 - shares[k]))
        best = _best_cut(probs[:, k], y[:, k]) if n else like_training
        cuts.append((n * best + PRIOR * like_training) / (n + PRIOR))
    return np.clip(cuts, _LOWEST, _HIGHEST)


def _best_cut(probs: NDArray, y: NDArray) -> float:
    """The cut of the best F1 (predicting p ≥ cut); half-way between neighbouring probabilities."""
    seen = np.unique(probs)
    cuts = np.unique(np.append((seen[1:] + seen[:-1]) / 2, 0.5))
    above, hits = (len(part) - np.searchsorted(np.sort(part), cuts) for part in (probs, probs[y]))  # p ≥ cut
    f1 = 2 * hits / np.maximum(above + y.sum(), 1)
    best = cuts[f1 >= f1.max() - 1e-12]
    return float(best[np.argmin(np.abs(best - 0.5))])
