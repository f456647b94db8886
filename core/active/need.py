"""How much each label needs another text: its share of a batch.

A label's F1 rises with its positives as a power law does, F(n) ≈ plateau - b·n^-c: what one more positive brings is
proportional to the distance that is left over the positives there are. So need_k ∝ gap_k / (n_k + 1), where the gap is
the distance of the *lower* end of the gold F1's interval from the target: a label whose figure nobody can trust yet is
taken for as weak as it may be. Without gold figures all gaps are alike, and need is support alone
(fairstein2024, in our multi-label form).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

TARGET_F1 = 0.8
LEAST_GAP = 0.05  # a label that has arrived is still asked about now and then: the figure may be luck


def need(positives: ArrayLike, lower_f1: ArrayLike | None = None, *, target: float = TARGET_F1) -> NDArray[np.float64]:
    """Shares that sum to 1, the same for every order of the labels.

    Shapes: positives (K,) counts ≥ 0; lower_f1 (K,) in 0 … 1, NaN where nothing was measured → (K,).
    Raises ValueError: a count below 0, a figure outside 0 … 1, shapes that do not match.
    """
    counts = np.asarray(positives, dtype=np.float64)
    if counts.ndim != 1 or not (counts >= 0).all():
        raise ValueError(f"positives must be one count ≥ 0 a label, not {positives!r}")
    weights = 1 / (counts + 1)
    if lower_f1 is not None:
        f1 = np.asarray(lower_f1, dtype=np.float64)
        known = ~np.isnan(f1)
        if f1.shape != counts.shape or not ((f1[known] >= 0) & (f1[known] <= 1)).all():
            raise ValueError(f"F1 must be one number in 0 … 1 a label, not {lower_f1!r}")
        weights = weights * np.maximum(target - np.where(known, f1, 0.0), LEAST_GAP)
    return weights / np.sort(weights).sum() if len(weights) else weights
