"""Zero-bounded log-sum-exp pairwise ranking (su2022zlpr): every label of a text above zero, every other below."""

from __future__ import annotations

import torch
from torch import Tensor


def zlpr(logits: Tensor, targets: Tensor) -> Tensor:
    """log(1 + Σ_positive e^-z) + log(1 + Σ_negative e^z), one number a text, repeated for each of its labels.

    So that the mean over all entries is the mean over texts. A label is predicted where z > 0. Shapes: (…, N, K).
    """
    positive = targets > 0
    never = torch.finfo(logits.dtype).min
    zero = torch.zeros_like(logits[..., :1])
    up = torch.logsumexp(torch.cat([zero, torch.where(positive, -logits, never)], dim=-1), dim=-1)
    down = torch.logsumexp(torch.cat([zero, torch.where(positive, never, logits)], dim=-1), dim=-1)
    return (up + down).unsqueeze(-1).expand_as(logits)
