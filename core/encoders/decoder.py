"""Label sets as sequences: an LSTM decoder that attends to the text, and a beam search over its words.

Words: 0 begins (a zero vector), 1 ends, 2 is "no label", then the labels in their order. Training and search both begin
with 0 and end with 1 (in the published code they differ), no label comes twice, "no label" stands alone, and the end
does not come first. Attention is Bahdanau's, its result goes into the next step.
"""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from core.encoders.heads import Head

BEGIN, END, NONE, FIRST = 0, 1, 2, 3
BEAM = 5
LAYERS = 3
KEEP = 0.5
_SURE = 1e-4  # a beam of five sequences knows no probability nearer to 0 or 1


class Memory(NamedTuple):
    """The text as the decoder sees it."""

    values: Tensor  # (B, T, 2D)
    keys: Tensor  # (B, T, 2D)
    mask: Tensor  # (B, T)


class State(NamedTuple):
    hidden: Tensor  # (B, 2D)
    cell: Tensor  # (B, 2D)
    attention: Tensor  # (B, 2D)


class Found(NamedTuple):
    """The sequences of the beam, the likeliest first. ``weights`` sum to one; ``covered`` is their share of all."""

    sets: Tensor  # (B, W, K) bool
    weights: Tensor  # (B, W)
    covered: Tensor  # (B,)


