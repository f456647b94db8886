"""HAN whose sentences are read by one attention a label (mullenbach2018caml, vu2020laat)."""

from __future__ import annotations

from torch import Tensor

from core.config import RoundConfig
from core.models.attended import LabelAttended
from core.models.attention import Attention
from core.models.bigru import BiGRU
from core.models.han import sentence_states


class HANAtt(LabelAttended):
    """BiGRU and one attention over a sentence's words; BiGRU and one attention a label over the sentences → logits.

    At the level of sentences: the words are read once for all labels, so that cost grows with labels times sentences.
    Source: yang2016han below, vu2020laat above; the attention is as wide as a state.
    """

    breaks: Tensor  # (V,) bool: tokens that end a sentence; saved with the weights

    def layers(self, n_labels: int, config: RoundConfig, breaks: Tensor) -> None:
        self.longest = config.sentence_tokens
        self.register_buffer("breaks", breaks)
        states = 2 * config.han_hidden
        self.words = BiGRU(int(self.vectors.shape[1]), config.han_hidden)
        self.word_attention = Attention(states)
        self.sentences = BiGRU(states, config.han_hidden)
        self.attend(states, states, n_labels)

    def features(self, tokens: Tensor, embedded: Tensor, lengths: Tensor) -> Tensor:
        """An empty document is one sentence without a word. Shapes: see TextModel; width = K·2·H, label by label."""
        return self.attention(*sentence_states(self, tokens, embedded, lengths)).flatten(1)
