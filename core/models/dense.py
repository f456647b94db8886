"""Any architecture, one model after another, by plain autograd through its module.

Slow and certain: every faster engine is tested against it, and it is what trains a model that has no faster one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.func import functional_call

from core.config import RoundConfig
from core.models.base import TextModel
from core.models.engine import Rows, Weights
from core.text.batches import padded


class Batch(NamedTuple):
    tokens: Tensor  # (B, T)


class DenseEngine:
    """The engine of any module; ``template`` is a model of the kind, whose buffers all share."""

    def __init__(self, template: TextModel) -> None:
        self._whole, self._before = _Whole(template), _Before(template)

    def stack(self, models: Sequence[TextModel]) -> Weights:
        named = [dict(model.named_parameters()) for model in models]
        return {name: torch.stack([own[name].detach() for own in named]) for name in named[0]}

    def unstack(self, weights: Weights, m: int) -> Weights:
        return {name: value[m].detach().clone() for name, value in weights.items()}

    def pack(self, rows: Rows, vectors: Tensor, config: RoundConfig) -> Batch:
        return Batch(torch.from_numpy(padded(rows)).to(vectors.device))

    def logits(self, weights: Weights, packed: Batch, config: RoundConfig, dropout: Tensor | None = None) -> Tensor:
        found = []
        for m in range(len(next(iter(weights.values())))):
            own = {f"module.{name}": value[m] for name, value in weights.items()}
            mask = None if dropout is None else dropout[m]
            found.append(functional_call(self._whole, own, (packed.tokens, mask)))
        return torch.stack(found)

    def read(self, weights: Weights, packed: Batch, config: RoundConfig) -> Tensor:
        found = []
        for m in range(len(next(iter(weights.values())))):
            own = {f"module.{name}": value[m] for name, value in weights.items()}
            found.append(functional_call(self._before, own, (packed.tokens,)))
        return torch.stack(found)


class _Whole(torch.nn.Module):
    """The module with the mask that it is given in place of dropout."""

    def __init__(self, module: TextModel) -> None:
        super().__init__()
        self.module = module

    def forward(self, tokens: Tensor, mask: Tensor | None) -> Tensor:
        seen = self.module.read(tokens)
        return self.module.output(seen if mask is None else seen * mask)


class _Before(torch.nn.Module):
    """The module up to its output."""

    def __init__(self, module: TextModel) -> None:
        super().__init__()
        self.module = module

    def forward(self, tokens: Tensor) -> Tensor:
        return self.module.read(tokens)
