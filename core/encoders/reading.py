"""Token ids through an encoder: batches that are padded, masked by length, and the vectors of their tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from core.encoders.load import Encoder

if TYPE_CHECKING:
    from core.encoders.features import Row  # which reads by this module


class Batch(NamedTuple):
    """What goes in. The mask comes from the lengths: no id means "padding" by itself."""

    tokens: Tensor  # (B, T) int64
    mask: Tensor  # (B, T) bool


def batch_of(
    rows: Sequence[NDArray[np.int64]], pad: int, *, width: int = 0, device: str | torch.device = "cpu"
) -> Batch:
    """Rows filled on the right. Shapes: → (B, T) each, T the longest row or ``width`` if that is more."""
    wide = max([1, width, *map(len, rows)])
    tokens = np.full((len(rows), wide), pad, dtype=np.int64)
    for n, row in enumerate(rows):
        tokens[n, : len(row)] = row
    mask = np.arange(wide) < np.array([len(row) for row in rows]).reshape(-1, 1)
    return Batch(torch.from_numpy(tokens).to(device), torch.from_numpy(mask).to(device))


def hidden_of(network: Any, batch: Batch) -> Tensor:
    """The last layer's vectors; those past a text's end are zero. Shapes: → (B, T, D)."""
    found = network(input_ids=batch.tokens, attention_mask=batch.mask.to(torch.int64)).last_hidden_state
    return found * batch.mask.unsqueeze(2)


def padded_hidden(rows: Sequence[Row | NDArray[np.floating[Any]]]) -> tuple[Tensor, Tensor]:
    """Vectors that were kept, as a batch. Shapes: rows of (T, D) → (B, T, D), mask (B, T)."""
    wide = max(1, max(len(row) for row in rows))
    out = np.zeros((len(rows), wide, rows[0].shape[1]), dtype=np.float32)
    for n, row in enumerate(rows):
        out[n, : len(row)] = row
    mask = np.arange(wide) < np.array([len(row) for row in rows]).reshape(-1, 1)
    return torch.from_numpy(out), torch.from_numpy(mask)


def checkpoint_layers(encoder: Encoder) -> None:
    """Work each layer's way out again on the way back, instead of keeping it: less memory, a third more time."""
    network = encoder.network
    if network.supports_gradient_checkpointing:
        network.activation_checkpointing_enable(activation_checkpointing_kwargs={"use_reentrant": False})
        return
    for group in network.encoder.albert_layer_groups:  # ALBERT shares its layers, and the library leaves it out
        group.forward = _again(group.forward)


def _again(forward: Any) -> Any:
    def worked_out_again(*args: Any, **kwargs: Any) -> Any:
        if not torch.is_grad_enabled():
            return forward(*args, **kwargs)
        return checkpoint(forward, *args, use_reentrant=False, **kwargs)

    return worked_out_again
