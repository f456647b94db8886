"""One answer from networks and linear models: by label, from texts that neither has learned from.

Logits of a network that has learned its texts by heart are far too large, those of a regularised linear model too
small; their plain mean would be the network alone. A logistic regression on both (wolpert1992 calls it stacking; on
one kind alone it is Platt's scaling) weighs and calibrates them. Then each label's logit is moved so that one half is
its best cut: what class weights do to a published teacher.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score

from core.distill.teachers import Mixture, logit
from core.evaluate.thresholds import choose

_C = 0.3  # of the stacking regression, on logits of unit spread
_NEURAL, _LINEAR = 0, 1


def mix(kind: str, found: NDArray[np.float64], y: NDArray) -> tuple[Mixture, dict[int, float]]:
    """How to mix, and the class weight exp(shift) that each label's shift stands for.

    A label with positives only, or none, keeps its network's answer. Shapes: found (2, N, K) logits, y (N, K).
    """
    y = np.asarray(y) > 0
    labels = y.shape[1]
    weights, offset = np.zeros((2, labels)), np.zeros(labels)
    for k in range(labels):
        kinds = _kinds(kind, found[:, :, k], y[:, k])
        weights[kinds, k], offset[k] = _fitted(found[kinds, :, k], y[:, k])
    calibrated = Mixture(mix=weights, offset=offset)(found)
    shifts = -logit(choose(expit(calibrated), y, y.mean(axis=0)))
    return Mixture(mix=weights, offset=offset + shifts), {k: float(np.exp(shifts[k])) for k in range(labels)}


def _kinds(kind: str, found: NDArray[np.float64], y: NDArray[np.bool_]) -> list[int]:
    """Which kinds answer for a label; "best": the one that ranks better. Shapes: found (2, N), y (N,)."""
    if kind == "best":
        neural, linear = (average_precision_score(y, one) if y.any() else 0.0 for one in found)
        return [_NEURAL if neural >= linear else _LINEAR]
    return {"neural": [_NEURAL], "linear": [_LINEAR], "stack": [_NEURAL, _LINEAR]}[kind]


def _fitted(found: NDArray[np.float64], y: NDArray[np.bool_]) -> tuple[NDArray[np.float64], float]:
    """Weights, never negative, and offset. Shapes: found (kinds, N), y (N,) → (kinds,)."""
    spread = found.std(axis=1)
    if y.all() or not y.any() or not (spread > 0).any():
        return np.eye(len(found))[0], 0.0
    scale = np.where(spread > 0, spread, 1.0)
    rows = (found / scale[:, None]).T
    solved = LogisticRegression(C=_C).fit(rows, y)
    weights = np.maximum(solved.coef_[0], 0.0)
    if not weights.any():  # nothing here ranks better than chance
        return np.zeros(len(found)), float(solved.intercept_[0])
    if (weights != solved.coef_[0]).any():  # one kind alone: fit it again without the other
        kept = weights > 0
        solved = LogisticRegression(C=_C).fit(rows[:, kept], y)
        weights = np.where(kept, 0.0, weights)
        weights[kept] = np.maximum(solved.coef_[0], 0.0)
    return weights / scale, float(solved.intercept_[0])
