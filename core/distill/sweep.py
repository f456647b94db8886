"""Neural teachers by binary relevance: for each label a network, and the class weight that serves it best.

Two ways. ``exact`` trains one network for each class weight and keeps the best on validation, as published
(lee2022kd, section 3; which figure decides is not stated there, the rule here is in ``pick``). ``fast`` trains one
network a label without a weight, and adds log W to its logit: that is where the optimum of the weighted loss lies,
-W·y·log σ(z) - (1-y)·log(1-σ(z)) being least at logit(p) + log W.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.metrics import average_precision_score

from core.config import RoundConfig
from core.distill.lessons import Lessons, threads_of
from core.distill.objectives import of_teachers
from core.losses.bce import weighted_bce
from core.models.base import TextModel, best_device
from core.models.engine import Engine, Rows, Weights
from core.models.memory import bytes_of
from core.models.registry import engine_of
from core.seeds import derive
from core.steps import drained, through
from core.train.lanes import side_by_side
from core.train.loop import Course, Judge, StepReport, fit, packed_by_length, score
from core.train.precision import lowered
from core.train.predict import logit_steps

STACKS_BYTES = 2 * 1024**3  # that all stacks at work may take together; a round with all else stays below 4 GB
_STEP = 0.02  # of F1
_MINIMUM = 1e-4  # a constant teacher is never quite sure


@dataclass(frozen=True)
class NeuralTeachers:
    """One chosen network a label; a label that has none answers with its prevalence.

    ``weights`` are the class weights chosen; ``epochs`` counts the epochs of all networks that were trained.
    """

    models: dict[int, TextModel]
    weights: dict[int, float]
    constants: NDArray[np.float64]  # (K,): the logits of labels without a network
    config: RoundConfig
    warnings: tuple[tuple[str, dict[str, Any]], ...]
    epochs: int = 0

    def logits(self, rows: Rows) -> NDArray[np.float32]:
        """Shapes: → (N, K)."""
        return self.unweighted(rows) + self.log_weights.astype(np.float32)

    def unweighted(self, rows: Rows) -> NDArray[np.float32]:
        """The logits without what the class weight adds: comparable between labels' teachers. Shapes: → (N, K)."""
        return drained(self.unweighted_steps(rows))

    def unweighted_steps(self, rows: Rows, texts: Sequence[str] = ()) -> Generator[float, None, NDArray[np.float32]]:
        """As ``unweighted``; yields the share that is done. Networks read rows alone."""
        out = np.tile(self.constants.astype(np.float32), (len(rows), 1))
        if self.models and len(rows):
            at = list(self.models)
            found = yield from logit_steps(list(self.models.values()), rows, self.config, threads_of(self.config))
            out[:, at] = found[:, :, 0].T  # (N, models)
            if self.config.sweep == "exact":
                out[:, at] -= self.log_weights[at].astype(np.float32)
        return out

    @property
    def log_weights(self) -> NDArray[np.float64]:
        """log W, zero for a label without a network. Shapes: → (K,)."""
        return np.log([self.weights.get(k, 1.0) for k in range(len(self.constants))])


@dataclass(frozen=True)
class SweepReport:
    """Where the teachers stand. ``done`` counts networks, in part while they train."""

    done: int
    total: int
    detail: dict[str, Any] = field(default_factory=dict)


class _Network(NamedTuple):
    """A network in training: its label and its class weight."""

    label: int
    weight: float


class _Chosen(NamedTuple):
    model: TextModel
    weight: float


class _Fitted(NamedTuple):
    """A network as it was at its best, and its logits on validation (N,)."""

    network: _Network
    state: Weights
    found: NDArray[np.float32]


class _Step(NamedTuple):
    """Where a lane stands: how many of its networks are through, and what is at work."""

    done: float
    at_hand: Sequence[_Network]
    report: StepReport


def sweep(lessons: Lessons) -> Generator[SweepReport, None, NeuralTeachers]:
    """Train the networks of every label that has positives and negatives, and choose."""
    config, y, at = lessons.config, np.asarray(lessons.train_y) > 0, learnable(lessons)
    lanes = _lanes(at, config)
    total = sum(map(len, lanes))
    progress: dict[int, float] = {}

    def said(told: tuple[int, _Step]) -> SweepReport:
        which, step = told
        progress[which] = step.done
        named = [lessons.label_keys[k] for k in dict.fromkeys(one.label for one in step.at_hand)]
        detail = {"labels": named, "epoch": step.report.epoch, "active": step.report.active}
        return SweepReport(min(total, int(sum(progress.values()))), total, detail)

    steps = side_by_side([partial(_train, lessons, networks) for networks in lanes], threads_of(config))
    found = yield from through(steps, said)
    chosen = {k: one for part, _ in found for k, one in part.items()}
    yield SweepReport(total, total, {lessons.label_keys[k]: one.weight for k, one in chosen.items()})
    return NeuralTeachers(
        models={k: one.model for k, one in chosen.items()},
        weights={k: one.weight for k, one in chosen.items()},
        constants=prevalence_logits(y),
        config=config,
        warnings=_warnings(lessons, at, chosen),
        epochs=sum(spent for _, spent in found),
    )


