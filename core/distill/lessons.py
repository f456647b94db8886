"""The labelled part of a round as arrays: what teachers and students learn from."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from core.config import RoundConfig
from core.distill.reading import Reading
from core.models.base import TextModel, best_device
from core.models.engine import Rows
from core.models.registry import build
from core.text.encode import Encoder
from core.train.lanes import threads_of

__all__ = ["Lessons", "encoding", "threads_of"]
_CHUNK = 128  # texts read between two reports


@dataclass(frozen=True, kw_only=True)
class Lessons:
    """Training and validation texts, as token positions and as they stand; validation is never learned from.

    Shapes: vectors (V, D), breaks (V,), train_y (N, K).
    """

    vectors: NDArray[np.float32]
    breaks: NDArray[np.bool_] | None = None  # the tokens that end a sentence
    train_rows: Rows
    train_texts: Sequence[str] = ()  # only linear teachers read texts
    train_y: NDArray
    valid_rows: Rows
    valid_texts: Sequence[str] = ()
    valid_y: NDArray
    label_keys: Sequence[str]
    config: RoundConfig
    spliced: int = 0  # of the training texts, the last ones: what teachers alone have answered for
    encode: Encoder | None = None  # reads new texts; without it there are none
    reading: Reading | None = None  # what heads stand on, where one is used

    def table(self) -> torch.Tensor:
        return torch.from_numpy(self.vectors).to(best_device())

    def model(self, outputs: int, seed: int = 0) -> TextModel:
        """An untrained model of the round's architecture."""
        return build(self.config.arch, self.vectors, outputs, self.config, seed=seed, breaks=self.breaks)

    def with_config(self, config: RoundConfig) -> Lessons:
        return replace(self, config=config)

    def only(self, at: NDArray[np.int64]) -> Lessons:
        """A part of the training texts; the same validation texts."""
        texts = [self.train_texts[n] for n in at] if self.train_texts else ()
        rows = [self.train_rows[n] for n in at]
        return replace(self, train_rows=rows, train_texts=texts, train_y=np.asarray(self.train_y)[at])


def encoding(encode: Encoder, texts: Sequence[str]) -> Generator[int, None, list[NDArray[np.int64]]]:
    """Rows of all texts; yields how many are read. A segmenter that is a network itself reads a few a second."""
    rows: list[NDArray[np.int64]] = []
    for start in range(0, len(texts), _CHUNK):
        rows += encode(texts[start : start + _CHUNK])
        yield len(rows)
    return rows
