"""The student by response distillation (lee2022kd, equation 2), and its twin: the same start, and hard labels.

As published both also have the same batches and dropout; with spliced texts the student's batches are larger and more
(``soft_targets.with_more``).
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import expit

from core.config import HEAD_ARCHS
from core.distill.heads import head_pair
from core.distill.lessons import Lessons, threads_of
from core.distill.objectives import of_standalone, of_student
from core.distill.sweep import stacked_models
from core.encoders.classifier import Classifier
from core.errors import TrainingDiverged
from core.evaluate.metrics import per_label
from core.models.base import TextModel
from core.seeds import derive
from core.steps import through
from core.train.lanes import side_by_side
from core.train.loop import Course, Judge, StepReport, fit

NAMES = ("student", "standalone")


class Pair(NamedTuple):
    """``standalone`` is None when it diverged."""

    student: TextModel | Classifier
    standalone: TextModel | Classifier | None


def train_pair(lessons: Lessons, taught: Lessons, aims: NDArray) -> Generator[tuple[str, StepReport], None, Pair]:
    """Both models, side by side; yields which of them has taken a step.

    The student learns what ``syllabus`` made of the lessons. Shapes: aims (N+S, K).
    Raises TrainingDiverged: the student did. Its twin is only a comparison, and can be gone without.
    """
    if lessons.config.arch in HEAD_ARCHS:
        return Pair(*(yield from head_pair(lessons, taught, aims)))
    tasks: list[Callable[[], Generator[StepReport, None, TextModel | None]]] = [
        partial(train_one, taught, aims, taught=True),
        partial(_unless_diverged, lessons, np.asarray(lessons.train_y)),
    ]
    steps = side_by_side(tasks, threads_of(lessons.config))
    student, standalone = yield from through(steps, lambda told: (NAMES[told[0]], told[1]))
    assert student is not None
    return Pair(student, standalone)


def _unless_diverged(lessons: Lessons, targets: NDArray) -> Generator[StepReport, None, TextModel | None]:
    try:
        return (yield from train_one(lessons, targets))
    except TrainingDiverged:
        return None


def train_one(
    lessons: Lessons, targets: NDArray, *, taught: bool = False, judge: Judge | None = None
) -> Generator[StepReport, None, TextModel]:
    """The round's loss, its mean over all labels. Shapes: targets (N, K), hard, or ``taught`` by teachers and mixed.

    A taught one may go all epochs (``student_epoch``): soft targets leave little to overfit, and a few hundred
    validation texts with ten of a rare label pick an epoch mostly by chance.

    Raises TrainingDiverged: the loss was no number from the first epoch on. LossUndefined.
    """
    config, table = lessons.config, lessons.table()
    aim = of_student(lessons, targets) if taught else of_standalone(lessons, targets)
    seed, n_labels = derive(config.seed, "student"), targets.shape[1]
    engine, weights, width = stacked_models(lessons, [seed], n_labels, table.device)
    course = Course(
        engine=engine,
        width=width,
        vectors=table,
        train_rows=lessons.train_rows,
        valid_rows=lessons.valid_rows,
        targets=torch.from_numpy(aim.targets)[None].to(table.device),
        positive_weight=torch.ones(1, n_labels, device=table.device),
        judge=judge or macro_f1_judge(lessons.valid_y),
        config=config,
        seeds=[derive(seed, "dropout")],
        order_seed=derive(config.seed, "students"),
        to_the_end=taught and config.student_epoch == "last",
        objective=aim.loss,
    )
    fitted = yield from fit(weights, course)
    if not fitted.best_epoch[0]:
        raise TrainingDiverged(lr=config.lr)
    model = lessons.model(n_labels)
    model.load_state_dict(engine.unstack(fitted.weights, 0), strict=False)
    return model.eval()


def macro_f1_judge(valid_y: NDArray) -> Judge:
    """Macro-F1 at one half against the labels that people gave, ties by the loss. Shapes: valid_y (N, K)."""
    y = np.asarray(valid_y, dtype=np.float64)

    def judge(found: NDArray[np.float32], models: NDArray[np.int64]) -> NDArray[np.float64]:
        out = []
        for logits in found.astype(np.float64):
            macro = per_label(expit(logits) >= 0.5, y)[2].mean() if len(y) else 0.0
            loss = (np.logaddexp(0, logits) - y * logits).mean() if len(y) else 0.0
            out.append((macro, -loss))
        return np.array(out)

    return judge
