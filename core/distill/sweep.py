"""Teachers by binary relevance: for each label one TextCNN a class weight, and the best of them on validation.

Source: lee2022kd, section 3. Which validation figure decides is not stated there; the rule here is in ``pick``.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score

from core.config import RoundConfig
from core.losses.bce import weighted_bce
from core.models.base import best_device
from core.models.stacked import Weights, stack, unstack
from core.models.textcnn import TextCNN
from core.seeds import derive
from core.train.lanes import side_by_side
from core.train.loop import Course, Judge, Rows, StepReport, fit
from core.train.predict import probabilities

_STEP = 0.02  # of F1
_MINIMUM = 1e-4  # a constant teacher is never quite sure


@dataclass(frozen=True, kw_only=True)
class Lessons:
    """The labelled part of a round as arrays; validation is never learned from."""

    vectors: NDArray[np.float32]  # (V, D)
    train_rows: Rows
    train_y: NDArray  # (N, K)
    valid_rows: Rows
    valid_y: NDArray
    label_keys: Sequence[str]
    config: RoundConfig

    def table(self) -> torch.Tensor:
        return torch.from_numpy(self.vectors).to(best_device())


@dataclass(frozen=True)
class Teachers:
    """One chosen model a label; a label with one class in training has its prevalence instead."""

    models: dict[int, TextCNN]
    weights: dict[int, float]
    constants: NDArray[np.float64]  # (K,): what labels without a model answer
    vectors: NDArray[np.float32]
    chunks: int
    warnings: tuple[tuple[str, dict[str, Any]], ...]

    def probabilities(self, rows: Rows) -> NDArray[np.float32]:
        """Shapes: → (N, K)."""
        out = np.tile(self.constants.astype(np.float32), (len(rows), 1))
        if self.models:
            table = torch.from_numpy(self.vectors).to(best_device())
            together = {name: value.to(table.device) for name, value in stack(list(self.models.values())).items()}
            out[:, list(self.models)] = probabilities(together, rows, table, self.chunks)[:, :, 0].T
        return out


@dataclass(frozen=True)
class SweepReport:
    """Where the sweep stands. ``done`` counts teachers, in part while they train."""

    done: int
    total: int
    detail: dict[str, Any] = field(default_factory=dict)


def sweep(lessons: Lessons) -> Generator[SweepReport, None, Teachers]:
    """Train every label × class weight and keep the best of each label."""
    y = np.asarray(lessons.train_y) > 0
    prevalence = np.clip(y.mean(axis=0), _MINIMUM, 1 - _MINIMUM)
    learnable = [k for k in range(y.shape[1]) if 0 < y[:, k].sum() < len(y)]
    names = {False: "LabelWithoutPositives", True: "LabelWithoutNegatives"}
    warnings = tuple(
        (names[bool(y[:, k].any())], {"labels": lessons.label_keys[k]}) for k in range(y.shape[1]) if k not in learnable
    )
    per_label = len(lessons.config.class_weights)
    total = len(learnable) * per_label
    progress: dict[int, float] = {}
    makers = [partial(_label, lessons, k) for k in learnable]
    lanes = side_by_side(makers, threads_of(lessons.config))
    while True:
        try:
            which, report = next(lanes)
        except StopIteration as finished:
            chosen: list[_Chosen] = finished.value
            break
        progress[which] = _done(report, lessons.config)
        detail = {"labels": [lessons.label_keys[learnable[which]]], "epoch": report.epoch, "active": report.active}
        yield SweepReport(min(total, int(sum(progress.values()) * per_label)), total, detail)
    yield SweepReport(total, total, {lessons.label_keys[k]: c.weight for k, c in zip(learnable, chosen, strict=True)})
    return Teachers(
        models={k: c.model for k, c in zip(learnable, chosen, strict=True)},
        weights={k: c.weight for k, c in zip(learnable, chosen, strict=True)},
        constants=prevalence,
        vectors=lessons.vectors,
        chunks=lessons.config.chunks,
        warnings=warnings,
    )


class _Chosen(NamedTuple):
    model: TextCNN
    weight: float


def _label(lessons: Lessons, k: int) -> Generator[StepReport, None, _Chosen]:
    """All class weights of one label in one stack, on the same batches."""
    config, key, table = lessons.config, lessons.label_keys[k], lessons.table()
    seeds = [derive(config.seed, "teacher", key, float(weight)) for weight in config.class_weights]
    models = len(seeds)
    weight = torch.tensor(config.class_weights, dtype=torch.float32)[:, None]  # (W, 1)
    course = Course(
        vectors=table,
        train_rows=lessons.train_rows,
        valid_rows=lessons.valid_rows,
        targets=_column(lessons.train_y, k, models).to(table.device),
        positive_weight=weight.to(table.device),
        judge=teacher_judge(_column(lessons.valid_y, k, models), weight),
        config=config,
        seeds=[derive(seed, "dropout") for seed in seeds],
        order_seed=derive(config.seed, "teachers"),
    )
    fitted = yield from fit(stacked_models(lessons, seeds, 1, table.device), course)
    valid = probabilities(fitted.weights, lessons.valid_rows, table, config.chunks)[:, :, 0]  # (W, N)
    best = pick(valid, np.asarray(lessons.valid_y)[:, k], config.class_weights)
    model = TextCNN(lessons.vectors, 1, config)
    model.load_state_dict(unstack(fitted.weights, best), strict=False)
    return _Chosen(model.eval(), float(config.class_weights[best]))


def _done(report: StepReport, config: RoundConfig) -> float:
    """The share of a label's teachers that are through, those in training counted in part."""
    models = len(config.class_weights)
    share = (report.epoch - 1 + report.step / report.steps) / config.max_epochs
    return (models - report.active + report.active * share) / models


