"""Binary cross-entropy on logits, for hard and soft targets (lee2022kd, equations 1 and 2)."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F


def weighted_bce(logits: Tensor, targets: Tensor, positive_weight: Tensor | None = None) -> Tensor:
    """- W·y·log σ(z) - (1-y)·log(1-σ(z)), each entry by itself: W touches the positive term only.

    Shapes: all broadcast to that of ``logits``.
    """
    return F.binary_cross_entropy_with_logits(logits, targets, reduction="none", pos_weight=positive_weight)
