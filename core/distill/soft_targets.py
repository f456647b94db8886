"""What the student learns from: the chosen teachers' probabilities on the training texts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.distill.sweep import Teachers
from core.train.loop import Rows


def in_sample(teachers: Teachers, train_rows: Rows) -> NDArray[np.float32]:
    """As published: each teacher answers for the texts it was trained on (lee2022kd). Shapes: → (N, K)."""
    return teachers.probabilities(train_rows)
