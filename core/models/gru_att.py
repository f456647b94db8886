"""GRU-Att: a bidirectional GRU, pooled by attention, maximum and mean at once (banerjee2019htrans)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from core.config import RoundConfig
from core.models.attention import Attention
from core.models.base import TextModel
from core.models.bigru import BiGRU


class GRUAtt(TextModel):
    """BiGRU → [Σ a·h ; max h ; mean h] over the real tokens → one logit per label.

    Source: banerjee2019htrans; the layer widths and the form of the attention score are ours.
    """

    def layers(self, n_labels: int, config: RoundConfig, breaks: Tensor) -> None:
        states = 2 * config.gru_hidden
        self.width = 3 * states
        self.gru = BiGRU(int(self.vectors.shape[1]), config.gru_hidden)
        self.attention = Attention(states)
        self.output = nn.utils.skip_init(nn.Linear, self.width, n_labels)

    def features(self, tokens: Tensor, embedded: Tensor, lengths: Tensor) -> Tensor:
        """An empty document is all zero. Shapes: see TextModel."""
        real = torch.arange(embedded.shape[1], device=embedded.device) < lengths.unsqueeze(1)  # (B, T)
        states = self.gru(embedded, lengths)  # (B, T, 2H)
        there = real.unsqueeze(2)
        greatest = torch.where(there, states, torch.finfo(states.dtype).min).amax(dim=1)
        greatest = torch.where((lengths > 0).unsqueeze(1), greatest, 0.0)
        mean = (states * there).sum(dim=1) / lengths.clamp(min=1).unsqueeze(1)
        return torch.cat([self.attention(states, real), greatest, mean], dim=1)  # (B, 6H)
