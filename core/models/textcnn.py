"""TextCNN as XML-CNN has it: three window sizes, dynamic max pooling, a hidden bottleneck (liu2017xmlcnn).

This module is the reference and what is exported; ``core.models.stacked`` is the same maths for many models at once.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from core.config import RoundConfig
from core.models.base import TextModel
from core.models.pooling import dynamic_max_pool

WINDOWS = (2, 4, 8)


class TextCNN(TextModel):
    """Convolutions over a frozen embedding → ReLU → dynamic max pooling → bottleneck → one logit per label."""

    def layers(self, n_labels: int, config: RoundConfig, breaks: Tensor) -> None:
        self.chunks = config.chunks
        self.width = config.hidden
        depth, filters = int(self.vectors.shape[1]), config.filters
        self.convolutions = nn.ModuleList(nn.utils.skip_init(nn.Conv1d, depth, filters, k) for k in WINDOWS)
        pooled = len(WINDOWS) * config.chunks * filters
        self.hidden = nn.utils.skip_init(nn.Linear, pooled, config.hidden)
        self.output = nn.utils.skip_init(nn.Linear, config.hidden, n_labels)

    def features(self, tokens: Tensor, embedded: Tensor, lengths: Tensor) -> Tensor:
        real = torch.arange(embedded.shape[1], device=embedded.device) < lengths.unsqueeze(1)  # (B, T)
        channels = (embedded * real.unsqueeze(2)).transpose(1, 2)  # (B, T, D) → (B, D, T)
        pooled = []
        for k, convolution in zip(WINDOWS, self.convolutions, strict=True):
            # k - 1 zeros on the right: as many windows as tokens, each starting at one
            seen = torch.relu(convolution(nn.functional.pad(channels, (0, k - 1))))  # (B, F, T)
            pooled.append(dynamic_max_pool(seen.transpose(1, 2), lengths, self.chunks))
        return torch.relu(self.hidden(torch.cat(pooled, dim=1)))  # (B, 3pF) → (B, H)
