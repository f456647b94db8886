"""Many recurrent models as one computation: TextRNN, GRU-Att and HAN, each the same maths as its module."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from core.config import RoundConfig
from core.models.base import TextModel
from core.models.engine import Rows, Weights
from core.models.recurrent import Runs, distinct, gru_attend, lstm, project, runs


@dataclass(frozen=True)
class Reading:
    """A batch of documents, made once and shared by every model of a stack."""

    embedded: Tensor  # (U, D): the vectors of the batch's distinct tokens
    words: Runs  # documents over ``embedded``, or a document's sentences
    sentences: Runs | None = None  # documents over the sentences


class _Stacked:
    """Matrices are stacked as (M, in, out), so that neither way through a layer needs a copy."""

    ways = 2

    def __init__(self, template: TextModel) -> None:
        """Shapes are in the weights; only HAN needs something of the template."""

    def stack(self, models: Sequence[TextModel]) -> Weights:
        named = [dict(model.named_parameters()) for model in models]
        return {name: torch.stack([_turned(own[name].detach()) for own in named]).contiguous() for name in named[0]}

    def unstack(self, weights: Weights, m: int) -> Weights:
        return {name: _turned(value[m].detach()).contiguous().clone() for name, value in weights.items()}

    def pack(self, rows: Rows, vectors: Tensor, config: RoundConfig) -> Reading:
        embedded, local, lengths = distinct(rows, vectors)
        return Reading(embedded, runs(local, lengths, self.ways, vectors.device))

    def logits(self, weights: Weights, packed: Reading, config: RoundConfig, dropout: Tensor | None = None) -> Tensor:
        seen = self.read(weights, packed, config)
        if dropout is not None:
            seen = seen * dropout
        return torch.baddbmm(weights["output.bias"].unsqueeze(1), seen, weights["output.weight"])

    def read(self, weights: Weights, packed: Reading, config: RoundConfig) -> Tensor:
        return self.features(weights, packed)

    def features(self, weights: Weights, packed: Reading) -> Tensor:
        """Shapes: → (M, B, H)."""
        raise NotImplementedError


class StackedTextRNN(_Stacked):
    """The engine of TextRNN over frozen vectors."""

    ways = 1

    def features(self, weights: Weights, packed: Reading) -> Tensor:
        bias = weights["lstm.bias_ih_l0"] + weights["lstm.bias_hh_l0"]
        table = project(packed.embedded, weights["lstm.weight_ih_l0"], bias)
        return lstm(table, weights["lstm.weight_hh_l0"], packed.words)


class StackedGRUAtt(_Stacked):
    """The engine of GRU-Att over frozen vectors."""

    def features(self, weights: Weights, packed: Reading) -> Tensor:
        w_in, bias_in, *layer = _bigru(weights, "gru")
        table = project(packed.embedded, w_in, bias_in)
        return gru_attend(table, layer, _attention(weights, "attention"), packed.words, pooled=True)


class StackedHAN(_Stacked):
    """The engine of HAN over frozen vectors."""

    def __init__(self, template: TextModel) -> None:
        super().__init__(template)
        self.breaks: NDArray[np.bool_] = template.get_buffer("breaks").cpu().numpy()

    def pack(self, rows: Rows, vectors: Tensor, config: RoundConfig) -> Reading:
        embedded, local, lengths = distinct(rows, vectors)
        sizes, counts = _sentences(rows, lengths, self.breaks, config.sentence_tokens)
        words = runs(local, sizes, self.ways, vectors.device)
        return Reading(embedded, words, runs(np.arange(len(sizes)), counts, self.ways, vectors.device))

    def features(self, weights: Weights, packed: Reading) -> Tensor:
        assert packed.sentences is not None
        w_in, bias_in, *layer = _bigru(weights, "words")
        table = project(packed.embedded, w_in, bias_in)
        sentences = gru_attend(table, layer, _attention(weights, "word_attention"), packed.words)  # (M, S, 2H)
        w_in, bias_in, *layer = _bigru(weights, "sentences")
        table = torch.baddbmm(bias_in.unsqueeze(1), sentences, w_in)
        return gru_attend(table, layer, _attention(weights, "sentence_attention"), packed.sentences)


def _sentences(
    rows: Rows, lengths: NDArray[np.int64], breaks: NDArray[np.bool_], longest: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Words of each sentence and sentences of each document; an empty document is one sentence of no word."""
    flat = np.concatenate([*rows, np.empty(0, dtype=np.int64)])
    heads = (np.cumsum(lengths) - lengths)[lengths > 0]
    opens = np.zeros(len(flat), dtype=bool)
    opens[1:] = breaks[flat[:-1]]
    opens[heads] = True
    where = np.arange(len(flat))
    opened = np.maximum.accumulate(np.where(opens, where, 0))
    begins = np.flatnonzero((where - opened) % longest == 0)
    counts = np.bincount(np.repeat(np.arange(len(rows)), lengths)[begins], minlength=len(rows))
    sizes = np.diff(begins, append=len(flat))
    empty = np.flatnonzero(counts == 0)
    return np.insert(sizes, np.cumsum(counts)[empty], 0), np.maximum(counts, 1)


def _bigru(weights: Weights, name: str) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Both directions side by side: of the input (M, D, 2·3H) and (M, 2·3H), of the state (M, 2, H, 3H) and (M, 2, H).

    The recurrent bias of r and z is the input's as well; that of n stays inside, where r multiplies it.
    """
    ways = [f"{name}.{way}" for way in ("ahead", "back")]
    inside = [weights[f"{way}.bias_hh_l0"] for way in ways]
    units = inside[0].shape[1] // 3
    from_rows = [
        weights[f"{way}.bias_ih_l0"] + F.pad(own[:, : 2 * units], (0, units))
        for way, own in zip(ways, inside, strict=True)
    ]
    return (
        torch.cat([weights[f"{way}.weight_ih_l0"] for way in ways], dim=2),
        torch.cat(from_rows, dim=1),
        torch.stack([weights[f"{way}.weight_hh_l0"] for way in ways], dim=1),
        torch.stack([own[:, 2 * units :] for own in inside], dim=1),
    )


def _attention(weights: Weights, name: str) -> tuple[Tensor, Tensor, Tensor]:
    context = weights[f"{name}.context.weight"].squeeze(2)  # (M, A, 1) → (M, A)
    return weights[f"{name}.project.weight"], weights[f"{name}.project.bias"], context


def _turned(value: Tensor) -> Tensor:
    return value.t() if value.ndim == 2 else value
