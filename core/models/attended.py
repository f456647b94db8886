"""What every encoder under label-wise attention has in common: each label's own view of the states, and its own logit.

Source: mullenbach2018caml for an attention a label, vu2020laat for the projection before it.
"""

from __future__ import annotations

from torch import Tensor, nn

from core.models.attention import LabelAttention, LabelOutput
from core.models.base import TextModel


class LabelAttended(TextModel):
    """Labels share the encoder and the attention's projection; ``width`` is K·H, label by label."""

    states: int  # H, of what the attention reads
    attention: LabelAttention

    def attend(self, states: int, size: int, n_labels: int) -> None:
        """Make the attention and the output, behind the encoder's layers; ``size`` is that of the projection."""
        self.states, self.width = states, n_labels * states
        self.attention = LabelAttention(states, size, n_labels)
        self.output = nn.utils.skip_init(LabelOutput, states, n_labels)

    def embedding(self, seen: Tensor) -> Tensor:
        """The mean of the labels' views, so that its size does not grow with them. Shapes: (B, K·H) → (B, H)."""
        return seen.unflatten(1, (-1, self.states)).mean(dim=1)
