"""Heads over a pretrained encoder in a round: as the teacher of all labels at once, as student, as its twin.

A teacher learns the labels that have positives and negatives; the others have their prevalence, as with networks of one
label. A head that learns whole sets answers with the sums of its beam (``core.encoders.decoder``), and so can teach.
All epochs are trained, as published: no epoch is picked on validation.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.config import RoundConfig
from core.distill.lessons import Lessons
from core.distill.objectives import Objective, of_standalone, of_student
from core.distill.reading import Reading, plan_of
from core.distill.sweep import SweepReport, learnable, prevalence_logits, unlearnable
from core.encoders.classifier import Classifier
from core.encoders.training import Learned, fit
from core.errors import HeadNeedsEncoder, TrainingDiverged
from core.models.engine import Rows
from core.seeds import derive
from core.steps import through
from core.train.lanes import together
from core.train.loop import StepReport


@dataclass(frozen=True, kw_only=True)
class HeadTeacher:
    """One network for all labels that can be learned; the others have their prevalence.

    It stands where ``core.distill.sweep.NeuralTeachers`` does; there is no class weight.
    """

    reading: Reading
    classifier: Classifier | None  # None: no label can be learned
    at: tuple[int, ...]  # positions of the labels that it has learned
    constants: NDArray[np.float64]  # (K,): the logits of the others
    warnings: tuple[tuple[str, dict[str, Any]], ...]
    epochs: int
    weights: dict[int, float] = field(default_factory=dict)

    def unweighted_steps(self, rows: Rows, texts: Sequence[str]) -> Generator[float, None, NDArray[np.float32]]:
        """Yields the share that is done. Shapes: → (N, K)."""
        out = np.tile(self.constants.astype(np.float32), (len(texts), 1))
        if self.classifier is not None and len(texts):
            out[:, self.at] = yield from self.reading.logit_steps(self.classifier, texts)
        return out

    @property
    def log_weights(self) -> NDArray[np.float64]:
        return np.zeros(len(self.constants))


def head_teacher(lessons: Lessons) -> Generator[SweepReport, None, HeadTeacher]:
    """Train it on the labels that people gave. Raises TooLittleMemory, TrainingDiverged, HeadNeedsEncoder."""
    config, at, y = lessons.config, learnable(lessons), np.asarray(lessons.train_y)
    total, classifier = config.encoder_epochs, None
    if at:
        keys = [lessons.label_keys[k] for k in at]
        hard = of_standalone(lessons.with_config(replace(config, loss=config.teacher_loss)), y[:, at])
        steps = learned(lessons, hard, keys, derive(config.seed, "head teacher"))
        classifier = yield from through(steps, lambda told: SweepReport(_epochs(told, config), total, {"labels": keys}))
    yield SweepReport(total, total)
    return HeadTeacher(
        reading=_reading(lessons), classifier=classifier, at=tuple(at), constants=prevalence_logits(y),
        warnings=unlearnable(lessons, at), epochs=total if at else 0,
    )  # fmt: skip


def head_pair(
    lessons: Lessons, taught: Lessons, aims: NDArray
) -> Generator[tuple[str, StepReport], None, tuple[Classifier, Classifier | None]]:
    """Student and twin, one after the other; yields which of them has taken a step. Shapes: aims (N+S, K).

    Raises TrainingDiverged: the student did.
    """
    seed, keys = derive(lessons.config.seed, "student"), lessons.label_keys
    steps = learned(taught, of_student(taught, aims), keys, seed)
    student = yield from through(steps, lambda told: ("student", _report(told, lessons.config)))
    try:
        steps = learned(lessons, of_standalone(lessons, np.asarray(lessons.train_y)), keys, seed)
        twin = yield from through(steps, lambda told: ("standalone", _report(told, lessons.config)))
    except TrainingDiverged:
        return student, None
    return student, twin


def learned(
    lessons: Lessons, aim: Objective, label_keys: Sequence[str], seed: int
) -> Generator[Learned, None, Classifier]:
    """A head of the round's architecture that has learned its training texts.

    Raises HeadNeedsHard, HeadNeedsEncoder, TooLittleMemory, TrainingDiverged.
    """
    reading, texts = _reading(lessons), list(lessons.train_texts)
    classifier = reading.untrained(lessons.config.arch, label_keys, seed)
    with together(lessons.config):
        yield from fit(
            classifier, texts, aim.targets, plan_of(lessons.config, seed), vectors=reading.vectors(texts),
            objective=aim.loss, every_label=False,
        )  # fmt: skip
    return classifier


def _reading(lessons: Lessons) -> Reading:
    if lessons.reading is None:
        raise HeadNeedsEncoder(head=lessons.config.arch)
    return lessons.reading


def _epochs(told: Learned, config: RoundConfig) -> int:
    return told.step * config.encoder_epochs // told.steps


def _report(told: Learned, config: RoundConfig) -> StepReport:
    """As a network's: which epoch, which step of it; nothing is judged on the way."""
    steps = max(1, told.steps // config.encoder_epochs)
    epoch, step = divmod(told.step - 1, steps)
    return StepReport(epoch + 1, step + 1, steps, 1, np.empty(0))
