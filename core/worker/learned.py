"""What a round has found, whether it was a flat one or one of a tree: what is evaluated, packed and published."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.distill.pipeline import RoundReport
from core.evaluate.metrics import MetricRow
from core.evaluate.wide import AtK
from core.predictions import Likeliest
from db.records import QueueRow

Tell = Callable[[RoundReport], None]  # heartbeat, progress, and the chance to stop
Pack = Callable[[Path, Sequence[Mapping[str, Any]], Mapping[str, Any], Path], Any]  # makes a student into one file


@dataclass(frozen=True, kw_only=True)
class Learned:
    """``gold``: each model's probabilities of gold (G, K); ``pool_probs`` the student's of the pool, all or lists."""

    metrics: list[MetricRow]
    thresholds: NDArray[np.float64]  # (K,) the student's
    gold: Mapping[str, NDArray[np.float32]]
    pool_probs: NDArray[np.float32] | Likeliest
    ranked: list[QueueRow]
    student_dir: Path
    pack: Pack
    n_train: int
    n_valid: int
    timings: dict[str, float]
    warnings: list[tuple[str, dict[str, Any]]]
    teacher_weights: dict[str, float] = field(default_factory=dict)
    at_k: Sequence[AtK] = ()
    card: Mapping[str, Any] = field(default_factory=dict)  # what the model card has beside all this
