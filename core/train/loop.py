"""The training loop of a stack of models: a generator, so that logging, heartbeat and cancel live in the caller."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.config import RoundConfig
from core.losses.bce import weighted_bce
from core.losses.registry import Made
from core.models.engine import Engine, Rows, Weights
from core.seeds import numbers
from core.steps import drained
from core.text.batches import by_length, shuffled
from core.train.optim import StackedAdam
from core.train.precision import stepping

# (logits (A, N, K) on validation, which models (A,)) → (A, J): larger is better, the first column first
Judge = Callable[[NDArray[np.float32], NDArray[np.int64]], NDArray[np.float64]]

SCORE_BATCH = 128


@dataclass(frozen=True, kw_only=True)
class Course:
    """What a stack of M models is taught, and how it is judged."""

    engine: Engine
    width: int  # of what dropout is applied to
    vectors: Tensor  # (V, D)
    train_rows: Rows
    valid_rows: Rows
    targets: Tensor  # (M, N, K), hard or soft
    positive_weight: Tensor  # (M, K)
    judge: Judge
    config: RoundConfig
    seeds: Sequence[int]  # of each model's dropout
    order_seed: int  # of the batches, which all models share
    to_the_end: bool = False  # all epochs, and each model as it is after the last that was sound
    objective: Made | None = None  # in place of the weighted binary cross-entropy


@dataclass(frozen=True)
class StepReport:
    """After each step. ``best`` are the judge's first scores so far, -inf before the first epoch's end."""

    epoch: int
    step: int
    steps: int
    active: int
    best: NDArray[np.float64]


@dataclass(frozen=True)
class Fitted:
    """Each model as it was at its best epoch."""

    weights: Weights
    scores: NDArray[np.float64]  # (M, J)
    best_epoch: NDArray[np.int64]  # (M,), from 1; 0: it never gave one finite answer, and is as it was at the start
    epochs: int
    spent: NDArray[np.int64]  # (M,), epochs that each was trained for


def fit(weights: Weights, course: Course) -> Generator[StepReport, None, Fitted]:
    """Train until each model has gone ``patience`` epochs without a better score, or ``max_epochs``; or to the end.

    A model's result does not depend on which others are in the stack. One whose numbers cease to be finite leaves
    it, and is what it was at its best epoch.
    """
    state = _State(weights, course)
    batch_size = course.config.batch_size
    steps = -(-len(course.train_rows) // batch_size)
    epoch = 0
    while epoch < course.config.max_epochs and len(state.active):
        epoch += 1
        batches = shuffled(len(course.train_rows), batch_size, numbers(course.order_seed, "order", epoch))
        for step, batch in enumerate(batches, start=1):
            state.learn(batch)
            yield StepReport(epoch, step, steps, len(state.active), state.scores[:, 0])
        state.judge(epoch)
    return Fitted(state.best, state.scores, state.best_epoch, epoch, state.spent)


class _State:
    """The models still in training, and the best seen of all."""

    def __init__(self, weights: Weights, course: Course) -> None:
        self.course = course
        self.adam = StackedAdam(weights, course.config.lr)
        self.best = {name: value.detach().clone() for name, value in weights.items()}
        models = len(course.seeds)
        self.active = np.arange(models)
        self.scores = np.full((models, 1), -np.inf)
        self.best_epoch = np.zeros(models, dtype=np.int64)
        self.spent = np.zeros(models, dtype=np.int64)
        self.generators = [torch.Generator().manual_seed(seed) for seed in course.seeds]
        self.valid = packed_by_length(course.engine, course.valid_rows, course.vectors, course.config)

    def learn(self, batch: NDArray[np.int64]) -> None:
        course = self.course
        packed = course.engine.pack([course.train_rows[n] for n in batch], course.vectors, course.config)
        models = torch.from_numpy(self.active).to(course.targets.device)
        at = torch.from_numpy(batch).to(course.targets.device)
        mask = self._dropout(len(batch))
        with stepping(course.config, course.vectors.device):
            found = course.engine.logits(self.adam.weights, packed, course.config, mask)  # (A, B, K)
        targets = course.targets[models][:, at]
        if course.objective is None:
            each = weighted_bce(found.float(), targets, course.positive_weight[models].unsqueeze(1))
        else:
            each = course.objective(found.float(), targets)
        self.adam.step(each.mean(dim=(1, 2)).sum())  # a sum over models: none touches another's gradient

    def _dropout(self, documents: int) -> Tensor | None:
        config = self.course.config
        if not config.dropout:
            return None
        shape = (documents, self.course.width)
        drawn = torch.stack([torch.rand(shape, generator=self.generators[m]) for m in self.active])
        kept = (drawn >= config.dropout).to(torch.float32) / (1 - config.dropout)
        return kept.to(self.course.vectors.device)

    def judge(self, epoch: int) -> None:
        course = self.course
        found = score(course.engine, self.adam.weights, self.valid, course.config)
        sound = self._finite() & np.isfinite(found).all(axis=(1, 2))
        scores = course.judge(np.nan_to_num(found), self.active)  # (A, J)
        if self.scores.shape[1] != scores.shape[1]:
            self.scores = np.full((len(self.scores), scores.shape[1]), -np.inf)
        better = np.array(
            [
                course.to_the_end or tuple(new) > tuple(self.scores[m])
                for new, m in zip(scores, self.active, strict=True)
            ]
        )
        for at in np.flatnonzero(better & sound):
            m = self.active[at]
            self.scores[m], self.best_epoch[m] = scores[at], epoch
            for name, value in self.adam.weights.items():
                self.best[name][m] = value.detach()[at]
        self.spent[self.active] = epoch
        going = sound & (epoch - self.best_epoch[self.active] < course.config.patience)
        if not going.all():
            self.active = self.active[going]
            self.adam.keep(torch.from_numpy(np.flatnonzero(going)))

    def _finite(self) -> NDArray[np.bool_]:
        """Whether each model's weights are numbers: without validation texts its answers cannot tell."""
        sound = [value.detach().flatten(1).isfinite().all(dim=1) for value in self.adam.weights.values()]
        return torch.stack(sound).all(dim=0).cpu().numpy()


Batches = Sequence[tuple[NDArray[np.int64], Any]]


def packed_by_length(engine: Engine, rows: Rows, vectors: Tensor, config: RoundConfig) -> Batches:
    """Batches of like length with the positions they hold; for scoring the same texts again and again."""
    return [(at, engine.pack([rows[n] for n in at], vectors, config)) for at in by_length(rows, SCORE_BATCH)]


def score(engine: Engine, weights: Weights, batches: Batches, config: RoundConfig) -> NDArray[np.float32]:
    """Logits in the rows' own order, dropout off. Shapes: → (M, N, K)."""
    return drained(score_steps(engine, weights, batches, config))


def score_steps(
    engine: Engine, weights: Weights, batches: Batches, config: RoundConfig
) -> Generator[float, None, NDArray[np.float32]]:
    """As ``score``; yields the share that is done after each batch."""
    parts: list[tuple[NDArray[np.int64], NDArray[np.float32]]] = []
    for at, packed in batches:
        with torch.no_grad():  # not around the yield: the caller would be without gradients too
            parts.append((at, engine.logits(weights, packed, config).cpu().numpy()))
        yield len(parts) / len(batches)
    if not parts:
        return np.zeros((len(next(iter(weights.values()))), 0, 1), dtype=np.float32)
    models, _, labels = parts[0][1].shape
    out = np.zeros((models, sum(len(at) for at, _ in parts), labels), dtype=np.float32)
    for at, found in parts:
        out[:, at] = found
    return out
