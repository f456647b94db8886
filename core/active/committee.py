"""Where those disagree who are paid for already: the teachers among each other, and the teachers with the student.

Both are in bits, label by label, 0 where all say the same; the score of a text is the mean over its labels.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.active.candidates import Candidates
from core.active.order import added
from core.active.scores import relative
from core.active.uncertainty import entropy
from core.errors import StrategyNeeds


def bald(candidates: Candidates) -> NDArray[np.float64]:
    """Shapes: → (P,) in 0 … 1. Raises StrategyNeeds: a committee of fewer than two never disagrees."""
    members = np.asarray(candidates.committee)
    if len(members) < 2:
        raise StrategyNeeds(strategy="bald", what="committee")
    return added(information(members)) / candidates.n_labels


def disagreement(candidates: Candidates) -> NDArray[np.float64]:
    """Shapes: → (P,) in 0 … 1."""
    parts = divergence(np.asarray(candidates.teacher), np.asarray(candidates.probs), np.asarray(candidates.thresholds))
    return added(parts) / candidates.n_labels


def information(members: NDArray[np.float64]) -> NDArray[np.float64]:
    """What an answer would tell about which member is right: H(mean p) - mean H(p), each label on its own.

    Shapes: (M, P, K) → (P, K), one member at a time. Source: houlsby2011.
    """
    mean, unsure = np.zeros(members.shape[1:]), np.zeros(members.shape[1:])
    for member in members:
        mean += member / len(members)
        unsure += entropy(member) / len(members)
    return np.maximum(entropy(mean.clip(0, 1)) - unsure, 0)


def divergence(
    teacher: NDArray[np.float64], probs: NDArray[np.float64], thresholds: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Jensen-Shannon divergence of teacher and student, both moved so that the label's threshold lies at 0.5.

    Not Kullback-Leibler: that is infinite where one of them says 0 or 1, and depends on who is asked first. This one
    is at most 1 bit, and is the ``information`` of a committee of two. The threshold is the student's for both, since
    the student learns to say what the teachers say; without the move, 0.02 against 0.2 of a label cut at 0.1 would
    count for little.
    Shapes: (P, K), (P, K), (K,) → (P, K). Source: lin1991.
    """
    return information(np.stack([relative(teacher, thresholds), relative(probs, thresholds)]))
