"""What each kind of model minimises: the round's losses over hard labels, teachers' probabilities, or both.

A student's is (1-h)·L_soft(z, teachers) + h·L(z, labels); with binary cross-entropy in both places that is one of them
against (1-h)·soft + h·hard, and is trained as such. The frequencies that a loss asks for are those of its training
texts, spliced ones left out: validation and gold are never counted.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.config import RoundConfig
from core.distill.lessons import Lessons
from core.losses.frequencies import Frequencies, frequencies
from core.losses.registry import Made, made

PLAIN = "bce.v1"


class Objective(NamedTuple):
    """``targets`` (N, T), in the form that ``loss`` reads; None: binary cross-entropy, weighted where asked."""

    targets: NDArray[np.float32]
    loss: Made | None


def of_student(lessons: Lessons, mixed: NDArray) -> Objective:
    """What learns from teachers. Shapes: mixed (N+S, K), which is (1-h)·soft + h·hard of the N texts, and soft of S.

    Raises LossUndefined: the loss of soft targets has no meaning for them.
    """
    config, y = lessons.config, np.asarray(lessons.train_y, dtype=np.float32)
    if config.loss == config.soft_loss == PLAIN:
        return Objective(np.asarray(mixed, dtype=np.float32), None)
    own = len(y) - lessons.spliced
    hard_share = np.zeros((len(y), 1), dtype=np.float32)
    hard_share[:own] = config.hard_share
    soft = np.where(hard_share < 1, (mixed - hard_share * y) / np.maximum(1 - hard_share, 1e-9), y).clip(0, 1)
    seen = frequencies(y[:own])
    return Objective(
        np.concatenate([soft, y, hard_share], axis=1).astype(np.float32),
        _both(made(config.soft_loss, seen, soft=True), made(config.loss, seen), y.shape[1]),
    )


def of_standalone(lessons: Lessons, y: NDArray) -> Objective:
    """What learns the labels alone. Shapes: y (N, K)."""
    hard = np.asarray(y, dtype=np.float32)
    if lessons.config.loss == PLAIN:
        return Objective(hard, None)
    return Objective(hard, made(lessons.config.loss, frequencies(hard)))


def of_teachers(config: RoundConfig, columns: Tensor, weights: Tensor) -> tuple[Tensor, Made | None]:
    """What networks of one label each learn; a class weight W multiplies the loss of positives.

    Shapes: columns (M, N, 1), weights (M, 1) → targets (M, N, T). Raises LossUndefined: it takes all labels of a text.
    """
    if config.teacher_loss == PLAIN:
        return columns, None
    count = columns.sum(dim=1, keepdim=True).clamp(min=1.0).expand_as(columns)
    weighted = torch.where(columns > 0, weights[:, :, None], 1.0)
    seen = Frequencies(count[:, :1], columns.shape[1], centre=1.0)
    made(config.teacher_loss, seen, binary=True)
    return torch.cat([columns, weighted, count], dim=-1), _of_one(config.teacher_loss, columns.shape[1])


def _both(soft_loss: Made, hard_loss: Made, labels: int) -> Made:
    def loss(logits: Tensor, targets: Tensor) -> Tensor:
        soft, hard, share = targets.split([labels, labels, 1], dim=-1)
        return (1 - share) * soft_loss(logits, soft) + share * hard_loss(logits, hard)

    return loss


def _of_one(name: str, texts: int) -> Made:
    def loss(logits: Tensor, targets: Tensor) -> Tensor:
        y, weight, count = targets.split(1, dim=-1)
        return weight * made(name, Frequencies(count, texts, centre=1.0), binary=True)(logits, y)

    return loss