def networks(lessons: Lessons) -> int:
    """How many ``sweep`` trains."""
    return len(learnable(lessons)) * (len(lessons.config.class_weights) if lessons.config.sweep == "exact" else 1)


def learnable(lessons: Lessons) -> list[int]:
    """The labels that have positives and negatives."""
    positives = (np.asarray(lessons.train_y) > 0).sum(axis=0)
    return np.flatnonzero((positives > 0) & (positives < len(lessons.train_y))).tolist()


def prevalence_logits(y: NDArray) -> NDArray[np.float64]:
    """What is known of a label without a model. Shapes: (N, K) → (K,)."""
    share = np.clip((np.asarray(y) > 0).mean(axis=0), _MINIMUM, 1 - _MINIMUM)
    return np.log(share / (1 - share))


def unlearnable(lessons: Lessons, at: Sequence[int]) -> tuple[tuple[str, dict[str, Any]], ...]:
    """A warning for each label that is not among those ``at``."""
    out = []
    for k, key in enumerate(lessons.label_keys):
        if k not in at:
            any_positive = bool((np.asarray(lessons.train_y)[:, k] > 0).any())
            out.append(("LabelWithoutNegatives" if any_positive else "LabelWithoutPositives", {"labels": key}))
    return tuple(out)


def _warnings(
    lessons: Lessons, at: Sequence[int], chosen: dict[int, _Chosen]
) -> tuple[tuple[str, dict[str, Any]], ...]:
    diverged = [("TeacherDiverged", {"labels": lessons.label_keys[k]}) for k in at if k not in chosen]
    return (*unlearnable(lessons, at), *diverged)


def _lanes(labels: Sequence[int], config: RoundConfig) -> list[list[_Network]]:
    """What one lane trains: exact, all class weights of a label; fast, as many labels as keep every lane busy."""
    if config.sweep == "exact":
        return [[_Network(k, weight) for weight in config.class_weights] for k in labels]
    lanes = min(threads_of(config), len(labels))
    return [[_Network(k, 1.0) for k in labels[lane::lanes]] for lane in range(lanes)]


