"""What every text model promises; ``tests/laws`` checks each registered model against it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from core.text.vocab import PAD


class TextModel(nn.Module):
    """Token positions to one logit per label, over a frozen table of word vectors.

    Laws: padding on the right changes nothing, a batch is its documents one by one, and a saved state gives the
    same logits. ``forward_embedded`` is the same computation from the vectors on.
    """

    vectors: Tensor  # (V, D), a buffer: frozen, and saved with the weights

    def forward(self, tokens: Tensor) -> Tensor:
        """Shapes: tokens (B, T) int64, PAD on the right only → logits (B, K)."""
        lengths = (tokens != PAD).sum(dim=1)
        return self.forward_embedded(nn.functional.embedding(tokens, self.vectors), lengths)

    def forward_embedded(self, embedded: Tensor, lengths: Tensor) -> Tensor:
        """What lies past a document's length is ignored. Shapes: embedded (B, T, D), lengths (B,) → logits (B, K)."""
        raise NotImplementedError


def initialise(module: nn.Module, seed: int) -> None:
    """Uniform within ±1/√fan_in for each layer, from a generator of its own: no global seed is read or moved."""
    generator = torch.Generator().manual_seed(seed)
    for layer in module.modules():
        if isinstance(layer, nn.Linear | nn.Conv1d):
            bound = layer.weight[0].numel() ** -0.5
            with torch.no_grad():
                layer.weight.copy_(_uniform(layer.weight, bound, generator))
                if layer.bias is not None:
                    layer.bias.copy_(_uniform(layer.bias, bound, generator))


def _uniform(like: Tensor, bound: float, generator: torch.Generator) -> Tensor:
    return torch.empty(like.shape).uniform_(-bound, bound, generator=generator)


def best_device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
