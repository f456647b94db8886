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

    def logits(self, texts: Sequence[str]) -> NDArray[np.float32]:
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

    def logits(self, rows: Rows, texts: Sequence[str]) -> NDArray[np.float64]:
        """Neural logits free of class weight, and linear ones; zero for what is absent. Shapes: → (2, N, K)."""
        found = [
            None if self.neural is None else self.neural.unweighted(rows),
            None if self.linear is None else self.linear.logits(texts),
        ]
        like = next(one for one in found if one is not None)
        return np.stack([np.zeros_like(like) if one is None else one for one in found]).astype(np.float64)


@dataclass(frozen=True, kw_only=True)
class Mixture:
    """How each label's neural and linear logits become one: a·neural + b·linear + offset.

    Shapes: mix (2, K), offset (K,).
    """

    mix: NDArray[np.float64]
    offset: NDArray[np.float64]

    def __call__(self, found: NDArray[np.float64]) -> NDArray[np.float64]:
        """Shapes: found (2, N, K) → (N, K)."""
        return (self.mix[:, None, :] * found).sum(axis=0) + self.offset


@dataclass(frozen=True, kw_only=True)
class Teachers:
    """The teachers of a round: their members' mean logits, mixed by label.

    ``weights``: the class weight that each label's teacher was trained with or, where its logit was moved afterwards,
    the one that this stands for.
    """

    members: tuple[Member, ...]
    mixture: Mixture
    weights: dict[int, float]
    warnings: tuple[tuple[str, dict[str, Any]], ...] = ()
    epochs: int = 0  # of all networks together

    def logits(self, rows: Rows, texts: Sequence[str] = ()) -> NDArray[np.float64]:
        """Shapes: → (N, K)."""
        return self.mixture(np.mean([member.logits(rows, texts) for member in self.members], axis=0))

    def probabilities(self, rows: Rows, texts: Sequence[str] = ()) -> NDArray[np.float32]:
        """Shapes: → (N, K)."""
        return expit(self.logits(rows, texts)).astype(np.float32)

    def unseen(self, rows: Rows, texts: Sequence[str], folds: NDArray[np.int64]) -> NDArray[np.float32]:
        """Each text's probabilities by the one member that has seen nothing of its fold.

        Shapes: folds (N,) → (N, K).
        """
        out = np.zeros((len(rows), len(self.mixture.offset)), dtype=np.float32)
        for number, member in enumerate(self.members):
            at = np.flatnonzero(folds == number)
            if not len(at):
                continue
            found = member.logits([rows[n] for n in at.tolist()], [texts[n] for n in at.tolist()])
            out[at] = expit(self.mixture(found))
        return out

    @property
    def share(self) -> NDArray[np.float64]:
        """How much of each label's answer is neural. Shapes: → (K,)."""
        total = np.maximum(self.mixture.mix.sum(axis=0), 1e-12)
        return self.mixture.mix[0] / total


def logit(p: NDArray) -> NDArray[np.float64]:
    p = np.clip(np.asarray(p, dtype=np.float64), _EDGE, 1 - _EDGE)
    return np.log(p / (1 - p))
