"""The student by response distillation, and its standalone twin: the same start, batches and dropout, hard labels.

Both are trained in one stack, so that any difference between them comes from their targets (lee2022kd, equation 2).
"""

from __future__ import annotations

from collections.abc import Generator
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import expit

from core.distill.sweep import Lessons, stacked_models
from core.evaluate.metrics import per_label
from core.models.stacked import unstack
from core.models.textcnn import TextCNN
from core.seeds import derive
from core.train.loop import Course, Judge, StepReport, fit


class Pair(NamedTuple):
    student: TextCNN
    standalone: TextCNN
    best_epochs: tuple[int, int]


def train_pair(lessons: Lessons, soft: NDArray[np.float32]) -> Generator[StepReport, None, Pair]:
    """Mean binary cross-entropy over labels, without a hard term for the student. Shapes: soft (N, K)."""
    config, table = lessons.config, lessons.table()
    hard = np.asarray(lessons.train_y, dtype=np.float32)
    seed = derive(config.seed, "student")
    n_labels = hard.shape[1]
    course = Course(
        vectors=table,
        train_rows=lessons.train_rows,
        valid_rows=lessons.valid_rows,
        targets=torch.from_numpy(np.stack([soft.astype(np.float32), hard])).to(table.device),
        positive_weight=torch.ones(2, n_labels, device=table.device),
        judge=macro_f1_judge(lessons.valid_y),
        config=config,
        seeds=[derive(seed, "dropout")] * 2,
        order_seed=derive(config.seed, "students"),
    )
    fitted = yield from fit(stacked_models(lessons, [seed, seed], n_labels, table.device), course)
    models = []
    for m in range(2):
        model = TextCNN(lessons.vectors, n_labels, config)
        model.load_state_dict(unstack(fitted.weights, m), strict=False)
        models.append(model.eval())
    return Pair(models[0], models[1], (int(fitted.best_epoch[0]), int(fitted.best_epoch[1])))


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
