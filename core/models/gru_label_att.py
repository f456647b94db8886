"""GRU-Att's encoder read by one attention a label instead of its three poolings (mullenbach2018caml, vu2020laat)."""

from __future__ import annotations

import torch
from torch import Tensor

from core.config import RoundConfig
from core.models.attended import LabelAttended
from core.models.bigru import BiGRU


class GRULabelAtt(LabelAttended):
    """BiGRU → one attention a label over its states → that label's logit.

    Source: vu2020laat, with the GRU of banerjee2019htrans in place of an LSTM. Neither maximum nor mean is kept beside
    the attention; the attention is as wide as a state.
    """

    def layers(self, n_labels: int, config: RoundConfig, breaks: Tensor) -> None:
        states = 2 * config.gru_hidden
        self.gru = BiGRU(int(self.vectors.shape[1]), config.gru_hidden)
        self.attend(states, states, n_labels)

    def features(self, tokens: Tensor, embedded: Tensor, lengths: Tensor) -> Tensor:
        """An empty document is all zero. Shapes: see TextModel; width = K·2·H, label by label."""
        real = torch.arange(embedded.shape[1], device=embedded.device) < lengths.unsqueeze(1)  # (B, T)
        return self.attention(self.gru(embedded, lengths), real).flatten(1)
