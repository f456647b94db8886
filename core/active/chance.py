"""Texts at random: what every strategy has to beat."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.active.candidates import Candidates


def score(candidates: Candidates) -> NDArray[np.float64]:
    """All alike, so that the lot decides. Shapes: → (P,)."""
    return np.zeros(len(candidates))