def stack_size(lessons: Lessons) -> int:
    """How many networks learn together at most, so that all lanes' stacks stay below ``STACKS_BYTES``."""
    config, template = lessons.config, lessons.model(1)
    each = bytes_of(_engine(lessons, template), template, lessons.train_rows, config)
    return max(1, STACKS_BYTES // (threads_of(config) * each))


def _train(lessons: Lessons, networks: Sequence[_Network]) -> Generator[_Step, None, tuple[dict[int, _Chosen], int]]:
    """A lane's networks, stack after stack. Returns what was chosen for each of its labels, and the epochs spent."""
    most, spent = stack_size(lessons), 0
    fitted: list[_Fitted] = []
    for start in range(0, len(networks), most):
        part = networks[start : start + most]

        def said(report: StepReport, start: int = start, part: Sequence[_Network] = part) -> _Step:
            return _Step(start + _done(report, len(part), lessons.config), part, report)

        found, epochs = yield from through(_stack(lessons, part), said)
        fitted += found
        spent += epochs
    by_label: dict[int, list[_Fitted]] = {}
    for one in fitted:
        by_label.setdefault(one.network.label, []).append(one)
    return {k: _choose(lessons, k, of_label) for k, of_label in by_label.items()}, spent


def _stack(lessons: Lessons, networks: Sequence[_Network]) -> Generator[StepReport, None, tuple[list[_Fitted], int]]:
    """One stack on the same batches. Returns those that did not diverge, and the epochs spent."""
    config, table = lessons.config, lessons.table()
    seeds = [derive(config.seed, "teacher", lessons.label_keys[one.label], one.weight) for one in networks]
    engine, weights, width = stacked_models(lessons, seeds, 1, table.device)
    weight = torch.tensor([one.weight for one in networks], dtype=torch.float32)[:, None]  # (M, 1)
    labels = [one.label for one in networks]
    aims, objective = of_teachers(config, _columns(lessons.train_y, labels), weight)
    course = Course(
        engine=engine,
        width=width,
        vectors=table,
        train_rows=lessons.train_rows,
        valid_rows=lessons.valid_rows,
        targets=aims.to(table.device),
        objective=objective,
        positive_weight=weight.to(table.device),
        judge=teacher_judge(_columns(lessons.valid_y, labels), weight),
        config=config,
        seeds=[derive(seed, "dropout") for seed in seeds],
        order_seed=derive(config.seed, "teachers"),
    )
    fitted = yield from fit(weights, course)
    valid = packed_by_length(engine, lessons.valid_rows, table, config)
    found = score(engine, fitted.weights, valid, config)[:, :, 0]  # (M, N)
    sound = np.flatnonzero(fitted.best_epoch > 0).tolist()
    return [_Fitted(networks[m], engine.unstack(fitted.weights, m), found[m]) for m in sound], int(fitted.spent.sum())


def _choose(lessons: Lessons, k: int, fitted: Sequence[_Fitted]) -> _Chosen:
    """The best of a label's networks, or of its one network's shifts."""
    y, config = np.asarray(lessons.valid_y)[:, k], lessons.config
    if config.sweep == "fast":
        (one,) = fitted
        shifted = expit(one.found + np.log(config.class_weights)[:, None])
        weight = config.class_weights[pick(shifted, y, config.class_weights)]
    else:
        found = expit(np.stack([each.found for each in fitted]))
        one = fitted[pick(found, y, [each.network.weight for each in fitted])]
        weight = one.network.weight
    model = lessons.model(1)
    model.load_state_dict(one.state, strict=False)
    return _Chosen(model.eval(), float(weight))


def _done(report: StepReport, models: int, config: RoundConfig) -> float:
    """How many of a stack's networks are through, those in training counted in part."""
    share = (report.epoch - 1 + report.step / report.steps) / config.max_epochs
    return models - report.active + report.active * share


def stacked_models(
    lessons: Lessons, seeds: Sequence[int], outputs: int, device: torch.device
) -> tuple[Engine, Weights, int]:
    """Untrained models from their seeds, their engine, and the width that dropout is applied to."""
    models = [lessons.model(outputs, seed).to(device) for seed in seeds]
    engine = _engine(lessons, models[0])
    return engine, {name: value.to(device) for name, value in engine.stack(models).items()}, models[0].width


def _engine(lessons: Lessons, template: TextModel) -> Engine:
    return engine_of(lessons.config.arch, template, dense=lowered(lessons.config, best_device()))


def _columns(y: NDArray, labels: Sequence[int]) -> torch.Tensor:
    """One label for each of M models. Shapes: (N, K) → (M, N, 1)."""
    return torch.from_numpy(np.asarray(y)[:, list(labels)].T.astype(np.float32))[:, :, None]


def teacher_judge(targets: torch.Tensor, positive_weight: torch.Tensor) -> Judge:
    """F1 at one half on validation, in steps of 0.02; ties by the loss that the model is trained with.

    Loss alone stops a rare label's teacher while it still says "no" to everything; F1 alone stands still for epochs.
    Shapes: targets (M, N, 1), positive_weight (M, 1).
    """
    truth = targets[:, :, 0].numpy() > 0

    def judge(found: NDArray[np.float32], models: NDArray[np.int64]) -> NDArray[np.float64]:
        which = torch.from_numpy(models)
        loss = weighted_bce(torch.from_numpy(found), targets[which], positive_weight[which].unsqueeze(1))
        f1 = _coarse(_f1(found[:, :, 0] >= 0, truth[models]))
        return np.stack([f1, -loss.mean(dim=(1, 2)).numpy().astype(np.float64)], axis=1)

    return judge


def pick(probs: NDArray, y: NDArray, weights: Sequence[float]) -> int:
    """The class weight with the best F1 at one half, in steps of 0.02; ties by average precision, then by size.

    Where no positive is found with any, the largest is taken: average precision of two or three positives is
    chance, and a small weight would make a teacher that never says yes.
    Shapes: probs (W, N), y (N,).
    """
    y = np.asarray(y) > 0
    f1 = _coarse(_f1(probs >= 0.5, np.broadcast_to(y, probs.shape)))
    if f1.max() <= 0:
        return int(np.argmax(weights))
    ranking = [round(float(average_precision_score(y, p)), 9) for p in probs]
    return max(range(len(probs)), key=lambda w: (f1[w], ranking[w], weights[w]))


def _coarse(f1: NDArray[np.float64]) -> NDArray[np.float64]:
    """One text more or less of some sixty moves F1 by more than this: such a difference decides nothing."""
    return np.round(f1 / _STEP) * _STEP


def _f1(predicted: NDArray[np.bool_], y: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Shapes: (M, N) each → (M,)."""
    hits = (predicted & y).sum(axis=1)
    return 2.0 * hits / np.maximum(predicted.sum(axis=1) + y.sum(axis=1), 1)