class DecoderHead(Head):
    """A three-layer BiLSTM over the text, then labels one after another."""

    soft: ClassVar[bool] = False
    exportable: ClassVar[bool] = False

    def __init__(self, width: int, labels: int, *, mark_at_end: bool) -> None:
        super().__init__()
        self.labels = labels
        wide = 2 * width
        self.reader = nn.LSTM(width, width, LAYERS, batch_first=True, bidirectional=True, dropout=1 - KEEP)
        self.words = nn.Embedding(labels + FIRST, wide)
        self.cell = nn.LSTMCell(2 * wide, wide)
        self.query = nn.Linear(wide, wide, bias=False)
        self.key = nn.Linear(wide, wide, bias=False)
        self.energy = nn.Linear(wide, 1, bias=False)
        self.attended = nn.Linear(2 * wide, wide, bias=False)
        self.output = nn.Linear(wide, labels + FIRST)
        self.dropout = nn.Dropout(1 - KEEP)

    def forward(self, hidden: Tensor, mask: Tensor) -> Tensor:
        """Logits of the sums of the beam's weights over the sequences that hold a label; no gradient."""
        found = self.searched(hidden, mask)
        sums = (found.weights.unsqueeze(2) * found.sets).sum(dim=1)  # (B, K)
        return torch.logit(sums.clamp(_SURE, 1 - _SURE))

    def decided(self, hidden: Tensor, mask: Tensor) -> Tensor:
        """The likeliest sequence's labels, as published."""
        return self.searched(hidden, mask).sets[:, 0]

    def loss(self, hidden: Tensor, mask: Tensor, targets: Tensor) -> Tensor:
        """The mean cross-entropy of the words, the end included. Shapes: targets (B, K) of 0 and 1."""
        words = sequences(targets)  # (B, S)
        memory, state = self._read(hidden, mask)
        total = hidden.new_zeros(())
        before = torch.full_like(words[:, 0], BEGIN)
        for at in range(words.shape[1]):
            scores, state = self._step(before, memory, state)
            each = nn.functional.cross_entropy(scores.float(), words[:, at], ignore_index=BEGIN, reduction="sum")
            total, before = total + each, words[:, at]
        return total / (words != BEGIN).sum()

    @torch.no_grad()
    def searched(self, hidden: Tensor, mask: Tensor) -> Found:
        """Beam search over K + 1 words at most: with every label once and the end there is no longer sequence."""
        size, words = len(hidden), self.labels + FIRST
        beam = min(BEAM, 1 + self.labels)  # fewer sequences than that may exist with a single label
        memory, state = self._read(hidden, mask)
        memory = Memory(*(part.repeat_interleave(beam, dim=0) for part in memory))
        state = State(*(part.repeat_interleave(beam, dim=0) for part in state))
        scores = hidden.new_full((size, beam), -torch.inf)
        scores[:, 0] = 0.0
        before = torch.full((size, beam), BEGIN, device=hidden.device)
        taken = torch.zeros((size, beam, words), dtype=torch.bool, device=hidden.device)
        for _ in range(self.labels + 1):
            if (before == END).all():
                break
            found, state = self._step(before.reshape(-1), memory, state)
            allowed = _allowed(before, taken)
            next_words = found.float().unflatten(0, (size, beam)).masked_fill(~allowed, -torch.inf)
            total = (scores.unsqueeze(2) + next_words.log_softmax(dim=2)).flatten(1)  # (B, W·V)
            scores, best = total.topk(beam, dim=1)
            parent, before = best // words, best % words
            taken = taken.gather(1, parent.unsqueeze(2).expand_as(taken)).scatter(2, before.unsqueeze(2), True)
            rows = (torch.arange(size, device=hidden.device).unsqueeze(1) * beam + parent).reshape(-1)
            state = State(*(part[rows] for part in state))
        return Found(taken[:, :, FIRST:], scores.softmax(dim=1), scores.exp().sum(dim=1))

    def _read(self, hidden: Tensor, mask: Tensor) -> tuple[Memory, State]:
        """The text, and the state to begin with: the top layer's last of both directions."""
        lengths = mask.sum(dim=1).clamp(min=1).cpu()
        packed = nn.utils.rnn.pack_padded_sequence(hidden, lengths, batch_first=True, enforce_sorted=False)
        seen, (last, cells) = self.reader(packed)
        values, _ = nn.utils.rnn.pad_packed_sequence(seen, batch_first=True, total_length=hidden.shape[1])
        values = self.dropout(values)
        first = torch.cat([last[-2], last[-1]], dim=1), torch.cat([cells[-2], cells[-1]], dim=1)
        return Memory(values, self.key(values), mask), State(*first, torch.zeros_like(first[0]))

    def _step(self, before: Tensor, memory: Memory, state: State) -> tuple[Tensor, State]:
        """One word on. Shapes: before (B,) → scores (B, V)."""
        word = self.words(before) * (before != BEGIN).unsqueeze(1)
        hidden, cell = self.cell(torch.cat([word, state.attention], dim=1), (state.hidden, state.cell))
        energy = self.energy(torch.tanh(self.query(hidden).unsqueeze(1) + memory.keys)).squeeze(2)  # (B, T)
        # Bahdanau: a text without a token attends to nothing rather than dividing by nothing
        weights = energy.masked_fill(~memory.mask, torch.finfo(energy.dtype).min).softmax(dim=1)
        context = (weights.unsqueeze(2) * memory.values).sum(dim=1)
        attention = self.attended(torch.cat([hidden, context], dim=1))
        return self.output(attention), State(hidden, cell, attention)


def _allowed(before: Tensor, taken: Tensor) -> Tensor:
    """Which words may come next. Shapes: before (B, W), taken (B, W, V) → (B, W, V)."""
    allowed = ~taken
    allowed[:, :, BEGIN] = False
    first, over = before == BEGIN, (before == END) | (before == NONE)
    allowed[:, :, NONE] = first
    allowed[:, :, END] = ~first
    only_end = torch.zeros_like(allowed)
    only_end[:, :, END] = True
    return torch.where(over.unsqueeze(2), only_end, allowed)


def sequences(targets: Tensor) -> Tensor:
    """Label sets as words, ended, then filled with 0. Shapes: (B, K) → (B, S), S the longest."""
    rows = [(torch.nonzero(row > 0.5).squeeze(1) + FIRST).tolist() or [NONE] for row in targets]
    out = torch.full((len(rows), 1 + max(map(len, rows))), BEGIN, dtype=torch.int64, device=targets.device)
    for n, row in enumerate(rows):
        out[n, : len(row)] = torch.tensor(row)
        out[n, len(row)] = END
    return out
