"""What trains and scores many models of one architecture at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from core.config import RoundConfig
from core.models.base import TextModel

Weights = dict[str, Tensor]  # each (M, ...)
Rows = Sequence[NDArray[np.int64]]  # documents as token positions, without padding


class Engine(Protocol):
    """M models as one computation: the same maths as the module of that architecture, one by one.

    A batch is packed once and shared by all models. Weights are laid out as the engine likes; ``unstack`` gives a
    model's own back, named and shaped as its module has them.
    """

    def stack(self, models: Sequence[TextModel]) -> Weights:
        """Copies of the models' parameters, one after another."""
        ...

    def unstack(self, weights: Weights, m: int) -> Weights:
        """The parameters of model m; what is no parameter (frozen vectors) is not among them."""
        ...

    def pack(self, rows: Rows, vectors: Tensor, config: RoundConfig) -> Any:
        """A batch of documents. Shapes: vectors (V, D)."""
        ...

    def logits(self, weights: Weights, packed: Any, config: RoundConfig, dropout: Tensor | None = None) -> Tensor:
        """Shapes: dropout (M, B, H), a mask already scaled → (M, B, K)."""
        ...

    def read(self, weights: Weights, packed: Any, config: RoundConfig) -> Tensor:
        """What each model's output reads: its ``read``. Shapes: → (M, B, width)."""
        ...
