"""Losses by versioned name; each gives one number an entry, and the caller takes the mean."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from core.errors import ModelUnavailable
from core.losses.bce import weighted_bce

LOSSES: dict[str, Callable[..., Tensor]] = {"bce.v1": weighted_bce}


def loss(name: str) -> Callable[..., Tensor]:
    """Raises ModelUnavailable: no loss of that name."""
    if name not in LOSSES:
        raise ModelUnavailable(name=name, why="one of " + ", ".join(LOSSES))
    return LOSSES[name]
