"""Architectures by versioned name, so that an old round's model still loads after the code has moved on."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from core.config import RoundConfig
from core.errors import ModelUnavailable
from core.models.base import TextModel
from core.models.dense import DenseEngine
from core.models.engine import Engine
from core.models.gru_att import GRUAtt
from core.models.gru_label_att import GRULabelAtt
from core.models.han import HAN
from core.models.han_att import HANAtt
from core.models.stacked import StackedCNN
from core.models.stacked_rnn import StackedGRUAtt, StackedHAN, StackedTextRNN
from core.models.textcnn import TextCNN
from core.models.textcnn_att import TextCNNAtt
from core.models.textrnn import TextRNN
from core.models.textrnn_att import TextRNNAtt


class Architecture(NamedTuple):
    """A module, and what trains many of it at once while its vectors are frozen."""

    build: Callable[..., TextModel]
    engine: Callable[[TextModel], Engine]


ARCHITECTURES: dict[str, Architecture] = {
    "textcnn.v1": Architecture(TextCNN, StackedCNN),
    "textrnn.v1": Architecture(TextRNN, StackedTextRNN),
    "han.v1": Architecture(HAN, StackedHAN),
    "gru_att.v1": Architecture(GRUAtt, StackedGRUAtt),
    "textcnn_att.v1": Architecture(TextCNNAtt, DenseEngine),
    "textrnn_att.v1": Architecture(TextRNNAtt, DenseEngine),
    "han_att.v1": Architecture(HANAtt, DenseEngine),
    "gru_label_att.v1": Architecture(GRULabelAtt, DenseEngine),
}


def build(
    arch: str,
    vectors: NDArray[np.float32] | Tensor,
    n_labels: int,
    config: RoundConfig,
    *,
    seed: int = 0,
    breaks: NDArray[np.bool_] | Tensor | None = None,
) -> TextModel:
    """An untrained model; ``breaks`` (V,) marks the tokens that end a sentence.

    Raises ModelUnavailable: no architecture of that name.
    """
    return _known(arch).build(vectors, n_labels, config, seed=seed, breaks=breaks)


def engine_of(arch: str, template: TextModel, *, dense: bool = False) -> Engine:
    """What trains and scores models like ``template``; ``dense`` asks for the plain computation.

    Vectors that learn need the plain one: the fast ones live from vectors that all models share.
    """
    known = _known(arch)
    if dense or template.vectors.requires_grad:
        return DenseEngine(template)
    return known.engine(template)


def _known(arch: str) -> Architecture:
    if arch not in ARCHITECTURES:
        raise ModelUnavailable(name=arch, why="one of " + ", ".join(ARCHITECTURES))
    return ARCHITECTURES[arch]
