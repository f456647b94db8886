"""Probabilities from trained models, in batches of like length; and the published student that makes them."""

from __future__ import annotations

import json
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from core.config import RoundConfig
from core.models.packed import pack
from core.models.stacked import Weights, logits, stack
from core.models.textcnn import TextCNN
from core.text.batches import by_length
from core.text.normalize import normalize
from core.text.tokenize import segmenter
from core.text.vocab import Vocab
from core.train.checkpoint import load_model
from core.train.loop import SCORE_BATCH

Rows = Sequence[NDArray[np.int64]]


def probabilities(weights: Weights, rows: Rows, vectors: torch.Tensor, chunks: int) -> NDArray[np.float32]:
    """σ(logits) in the rows' own order. Shapes: → (M, N, K)."""
    steps = probability_steps(weights, rows, vectors, chunks)
    while True:
        try:
            next(steps)
        except StopIteration as finished:
            return finished.value


def probability_steps(
    weights: Weights, rows: Rows, vectors: torch.Tensor, chunks: int
) -> Generator[int, None, NDArray[np.float32]]:
    """Like ``probabilities``, but yields how many rows are done after each batch."""
    models, _, labels = weights["output.weight"].shape
    out = np.zeros((models, len(rows), labels), dtype=np.float32)
    done = 0
    for at in by_length(rows, SCORE_BATCH):
        packed = pack([rows[n] for n in at], vectors, chunks)
        with torch.no_grad():
            out[:, at] = logits(weights, packed, chunks).sigmoid().cpu().numpy()
        done += len(at)
        yield done
    return out


def encode(texts: Sequence[str], vocab: Vocab, config: RoundConfig) -> list[NDArray[np.int64]]:
    """Texts as token positions, normalised and segmented as the model was trained."""
    cut = segmenter(config.segmenter)
    return [vocab.encode(cut(normalize(text)), config.max_tokens) for text in texts]


@dataclass(frozen=True)
class Student:
    """A published student: scores texts without anything else of its round."""

    model: TextCNN
    vocab: Vocab
    config: RoundConfig
    label_keys: tuple[str, ...]
    thresholds: NDArray[np.float64]  # (K,)
    meta: dict[str, Any]

    def probabilities(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Shapes: → (N, K)."""
        rows = encode(texts, self.vocab, self.config)
        return probabilities(stack([self.model]), rows, self.model.vectors, self.config.chunks)[0]


def load_student(directory: Path) -> Student:
    """Raises ModelUnavailable: the directory lacks a file, or holds a model this code does not know."""
    model, vocab, meta = load_model(Path(directory))
    return Student(
        model=model,
        vocab=vocab,
        config=RoundConfig.from_mapping(meta["config"]),
        label_keys=tuple(meta["label_keys"]),
        thresholds=np.array(meta["thresholds"], dtype=np.float64),
        meta=json.loads(json.dumps(meta)),
    )
