"""Adaptive: narrow margin between given and not given labels, times an unusual number of labels. Source: liguo2013.

score = u^β · c^(1-β), where u = 1 / (margin of the given labels + margin of the others) and c = |number of predicted
labels - mean number of the labelled texts|. The paper picks β anew each time, by retraining for each; here β = ½.

Margins are those of probabilities moved so that each label's threshold lies at 0 in -1 … 1. Where no label is given,
or all are, the paper leaves the missing margin open; here it is 1, the widest.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.active.candidates import Candidates
from core.active.scores import relative

BETA = 0.5
_NARROWEST = 1e-9  # two labels exactly at their thresholds


def score(candidates: Candidates, beta: float = BETA) -> NDArray[np.float64]:
    """Shapes: → (P,), from 0."""
    given = np.asarray(candidates.probs) >= np.asarray(candidates.thresholds)
    margins = np.abs(2 * relative(candidates.probs, candidates.thresholds) - 1)
    width = np.where(given, margins, 1).min(axis=1) + np.where(given, 1, margins).min(axis=1)
    y = np.asarray(candidates.labelled_y)
    usual = float(y.sum()) / len(y) if len(y) else 0.0
    unusual = np.abs(given.sum(axis=1) - usual)
    return np.maximum(width, _NARROWEST) ** -beta * unusual ** (1 - beta)
