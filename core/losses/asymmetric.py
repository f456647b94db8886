"""Losses for which a missing label is less certain than a given one: asymmetric (ridnik2021), Hill (zhang2021hill)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

POSITIVE_FOCUS, NEGATIVE_FOCUS, MARGIN = 0.0, 2.0, 0.05  # published for images: 0 or 1, 4, .05; less for small data
HILL_MARGIN, HILL_GAMMA, HILL_HEIGHT = 1.0, 2.0, 1.5
_LEAST = 1e-8


def asymmetric(logits: Tensor, targets: Tensor) -> Tensor:
    """(1-p)^γ⁺·(-log p) for positives; for negatives p_m^γ⁻·(-log(1-p_m)), p_m = max(p - m, 0). Each by itself."""
    p = torch.sigmoid(logits)
    shifted = (p - MARGIN).clamp(min=0)
    positive = -((1 - p) ** POSITIVE_FOCUS) * F.logsigmoid(logits)
    negative = -(shifted**NEGATIVE_FOCUS) * torch.log((1 - shifted).clamp(min=_LEAST))
    return torch.where(targets > 0, positive, negative)


def hill(logits: Tensor, targets: Tensor) -> Tensor:
    """(1-s)²·(-log s), s = σ(z-1), for positives; (1.5-p)·p² for negatives, flat again where p is near 1."""
    p, moved = torch.sigmoid(logits), logits - HILL_MARGIN
    positive = -((1 - torch.sigmoid(moved)) ** HILL_GAMMA) * F.logsigmoid(moved)
    return torch.where(targets > 0, positive, (HILL_HEIGHT - p) * p**2)
