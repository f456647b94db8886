"""Focal loss on logits, and its class-balanced form (lin2017focal, cui2019; as in huang2021's code).

``focal`` is ½·(1-p)²·bce with p = exp(-bce), the probability given to the right answer: what is answered well already
counts little. The ½ is the published α, the same for both answers. The gradient goes through the factor too.
"""

from __future__ import annotations

import torch
from torch import Tensor

from core.losses.bce import weighted_bce

ALPHA, GAMMA = 0.5, 2.0
EFFECTIVE = 0.9  # β of cui2019 as huang2021 sets it: the weight stands at 0.1 from some forty texts on


def focal(logits: Tensor, targets: Tensor, weight: Tensor | float = 1.0) -> Tensor:
    """Each entry by itself. Shapes: all broadcast to that of ``logits``."""
    plain = weighted_bce(logits, targets)
    return ALPHA * (1 - torch.exp(-plain)) ** GAMMA * weight * plain


def effective_weight(counts: Tensor) -> Tensor:
    """(1-β) / (1-βⁿ) by label, the same for positives and negatives. Shapes: (…, K) → (…, K)."""
    return (1 - EFFECTIVE) / (1 - EFFECTIVE ** counts.clamp(min=1.0))
