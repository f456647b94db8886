"""TextRNN read by one attention a label instead of its last state (mullenbach2018caml, vu2020laat)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from core.config import RoundConfig
from core.models.attended import LabelAttended
from core.models.bigru import blank
from core.models.textrnn import open_forget_gate

_OPSET = 14  # the LSTM operator's own version


class TextRNNAtt(LabelAttended):
    """An LSTM from left to right → its state after each token → one attention a label → that label's logit.

    Source: vu2020laat, whose LSTM reads both ways; liu2016textrnn for this one. The attention is as wide as a state.
    """

    def layers(self, n_labels: int, config: RoundConfig, breaks: Tensor) -> None:
        self.lstm = blank(nn.LSTM, int(self.vectors.shape[1]), config.rnn_hidden)
        self.attend(config.rnn_hidden, config.rnn_hidden, n_labels)

    def draw(self, seed: int) -> None:
        super().draw(seed)
        open_forget_gate(self.lstm)

    def features(self, tokens: Tensor, embedded: Tensor, lengths: Tensor) -> Tensor:
        """An empty document is all zero. Shapes: see TextModel; width = K·H, label by label."""
        real = torch.arange(embedded.shape[1], device=embedded.device) < lengths.unsqueeze(1)  # (B, T)
        states = _states(self.lstm, embedded)  # padding stands on the right, where it cannot reach back
        return self.attention(states, real).flatten(1)


def _states(lstm: nn.LSTM, rows: Tensor) -> Tensor:
    """Every state from a zero start on. Shapes: rows (B, T, D) → (B, T, H)."""
    if not torch.onnx.is_in_onnx_export():
        return lstm(rows)[0]
    # torch.export may fix T to that of its example where all states of an LSTM are used; ONNX has it as one operator
    ((from_rows, from_state, row_bias, state_bias),) = lstm.all_weights
    gates = [_reordered(value).unsqueeze(0) for value in (from_rows, from_state)]
    biases = torch.cat([_reordered(row_bias), _reordered(state_bias)]).unsqueeze(0)
    states = torch.onnx.ops.symbolic(
        "LSTM",
        (rows.transpose(0, 1), *gates, biases),
        {"hidden_size": lstm.hidden_size},
        dtype=rows.dtype,
        shape=(rows.shape[1], 1, rows.shape[0], lstm.hidden_size),
        version=_OPSET,
    )  # (T, directions, B, H)
    return states.squeeze(1).transpose(0, 1)


def _reordered(gates: Tensor) -> Tensor:
    """Torch stacks the gates as input, forget, cell, output; ONNX as input, output, forget, cell."""
    enter, forget, cell, leave = gates.chunk(4)
    return torch.cat([enter, leave, forget, cell])
