"""Attention that pools the positions of a row into one vector, or into one a label."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Attention(nn.Module):
    """Positions weighted by how well they fit a learned context: u = tanh(W·h + b), a = softmax(u·u_w), Σ a·h.

    Source: yang2016han, section 2.2.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.project = nn.utils.skip_init(nn.Linear, width, width)
        self.context = nn.utils.skip_init(nn.Linear, width, 1, bias=False)

    def forward(self, states: Tensor, real: Tensor) -> Tensor:
        """A row without a real position is zero. Shapes: states (N, T, H), real (N, T) → (N, H)."""
        scores = self.context(torch.tanh(self.project(states)))  # (N, T, 1)
        return (masked_softmax(scores, real) * states).sum(dim=1)


class LabelAttention(nn.Module):
    """One attention a label over the same positions: a_l = softmax(u_l·tanh(W·h)), v_l = Σ a_l·h.

    Source: mullenbach2018caml for an attention a label, vu2020laat for the projection.
    """

    def __init__(self, width: int, size: int, n_labels: int) -> None:
        super().__init__()
        self.project = nn.utils.skip_init(nn.Linear, width, size, bias=False)
        self.queries = nn.utils.skip_init(nn.Linear, size, n_labels, bias=False)

    def forward(self, states: Tensor, real: Tensor) -> Tensor:
        """A row without a real position is zero. Shapes: states (B, T, H), real (B, T) → (B, K, H)."""
        weights = masked_softmax(self.queries(torch.tanh(self.project(states))), real)  # (B, T, K)
        return weights.transpose(1, 2) @ states


class LabelOutput(nn.Linear):
    """Each label's logit from its own vector: w_l·v_l + b_l. Shapes: (B, K·H) → (B, K); weight (K, H), bias (K,)."""

    def forward(self, seen: Tensor) -> Tensor:
        own = seen.view(seen.shape[0], self.out_features, self.in_features)
        return (own * self.weight).sum(dim=2) + self.bias


def masked_softmax(scores: Tensor, real: Tensor) -> Tensor:
    """Over the real positions of each row; a row without one is all zero, never NaN.

    Shapes: scores (N, T, H), real (N, T) → (N, T, H).
    """
    real = real.unsqueeze(2)
    return scores.masked_fill(~real, torch.finfo(scores.dtype).min).softmax(dim=1) * real
