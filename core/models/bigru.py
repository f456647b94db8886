"""A GRU read in both directions, each document within its own length, in a form that ONNX can also express."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor, nn

Layer = TypeVar("Layer", bound=nn.RNNBase)

_OPSET = 14  # the GRU operator's own version; its maths has not changed since 7


class BiGRU(nn.Module):
    """Two GRUs, one from the first token on and one from the last real token back.

    Padding is inert because the backward GRU reads each row reversed within its length, so that padding comes last
    in both directions. Equal to a bidirectional ``nn.GRU`` over packed sequences, and much faster on a CPU.
    """

    def __init__(self, depth: int, hidden: int) -> None:
        super().__init__()
        self.ahead = blank(nn.GRU, depth, hidden)
        self.back = blank(nn.GRU, depth, hidden)

    def forward(self, rows: Tensor, lengths: Tensor) -> Tensor:
        """What stands past a row's length is arbitrary. Shapes: rows (N, T, D), lengths (N,) → (N, T, 2·hidden)."""
        steps = torch.arange(rows.shape[1], device=rows.device)
        turned = lengths.unsqueeze(1) - 1 - steps
        turned = torch.where(turned < 0, steps, turned).unsqueeze(2)  # (N, T, 1); its own inverse
        ahead = _run(self.ahead, rows)
        back = _run(self.back, rows.gather(1, turned.expand(-1, -1, rows.shape[2])))
        return torch.cat([ahead, back.gather(1, turned.expand(-1, -1, back.shape[2]))], dim=2)


def blank(kind: Callable[..., Layer], depth: int, hidden: int) -> Layer:
    """A recurrent layer whose weights are not drawn: ``nn.utils.skip_init`` for the layers that it refuses."""
    return kind(depth, hidden, batch_first=True, device="meta").to_empty(device="cpu")


def _run(gru: nn.GRU, rows: Tensor) -> Tensor:
    """Every state from a zero start on. Shapes: rows (N, T, D) → (N, T, hidden)."""
    if not torch.onnx.is_in_onnx_export():
        return gru(rows)[0]
    # torch.export unrolls or loops over a GRU whose batch depends on the data; ONNX has the layer as one operator
    ((from_rows, from_state, row_bias, state_bias),) = gru.all_weights
    gates = [_reordered(value).unsqueeze(0) for value in (from_rows, from_state)]
    biases = torch.cat([_reordered(row_bias), _reordered(state_bias)]).unsqueeze(0)
    states = torch.onnx.ops.symbolic(
        "GRU",
        (rows.transpose(0, 1), *gates, biases),
        {"hidden_size": gru.hidden_size, "linear_before_reset": 1},
        dtype=rows.dtype,
        shape=(rows.shape[1], 1, rows.shape[0], gru.hidden_size),
        version=_OPSET,
    )  # (T, directions, N, hidden)
    return states.squeeze(1).transpose(0, 1)


def _reordered(gates: Tensor) -> Tensor:
    """Torch stacks the gates as reset, update, new; ONNX as update, reset, new."""
    size = gates.shape[0] // 3
    return torch.cat([gates[size : 2 * size], gates[:size], gates[2 * size :]])
