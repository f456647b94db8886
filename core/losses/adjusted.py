"""Logit adjustment (menon2021): trained as if the label's prior odds were added, which prediction then leaves out."""

from __future__ import annotations

import torch
from torch import Tensor

from core.losses.bce import weighted_bce
from core.losses.frequencies import Frequencies

TAU = 1.0


def adjusted(logits: Tensor, targets: Tensor, seen: Frequencies) -> Tensor:
    """bce(z + τ·log(π/(1-π)), y), each entry by itself; targets may be soft. Shapes: (…, N, K)."""
    odds = torch.log(seen.counts / (seen.texts - seen.counts).clamp(min=1.0))
    return weighted_bce(logits + TAU * odds, targets)
