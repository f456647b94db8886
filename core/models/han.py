"""HAN: words make sentences, sentences make the document, each level a BiGRU under attention (yang2016han)."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import torch
from torch import Tensor, nn

from core.config import RoundConfig
from core.models.attention import Attention
from core.models.base import TextModel
from core.models.bigru import BiGRU


class Sentences(NamedTuple):
    """The sentences of a batch one after another; an empty document is one sentence of no word."""

    start: Tensor  # (N,): position of the first word in the flattened batch (B·T)
    sizes: Tensor  # (N,): words
    counts: Tensor  # (B,): sentences of each document


class HAN(TextModel):
    """BiGRU and attention over the words of a sentence, then over the sentences of the document → logits.

    Source: yang2016han; a sentence ends after a token of ``breaks`` or at ``sentence_tokens``, which are ours.
    """

    breaks: Tensor  # (V,) bool: tokens that end a sentence; saved with the weights

    def layers(self, n_labels: int, config: RoundConfig, breaks: Tensor) -> None:
        self.longest = config.sentence_tokens
        self.register_buffer("breaks", breaks)
        self.width = 2 * config.han_hidden
        self.words = BiGRU(int(self.vectors.shape[1]), config.han_hidden)
        self.word_attention = Attention(self.width)
        self.sentences = BiGRU(self.width, config.han_hidden)
        self.sentence_attention = Attention(self.width)
        self.output = nn.utils.skip_init(nn.Linear, self.width, n_labels)

    def features(self, tokens: Tensor, embedded: Tensor, lengths: Tensor) -> Tensor:
        """An empty document is one sentence without a word. Shapes: see TextModel."""
        return self.sentence_attention(*sentence_states(self, tokens, embedded, lengths))


class Hierarchy(Protocol):
    """What reads words and sentences, whatever then reads the document."""

    breaks: Tensor
    longest: int
    words: BiGRU
    word_attention: Attention
    sentences: BiGRU


def sentence_states(model: Hierarchy, tokens: Tensor, embedded: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
    """The state after each sentence, and which are there. Shapes: as ``features`` → (B, S, 2H), (B, S)."""
    found = split_sentences(model.breaks[tokens], lengths, model.longest)
    longest = found.sizes.max().clamp(min=1).item()
    within = torch.arange(longest, device=tokens.device)  # (W,)
    at = (found.start.unsqueeze(1) + within).clamp(max=tokens.numel() - 1)  # (N, W)
    words = model.words(embedded.flatten(0, 1)[at], found.sizes)  # (N, W, 2H)
    vectors = model.word_attention(words, within < found.sizes.unsqueeze(1))  # (N, 2H)

    most = found.counts.max().item()
    order = torch.arange(most, device=tokens.device)  # (S,)
    first = (found.counts.cumsum(0) - found.counts).unsqueeze(1)
    rows = vectors[(first + order).clamp(max=vectors.shape[0] - 1)]  # (B, S, 2H)
    return model.sentences(rows, found.counts), order < found.counts.unsqueeze(1)


def split_sentences(ends: Tensor, lengths: Tensor, longest: int) -> Sentences:
    """Every real token in one sentence: up to a token that ends one, or to ``longest`` tokens.

    Written over the flattened batch with running sums, gathers and one scatter, so that it exports to ONNX.
    Shapes: ends (B, T) bool, lengths (B,).
    """
    step = torch.arange(ends.shape[1], device=ends.device).expand_as(ends)  # (B, T)
    real = step < lengths.unsqueeze(1)
    head = (step == 0).flatten()
    where = torch.arange(ends.numel(), device=ends.device)  # (B·T,)
    opens = torch.cat([ends.new_ones(1), ends.flatten()[:-1]]) | head
    opened = opens.nonzero().squeeze(1)[opens.long().cumsum(0) - 1]  # where each token's sentence opened
    begins = ((where - opened) % longest == 0) & real.flatten() | head
    start = begins.nonzero().squeeze(1)
    sentence = begins.long().cumsum(0) - 1  # each token's; padding belongs to the last, and counts for nothing
    sizes = torch.zeros_like(start).scatter_add(0, sentence, real.flatten().long())
    return Sentences(start, sizes, begins.view(ends.shape).sum(dim=1))
