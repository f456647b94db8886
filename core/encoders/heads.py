"""Four ways from an encoder's vectors to labels; the sequence decoder is in ``core.encoders.decoder``.

Source: the four heads of hellonlp's classifier-multi-label, corrected: padding is never read, and a text shorter than
a window is one window.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

WINDOWS = (2, 3, 4, 5, 6, 7)
FILTERS = 128
KEEP = 0.5
SPREAD = 0.02  # of drawn weights, as BERT's are


class Head(nn.Module):
    """An encoder's vectors to one logit a label. Each label is a question of its own unless ``soft`` is false.

    Laws: padding changes nothing, a batch is its texts one by one, the seed decides the start, and a saved state gives
    the same logits.
    """

    soft: ClassVar[bool] = True  # whether probabilities can be learned; else whole label sets alone
    exportable: ClassVar[bool] = True

    def forward(self, hidden: Tensor, mask: Tensor) -> Tensor:
        """Shapes: hidden (B, T, D), mask (B, T) bool → (B, K)."""
        raise NotImplementedError

    def loss(self, hidden: Tensor, mask: Tensor, targets: Tensor) -> Tensor:
        """The mean over texts and labels of the cross-entropy. Shapes: targets (B, K) in 0 … 1 → ()."""
        return nn.functional.binary_cross_entropy_with_logits(self(hidden, mask).float(), targets)

    def decided(self, hidden: Tensor, mask: Tensor) -> Tensor:
        """The label sets at one half. Shapes: → (B, K) bool."""
        return self(hidden, mask) >= 0


class Pooled(nn.Module):
    """The vector of the classification mark through one layer and tanh."""

    def __init__(self, width: int, *, mark_at_end: bool) -> None:
        super().__init__()
        self.mark_at_end = mark_at_end
        self.dense = nn.Linear(width, width)

    def forward(self, hidden: Tensor, mask: Tensor) -> Tensor:
        """Shapes: → (B, D)."""
        if not self.mark_at_end:
            return torch.tanh(self.dense(hidden[:, 0]))
        last = (mask.sum(dim=1) - 1).clamp(min=0).reshape(-1, 1, 1).expand(-1, 1, hidden.shape[2])
        return torch.tanh(self.dense(hidden.gather(1, last).squeeze(1)))


class ClsHead(Head):
    """The pooled mark → one logit a label."""

    def __init__(self, width: int, labels: int, *, mark_at_end: bool) -> None:
        super().__init__()
        self.pooled = Pooled(width, mark_at_end=mark_at_end)
        self.output = nn.Linear(width, labels)

    def forward(self, hidden: Tensor, mask: Tensor) -> Tensor:
        return self.output(self.pooled(hidden, mask))


class DensesHead(Head):
    """The pooled mark → for each label a pair of its own, "no" and "yes".

    The loss over a pair is the two-way softmax, so its logit is the pair's difference, and a soft target has a meaning.
    """

    def __init__(self, width: int, labels: int, *, mark_at_end: bool) -> None:
        super().__init__()
        self.pooled = Pooled(width, mark_at_end=mark_at_end)
        self.pairs = nn.Linear(width, 2 * labels)  # K layers of two, side by side

    def forward(self, hidden: Tensor, mask: Tensor) -> Tensor:
        pairs = self.pairs(self.pooled(hidden, mask)).unflatten(1, (-1, 2))  # (B, K, 2)
        return pairs[:, :, 1] - pairs[:, :, 0]


class TextCNNHead(Head):
    """Windows of 2 to 7 vectors, 128 filters each, ReLU, the maximum over a text's own windows."""

    def __init__(self, width: int, labels: int, *, mark_at_end: bool) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList(nn.Conv1d(width, FILTERS, k) for k in WINDOWS)
        self.dropout = nn.Dropout(1 - KEEP)
        self.output = nn.Linear(FILTERS * len(WINDOWS), labels)

    def forward(self, hidden: Tensor, mask: Tensor) -> Tensor:
        lengths = mask.sum(dim=1, keepdim=True)  # (B, 1)
        channels = (hidden * mask.unsqueeze(2)).transpose(1, 2)  # (B, D, T)
        starts = torch.arange(hidden.shape[1], device=hidden.device)  # a window begins at each token
        pooled = []
        for k, convolution in zip(WINDOWS, self.convolutions, strict=True):
            seen = torch.relu(convolution(nn.functional.pad(channels, (0, k - 1))))  # (B, F, T)
            whole = starts <= (lengths - k).clamp(min=0)  # (B, T): those that end within the text, one at least
            pooled.append(torch.where(whole.unsqueeze(1), seen, 0.0).amax(dim=2))
        return self.output(self.dropout(torch.cat(pooled, dim=1)))


def draw(head: nn.Module, seed: int, pooler: tuple[Tensor, Tensor] | None = None) -> None:
    """Weights to start from, by a generator of its own; a pooler that was pretrained stays what it was."""
    generator = torch.Generator().manual_seed(seed)
    for layer in head.modules():
        if isinstance(layer, nn.Linear):
            nn.init.trunc_normal_(layer.weight, std=SPREAD, a=-2 * SPREAD, b=2 * SPREAD, generator=generator)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
        elif isinstance(layer, nn.Conv1d):
            nn.init.trunc_normal_(layer.weight, std=0.1, a=-0.2, b=0.2, generator=generator)
            assert layer.bias is not None
            nn.init.constant_(layer.bias, 0.1)
        elif isinstance(layer, nn.LSTM | nn.LSTMCell):
            bound = layer.hidden_size**-0.5
            for value in layer.parameters(recurse=False):
                nn.init.uniform_(value, -bound, bound, generator=generator)
        elif isinstance(layer, nn.Embedding):
            nn.init.normal_(layer.weight, std=SPREAD, generator=generator)
    for layer in head.modules():
        if pooler is not None and isinstance(layer, Pooled):
            with torch.no_grad():
                layer.dense.weight.copy_(pooler[0])
                layer.dense.bias.copy_(pooler[1])