def threads_of(config: RoundConfig) -> int:
    return config.threads or min(4, os.cpu_count() or 1)


def stacked_models(lessons: Lessons, seeds: Sequence[int], outputs: int, device: torch.device) -> Weights:
    """Untrained models from their seeds. Shapes: each (M, ...)."""
    fresh = stack([TextCNN(lessons.vectors, outputs, lessons.config, seed=seed) for seed in seeds])
    return {name: value.to(device) for name, value in fresh.items()}


def _column(y: NDArray, k: int, models: int) -> torch.Tensor:
    """One label for each of M models. Shapes: (N, K) → (M, N, 1)."""
    column = torch.from_numpy(np.asarray(y)[:, k].astype(np.float32))
    return column[None, :, None].expand(models, -1, -1)


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


def pick(probs: NDArray[np.float32], y: NDArray, weights: Sequence[float]) -> int:
    """The class weight whose model has the best F1 at one half, in steps of 0.02; ties by average precision.

    Where no model finds a single positive the largest weight is taken: average precision of two or three positives
    is chance, and a small weight would make a teacher that never says yes.
    Shapes: probs (W, N), y (N,).
    """
    y = np.asarray(y) > 0
    f1 = _coarse(_f1(probs >= 0.5, np.broadcast_to(y, probs.shape)))
    if f1.max() <= 0:
        return int(np.argmax(weights))
    ranking = [average_precision_score(y, p) for p in probs]
    return max(range(len(probs)), key=lambda w: (f1[w], ranking[w], weights[w]))


def _coarse(f1: NDArray[np.float64]) -> NDArray[np.float64]:
    """One text more or less of some sixty moves F1 by more than this: such a difference decides nothing."""
    return np.round(f1 / _STEP) * _STEP


def _f1(predicted: NDArray[np.bool_], y: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Shapes: (M, N) each → (M,)."""
    hits = (predicted & y).sum(axis=1)
    return 2.0 * hits / np.maximum(predicted.sum(axis=1) + y.sum(axis=1), 1)
