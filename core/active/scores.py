"""How unsure a model is, label by label, seen from each label's own threshold."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import entr

_EDGE = 1e-6  # a threshold of 0 or 1 would put every probability on one side


def relative(probs: ArrayLike, thresholds: ArrayLike) -> NDArray[np.float64]:
    """Probabilities moved so that each label's threshold lies at 0.5; 0 and 1 stay where they are.

    The move is a shift of the log-odds by the threshold's log-odds. A class weight in training shifts the
    log-odds in the same way, so this also undoes what the weight did.
    Shapes: probs (P, K), thresholds (K,) → (P, K).
    """
    p, t = dense(probs, thresholds)
    t = t.clip(_EDGE, 1 - _EDGE)
    yes, no = p * (1 - t), (1 - p) * t
    return yes / (yes + no)


def uncertainty(probs: ArrayLike, thresholds: ArrayLike) -> NDArray[np.float64]:
    """Binary entropy of the moved probabilities, in bits: 1 at the threshold, 0 where the model is sure.

    Shapes: probs (P, K), thresholds (K,) → (P, K), each column on its own.
    """
    seen = relative(probs, thresholds)
    return (entr(seen) + entr(1 - seen)) / np.log(2)


def dense(probs: ArrayLike, thresholds: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Both as float64 of matching shape.

    Raises ValueError: not (P, K) and (K,) with a label, not finite, or outside 0 … 1 - the caller has passed
    something else.
    """
    p, t = np.asarray(probs, dtype=np.float64), np.asarray(thresholds, dtype=np.float64)
    if p.ndim != 2 or not p.shape[1] or t.shape != p.shape[1:]:
        raise ValueError(f"probabilities of shape {p.shape} with thresholds of shape {t.shape}")
    for name, values in (("probabilities", p), ("thresholds", t)):
        if values.size and not (values.min() >= 0 and values.max() <= 1):  # a NaN fails both comparisons
            raise ValueError(f"{name} must be finite and lie in 0 … 1")
    return p, t
