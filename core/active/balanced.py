"""Class-balanced uncertainty: Σ w_k p_k H(p_k), with w_k ∝ 1 / (positives + 1). Source: fairstein2024, in our
multi-label form.

The factor p_k is what the paper's weighting has beyond ``core.active.select``: a text counts for a rare label only as
far as the learner thinks that it has the label. A label that nobody has seen weighs most, and the learner's noise
about it with it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.active.candidates import Candidates
from core.active.need import need
from core.active.order import added
from core.active.uncertainty import entropy


def score(candidates: Candidates) -> NDArray[np.float64]:
    """Shapes: → (P,) in 0 … 1."""
    p = np.asarray(candidates.probs)
    return added(need(candidates.positives) * p * entropy(p))
