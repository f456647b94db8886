"""TextRNN: one LSTM from left to right, read where the document ends (liu2016textrnn)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from core.config import RoundConfig
from core.models.base import TextModel
from core.models.bigru import blank


class TextRNN(TextModel):
    """The LSTM's state after the last real token → one logit per label.

    Source: liu2016textrnn, the model for one task; jozefowicz2015 for the forget gate's bias. The width is ours.
    """

    def layers(self, n_labels: int, config: RoundConfig, breaks: Tensor) -> None:
        self.width = config.rnn_hidden
        self.lstm = blank(nn.LSTM, int(self.vectors.shape[1]), self.width)
        self.output = nn.utils.skip_init(nn.Linear, self.width, n_labels)

    def draw(self, seed: int) -> None:
        super().draw(seed)
        open_forget_gate(self.lstm)

    def features(self, tokens: Tensor, embedded: Tensor, lengths: Tensor) -> Tensor:
        """An empty document has the zero state. Shapes: see TextModel."""
        states = self.lstm(embedded)[0]  # (B, T, H); padding stands on the right, where it cannot reach back
        last = (lengths - 1).clamp(min=0).view(-1, 1, 1).expand(-1, 1, self.width)
        return states.gather(1, last).squeeze(1) * (lengths > 0).unsqueeze(1)


def open_forget_gate(lstm: nn.LSTM) -> None:
    """Add one to the second of four gates' biases: closed at the start, early words never count (jozefowicz2015)."""
    with torch.no_grad():
        lstm.all_weights[0][2][lstm.hidden_size : 2 * lstm.hidden_size] += 1
