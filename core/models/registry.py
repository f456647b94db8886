"""Architectures by versioned name, so that an old round's model still loads after the code has moved on."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from core.config import RoundConfig
from core.errors import ModelUnavailable
from core.models.base import TextModel
from core.models.textcnn import TextCNN

ARCHITECTURES: dict[str, Callable[..., TextModel]] = {"textcnn.v1": TextCNN}


def build(
    arch: str, vectors: NDArray[np.float32] | Tensor, n_labels: int, config: RoundConfig, *, seed: int = 0
) -> TextModel:
    """An untrained model. Raises ModelUnavailable: no architecture of that name."""
    if arch not in ARCHITECTURES:
        raise ModelUnavailable(name=arch, why="one of " + ", ".join(ARCHITECTURES))
    return ARCHITECTURES[arch](vectors, n_labels, config, seed=seed)
