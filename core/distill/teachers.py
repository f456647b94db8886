"""Who answers for each label: a network, a linear model over character grams, or both; once, or once a fold."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from core.distill.heads import HeadTeacher
from core.distill.lessons import Lessons
from core.distill.sweep import NeuralTeachers
from core.models.engine import Rows
from core.models.linear import LinearModel
from core.seeds import derive
from core.steps import drained, through

_EDGE = 1e-6
_CHUNK = 1_000  # texts that a linear model reads between two reports

Number = TypeVar("Number", np.float32, np.float64)
Answering = Generator[float, None, NDArray[Number]]  # yields the share that is done


@dataclass(frozen=True)
class LinearTeachers:
    """Logistic regression over TF-IDF of character grams, one a label (see core.models.linear)."""

    model: LinearModel

    def logit_steps(self, texts: Sequence[str]) -> Answering[np.float32]:
        """Shapes: → (N, K)."""
        found = [logit(self.model.probabilities([])).astype(np.float32)]
        for start in range(0, len(texts), _CHUNK):
            found.append(logit(self.model.probabilities(texts[start : start + _CHUNK])).astype(np.float32))
            yield min(1.0, (start + _CHUNK) / len(texts))
        return np.concatenate(found)


def linear_teachers(lessons: Lessons) -> Generator[int, None, LinearTeachers]:
    """Yields how many labels are done."""
    seed = derive(lessons.config.seed, "linear teachers") % 2**32
    texts, y = list(lessons.train_texts), np.asarray(lessons.train_y)
    return LinearTeachers((yield from LinearModel().fit_steps(texts, y, seed=seed)))


@dataclass(frozen=True)
class Member:
    """What was trained on one part of the training texts. A kind that no label asks for is absent."""

    neural: NeuralTeachers | HeadTeacher | None
    linear: LinearTeachers | None

    def logits(self, rows: Rows, texts: Sequence[str]) -> NDArray[np.float64]:
        """Neural logits free of class weight, and linear ones; zero for what is absent. Shapes: → (2, N, K)."""
        return drained(self.logit_steps(rows, texts))

    def logit_steps(self, rows: Rows, texts: Sequence[str]) -> Answering[np.float64]:
        """As ``logits``; yields the share that is done, the networks' being what takes its time."""
        neural = None if self.neural is None else (yield from self.neural.unweighted_steps(rows, texts))
        linear = None
        if self.linear is not None:
            say = (lambda share: share) if neural is None else (lambda share: 1.0)
            linear = yield from through(self.linear.logit_steps(texts), say)
        found = [neural, linear]
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

    def logit_steps(self, rows: Rows, texts: Sequence[str] = ()) -> Answering[np.float64]:
        """Yields the share that is done. Shapes: → (N, K)."""
        found = []
        for number, member in enumerate(self.members):
            found.append((yield from through(member.logit_steps(rows, texts), partial(self._share_of, number))))
        return self.mixture(np.mean(found, axis=0))

    def probabilities(self, rows: Rows, texts: Sequence[str] = ()) -> NDArray[np.float32]:
        """Shapes: → (N, K)."""
        return drained(self.probability_steps(rows, texts))

    def probability_steps(self, rows: Rows, texts: Sequence[str] = ()) -> Answering[np.float32]:
        """As ``probabilities``; yields the share that is done."""
        return expit((yield from self.logit_steps(rows, texts))).astype(np.float32)

    def opinion_steps(self, rows: Rows, texts: Sequence[str] = ()) -> Answering[np.float32]:
        """What they say together, then what each member's network and linear model would alone; yields the share done.

        Alone is read as: the other one says the same. So all are on one scale, and agree where their logits do. A kind
        that a label does not ask says what its member says. Shapes: → (1 + members · kinds, N, K).
        """
        found = []
        for number, member in enumerate(self.members):
            found.append((yield from through(member.logit_steps(rows, texts), partial(self._share_of, number))))
        mix, offset = self.mixture.mix, self.mixture.offset
        said = [self.mixture(np.mean(found, axis=0))]
        for each in found:
            for kind in np.flatnonzero(mix.any(axis=1)):
                alone = mix.sum(axis=0) * each[kind] + offset
                said.append(np.where(mix[kind] != 0, alone, self.mixture(each)))
        return expit(np.stack(said)).astype(np.float32)

    def unseen_steps(self, rows: Rows, texts: Sequence[str], folds: NDArray[np.int64]) -> Answering[np.float32]:
        """Each text's probabilities by the one member that has seen nothing of its fold; yields the share done.

        Shapes: folds (N,) → (N, K).
        """
        out = np.zeros((len(rows), len(self.mixture.offset)), dtype=np.float32)
        for number, member in enumerate(self.members):
            at = np.flatnonzero(folds == number).tolist()
            if not at:
                continue
            steps = member.logit_steps([rows[n] for n in at], [texts[n] for n in at])
            out[at] = expit(self.mixture((yield from through(steps, partial(self._share_of, number)))))
        return out

    def _share_of(self, number: int, share: float) -> float:
        """Of all members' work, when one member has come so far."""
        return (number + share) / len(self.members)

    @property
    def share(self) -> NDArray[np.float64]:
        """How much of each label's answer is neural. Shapes: → (K,)."""
        total = np.maximum(self.mixture.mix.sum(axis=0), 1e-12)
        return self.mixture.mix[0] / total


def logit(p: NDArray) -> NDArray[np.float64]:
    p = np.clip(np.asarray(p, dtype=np.float64), _EDGE, 1 - _EDGE)
    return np.log(p / (1 - p))
