"""Adam over a stack of models, from which models can leave."""

from __future__ import annotations

import torch
from torch import Tensor

from core.models.engine import Weights


class StackedAdam:
    """Adam whose every model is updated as if it were alone; all have taken the same number of steps."""

    def __init__(self, weights: Weights, lr: float) -> None:
        self.lr = lr
        self.weights = {name: value.requires_grad_() for name, value in weights.items()}
        self._adam = self._new()

    def step(self, loss: Tensor) -> None:
        self._adam.zero_grad(set_to_none=True)
        loss.backward()
        self._adam.step()

    def keep(self, models: Tensor) -> None:
        """Only these models go on, with their moments. Shapes: models (A,) positions in the present stack."""
        old = [self._adam.state[value] for value in self.weights.values()]
        self.weights = {
            name: value.detach()[models].contiguous().requires_grad_() for name, value in self.weights.items()
        }
        self._adam = self._new()
        for value, state in zip(self.weights.values(), old, strict=True):
            self._adam.state[value] = {
                key: held[models].contiguous() if held.ndim else held for key, held in state.items()
            }

    def _new(self) -> torch.optim.Adam:
        return torch.optim.Adam(self.weights.values(), lr=self.lr, fused=True)
