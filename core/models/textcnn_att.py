"""TextCNN read by one attention a label instead of max pooling (mullenbach2018caml, vu2020laat)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from core.config import RoundConfig
from core.models.attended import LabelAttended
from core.models.textcnn import WINDOWS


class TextCNNAtt(LabelAttended):
    """Three convolutions → each position's 3·F features → one attention a label → that label's logit.

    Source: mullenbach2018caml and vu2020laat, over the convolutions of liu2017xmlcnn; the attention is as wide as
    one convolution.
    """

    def layers(self, n_labels: int, config: RoundConfig, breaks: Tensor) -> None:
        depth, filters = int(self.vectors.shape[1]), config.filters
        self.convolutions = nn.ModuleList(nn.utils.skip_init(nn.Conv1d, depth, filters, k) for k in WINDOWS)
        self.attend(len(WINDOWS) * filters, filters, n_labels)

    def features(self, tokens: Tensor, embedded: Tensor, lengths: Tensor) -> Tensor:
        """An empty document is all zero. Shapes: see TextModel; width = K·3·F, label by label."""
        real = torch.arange(embedded.shape[1], device=embedded.device) < lengths.unsqueeze(1)  # (B, T)
        channels = (embedded * real.unsqueeze(2)).transpose(1, 2)  # (B, T, D) → (B, D, T)
        seen = [
            # k - 1 zeros on the right: as many windows as tokens, each starting at one
            torch.relu(convolution(nn.functional.pad(channels, (0, k - 1))))  # (B, F, T)
            for k, convolution in zip(WINDOWS, self.convolutions, strict=True)
        ]
        states = torch.cat(seen, dim=1).transpose(1, 2)  # (B, T, 3F)
        return self.attention(states, real).flatten(1)
