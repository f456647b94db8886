"""How much memory a model of a stack takes while it learns: an upper estimate, by which stacks are cut to size.

Five things of a model's own size are held: weights, gradient, Adam's two moments, the best epoch so far; a sixth while
the stack is made, and a seventh now and then on the way back. Beside them what its way back needs of a batch, counted
in numbers (four bytes) a token, a distinct token and a document, as the engines of this package hold them. What all
models share (the batch, the vectors) is not counted.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from core.config import RoundConfig
from core.models.base import TextModel
from core.models.dense import DenseEngine
from core.models.engine import Engine, Rows
from core.models.textcnn import WINDOWS

_COPIES = 7
_SPARE = 1.25  # memory that is used again is taken a quarter too large
_NUMBER = 4  # bytes


class Held(NamedTuple):
    """Numbers that a model holds of a batch."""

    token: float
    distinct: float
    document: float


def _recurrent(states: int, gates: int) -> Held:
    """States, their gradients and attention's inside; tables of the gates there and back; pooled thrice at most."""
    return Held(_SPARE * 3 * states, 2 * gates, 9 * states)


_HELD: dict[str, Callable[[RoundConfig], Held]] = {
    # only maxima are kept; a maximum, its place, gradients; the bottleneck and its mask
    "textcnn.v1": lambda c: Held(0, 0, 6 * len(WINDOWS) * c.chunks * c.filters + 6 * c.hidden),
    "textrnn.v1": lambda c: Held(_SPARE * 6 * c.rnn_hidden, 8 * c.rnn_hidden, 6 * c.rnn_hidden),
    "gru_att.v1": lambda c: _recurrent(2 * c.gru_hidden, 6 * c.gru_hidden),
    "han.v1": lambda c: _recurrent(2 * 2 * c.han_hidden, 6 * c.han_hidden),  # of words, and as much of sentences
}


def bytes_of(engine: Engine, template: TextModel, rows: Rows, config: RoundConfig) -> int:
    """One model's share of a stack that learns these rows; by plain autograd every layer's output is held thrice."""
    own = sum(value.numel() for value in template.parameters())
    lengths = np.sort([len(row) for row in rows])[-config.batch_size :]
    documents = len(lengths)
    if isinstance(engine, DenseEngine) or config.arch not in _HELD:
        tokens = documents * max(1, int(lengths.max(initial=1)))  # padded
        wide = template.vectors.shape[1] + len(WINDOWS) * config.filters + 8 * config.rnn_hidden
        return _NUMBER * (_COPIES * own + 3 * wide * tokens)
    tokens = int(lengths.sum())
    held = _HELD[config.arch](config)
    of_batch = held.token * tokens + held.distinct * min(tokens, len(template.vectors)) + held.document * documents
    return int(_NUMBER * (_COPIES * own + of_batch))
