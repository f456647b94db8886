"""What every text model promises; ``tests/laws`` checks each registered model against it."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from core.config import RoundConfig
from core.text.vocab import PAD


class TextModel(nn.Module):
    """Token positions to one logit per label, over a table of word vectors.

    Laws: padding on the right changes nothing, a batch is its documents one by one, and a saved state gives the
    same logits. A subclass writes ``layers``, which sets ``width`` and ``output``, and ``features``.
    """

    vectors: Tensor  # (V, D): a buffer while frozen, a parameter when it learns; saved with the weights either way
    output: nn.Module  # (B, width) → (B, K)
    width: int

    def __init__(
        self,
        vectors: NDArray[np.float32] | Tensor,
        n_labels: int,
        config: RoundConfig,
        *,
        seed: int = 0,
        breaks: NDArray[np.bool_] | Tensor | None = None,
    ) -> None:
        """``breaks`` (V,) marks the tokens that end a sentence, for those that ask."""
        super().__init__()
        table = torch.as_tensor(vectors, dtype=torch.float32)
        if config.trainable_vectors:
            self.vectors = nn.Parameter(table.clone())
        else:
            self.register_buffer("vectors", table)
        self.dropout = nn.Dropout(config.dropout)
        none = torch.zeros(len(table), dtype=torch.bool)
        self.layers(n_labels, config, none if breaks is None else torch.as_tensor(breaks, dtype=torch.bool))
        self.draw(seed)

    def layers(self, n_labels: int, config: RoundConfig, breaks: Tensor) -> None:
        """Make what has weights, undrawn; their order is that of the draw. Shapes: breaks (V,)."""
        raise NotImplementedError

    def draw(self, seed: int) -> None:
        """The weights to start from."""
        initialise(self, seed)

    def forward(self, tokens: Tensor) -> Tensor:
        """Shapes: tokens (B, T) int64, PAD on the right only → logits (B, K)."""
        return self.output(self.dropout(self.read(tokens)))

    def read(self, tokens: Tensor) -> Tensor:
        """Everything before dropout. Shapes: tokens (B, T) → (B, width)."""
        lengths = (tokens != PAD).sum(dim=1)
        return self.features(tokens, nn.functional.embedding(tokens, self.vectors, padding_idx=PAD), lengths)

    def embedding(self, seen: Tensor) -> Tensor:
        """Where a document lies among others, of what ``read`` gives. Shapes: (B, width) → (B, E)."""
        return seen

    def features(self, tokens: Tensor, embedded: Tensor, lengths: Tensor) -> Tensor:
        """What lies past a document's length is ignored.

        Shapes: tokens (B, T), embedded (B, T, D), lengths (B,) → (B, width).
        """
        raise NotImplementedError


def initialise(module: nn.Module, seed: int) -> None:
    """Uniform within ±1/√fan_in for each layer, from a generator of its own: no global seed is read or moved.

    Recurrent layers take ±1/√H as their reference has it; other parameters of their own ±1/√(last dimension).
    """
    generator = torch.Generator().manual_seed(seed)
    for layer in module.modules():
        for name, value in layer.named_parameters(recurse=False):
            if name == "vectors":
                continue
            fan_in = int(value.shape[-1])
            if isinstance(layer, nn.RNNBase):
                fan_in = layer.hidden_size
            elif isinstance(layer, nn.Linear | nn.Conv1d):
                fan_in = layer.weight[0].numel()
            with torch.no_grad():
                value.copy_(_uniform(value, fan_in**-0.5, generator))


def _uniform(like: Tensor, bound: float, generator: torch.Generator) -> Tensor:
    return torch.empty(like.shape).uniform_(-bound, bound, generator=generator)


def best_device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
