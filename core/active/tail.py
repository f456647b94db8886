"""How much a label still needs texts: the rarer so far, the more."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def need(positives: ArrayLike) -> NDArray[np.float64]:
    """A weight a label from its positives so far: proportional to 1 / (n + 1), summing to 1; nothing to tune.

    Defined for a count of 0, where the weight is largest. The sum over many labels is the same for every
    order of them.
    Shapes: (K,) → (K,). Source: fairstein2024, in our multi-label form.
    Raises ValueError: a count below 0, or not one count a label.
    """
    counts = np.asarray(positives, dtype=np.float64)
    if counts.ndim != 1 or not (counts >= 0).all():
        raise ValueError(f"positives must be one count ≥ 0 a label, not {positives!r}")
    weights = 1 / (counts + 1)
    return weights / np.sort(weights).sum() if len(weights) else weights
