"""CVIRS: label sets unlike those seen so far, times a ranking by the labels' margins. Source: reyes2018.

Inconsistency of a text: mean over the labelled texts of the distance between its predicted label set and theirs. The
distance is (2 H(Y, Z) - H(Y) - H(Z)) / H(Y, Z), entropies over the K positions of two vectors of 0 and 1, and 1 where
the vectors differ in every position. Ranking: Borda's count over labels; each label ranks the texts by the margin
|2p - 1|, the narrowest first. The score is the product.

What the paper leaves open: two vectors without any entropy are at distance 0 if equal; equal margins share their mean
rank; with nothing labelled the ranking decides alone. Predictions are cut at each label's threshold.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import entr

from core.active.candidates import Candidates
from core.active.order import added
from core.active.uncertainty import entropy

_BLOCK = 1024


def score(candidates: Candidates) -> NDArray[np.float64]:
    """Shapes: → (P,) in 0 … 1."""
    p = np.asarray(candidates.probs)
    predicted = (p >= np.asarray(candidates.thresholds)).astype(np.int8)
    return inconsistency(predicted, np.asarray(candidates.labelled_y)) * ranking(p)


def inconsistency(predicted: NDArray[np.int8], labelled: NDArray[np.int8]) -> NDArray[np.float64]:
    """Mean distance of each predicted set to the labelled ones. Shapes: (P, K), (L, K) → (P,)."""
    if not len(predicted) or not len(labelled):
        return np.ones(len(predicted))
    sets, which = np.unique(predicted, axis=0, return_inverse=True)
    known, often = np.unique(labelled, axis=0, return_counts=True)
    means = np.zeros(len(sets))
    for start in range(0, len(sets), _BLOCK):
        for first in range(0, len(known), _BLOCK):
            part, others = slice(start, start + _BLOCK), slice(first, first + _BLOCK)
            means[part] += distances(sets[part], known[others]) @ often[others]
    return (means / len(labelled))[which.reshape(-1)]


def distances(sets: NDArray[np.int8], others: NDArray[np.int8]) -> NDArray[np.float64]:
    """The entropy distance of label sets, in 0 … 1. Shapes: (A, K), (B, K) → (A, B)."""
    y, z, k = sets.astype(np.float64), others.astype(np.float64), sets.shape[1]
    both, only_y, only_z = y @ z.T, y @ (1 - z).T, (1 - y) @ z.T
    cells = (both, only_y, only_z, k - both - only_y - only_z)
    joint = sum(entr(cell / k) for cell in cells) / np.log(2)
    alone = entropy(y.mean(axis=1))[:, None] + entropy(z.mean(axis=1))[None, :]
    found = np.divide(2 * joint - alone, joint, out=np.zeros_like(joint), where=joint > 0)
    return np.where(only_y + only_z == k, 1.0, found.clip(0, 1))


def ranking(probs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Borda's count by margin: 1 for the narrowest in every label, 0 for the widest. Shapes: (P, K) → (P,)."""
    size, labels = probs.shape
    if size < 2:
        return np.ones(size)
    from scipy.stats import rankdata  # half a second and 40 MB that a page or command does without

    ranks = rankdata(np.abs(2 * probs - 1), axis=0)  # 1 for the narrowest
    return added(size - ranks) / (labels * (size - 1))
