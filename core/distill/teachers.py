"""Who answers for each label: a network, a linear model over character grams, or both; once, or once a fold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from core.distill.lessons import Lessons
from core.distill.sweep import NeuralTeachers
from core.models.engine import Rows
from core.models.linear import LinearModel
from core.seeds import derive

_EDGE = 1e-6


@dataclass(frozen=True)
class LinearTeachers:
    """Logistic regression over TF-IDF of character grams, one a label (see core.models.linear)."""

    model: LinearModel

    def logits(self, rows: Rows, texts: Sequence[str]) -> NDArray[np.float32]:
        """Shapes: → (N, K)."""
        return logit(self.model.probabilities(texts)).astype(np.float32)


def linear_teachers(lessons: Lessons) -> LinearTeachers:
    seed = derive(lessons.config.seed, "linear teachers") % 2**32
    return LinearTeachers(LinearModel().fit(list(lessons.train_texts), np.asarray(lessons.train_y), seed=seed))


@dataclass(frozen=True)
class Member:
    """What was trained on one part of the training texts. A kind that no label asks for is absent."""

    neural: NeuralTeachers | None
    linear: LinearTeachers | None

    def logits(self, rows: Rows, texts: Sequence[str], share: NDArray[np.float64]) -> NDArray[np.float64]:
        """Neural and linear logits mixed by label. Shapes: share (K,), 1 = neural alone → (N, K)."""
        out = np.zeros((len(rows), len(share)))
        if self.neural is not None and share.any():
            out += share * self.neural.logits(rows, texts)
        if self.linear is not None and (share < 1).any():
            out += (1 - share) * self.linear.logits(rows, texts)
        return out


@dataclass(frozen=True)
class Teachers:
    """The teachers of a round: the mean of its members' logits, moved by ``shifts``.

    ``weights``: the class weight that each label's logit stands for, exp(shift) where it was added afterwards.
    """

    members: tuple[Member, ...]
    share: NDArray[np.float64]  # (K,)
    shifts: NDArray[np.float64]  # (K,)
    weights: dict[int, float]
    warnings: tuple[tuple[str, dict[str, Any]], ...] = ()
    epochs: int = 0

    def logits(self, rows: Rows, texts: Sequence[str] = ()) -> NDArray[np.float64]:
        """Shapes: → (N, K)."""
        found = [member.logits(rows, texts, self.share) for member in self.members]
        return np.mean(found, axis=0) + self.shifts

    def probabilities(self, rows: Rows, texts: Sequence[str] = ()) -> NDArray[np.float32]:
        """Shapes: → (N, K)."""
        return expit(self.logits(rows, texts)).astype(np.float32)


def logit(p: NDArray) -> NDArray[np.float64]:
    p = np.clip(np.asarray(p, dtype=np.float64), _EDGE, 1 - _EDGE)
    return np.log(p / (1 - p))
