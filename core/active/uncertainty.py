"""How unsure the learner is of a text, over all its labels, four ways.

The first two look at probabilities as they are, as most libraries do: a rare label that is cut at 0.1 then counts as
sure where it is least decided. The last two look from each label's own threshold.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import entr

from core.active.candidates import Candidates
from core.active.order import added
from core.active.scores import uncertainty


def entropy(probs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Binary entropy in bits, each number on its own. Shapes: any → the same."""
    return (entr(probs) + entr(1 - probs)) / np.log(2)


def mean_entropy(candidates: Candidates) -> NDArray[np.float64]:
    """Mean over labels of the binary entropy. Shapes: → (P,). Source: lewis1994; the mean, esuli2009."""
    return added(entropy(np.asarray(candidates.probs))) / candidates.n_labels


def max_entropy(candidates: Candidates) -> NDArray[np.float64]:
    """The entropy of the least decided label. Shapes: → (P,). Source: lewis1994; the extreme, esuli2009."""
    return entropy(np.asarray(candidates.probs)).max(axis=1)


def threshold_distance(candidates: Candidates) -> NDArray[np.float64]:
    """Minus the distance of the nearest label to its threshold. Shapes: → (P,) in -1 … 0.

    Source: brinker2006, who takes the distance to the SVM's boundary; ours is a distance of probabilities.
    """
    return -np.abs(np.asarray(candidates.probs) - np.asarray(candidates.thresholds)).min(axis=1)


def threshold_entropy(candidates: Candidates) -> NDArray[np.float64]:
    """Mean over labels of ``core.active.scores.uncertainty``, the entropy seen from the threshold. Shapes: → (P,)."""
    return added(uncertainty(candidates.probs, candidates.thresholds)) / candidates.n_labels
