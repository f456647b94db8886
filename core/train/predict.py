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
from core.models.base import TextModel
from core.models.engine import Rows
from core.models.registry import engine_of
from core.text.batches import by_length
from core.text.normalize import normalize
from core.text.tokenize import segmenter
from core.text.vocab import Vocab
from core.train.checkpoint import load_model
from core.train.loop import SCORE_BATCH, packed_by_length, score


def logits_of(models: Sequence[TextModel], rows: Rows, config: RoundConfig) -> NDArray[np.float32]:
    """Several models of one architecture on the same texts. Shapes: → (M, N, K)."""
    engine = engine_of(config.arch, models[0])
    table = models[0].vectors.detach()
    return score(engine, engine.stack(models), packed_by_length(engine, rows, table, config), config)


def probabilities(model: TextModel, rows: Rows, config: RoundConfig) -> NDArray[np.float32]:
    """σ(logits) in the rows' own order. Shapes: → (N, K)."""
    steps = probability_steps(model, rows, config)
    while True:
        try:
            next(steps)
        except StopIteration as finished:
            return finished.value


def probability_steps(model: TextModel, rows: Rows, config: RoundConfig) -> Generator[int, None, NDArray[np.float32]]:
    """Like ``probabilities``, but yields how many rows are done after each batch."""
    engine = engine_of(config.arch, model)
    weights = engine.stack([model])
    parts: list[tuple[NDArray[np.int64], NDArray[np.float32]]] = []
    done = 0
    for at in by_length(rows, SCORE_BATCH):
        with torch.no_grad():
            packed = engine.pack([rows[n] for n in at], model.vectors.detach(), config)
            parts.append((at, engine.logits(weights, packed, config)[0].sigmoid().cpu().numpy()))
        done += len(at)
        yield done
    out = np.zeros((len(rows), parts[0][1].shape[1] if parts else 0), dtype=np.float32)
    for at, found in parts:
        out[at] = found
    return out


def encode(texts: Sequence[str], vocab: Vocab, config: RoundConfig) -> list[NDArray[np.int64]]:
    """Texts as token positions, normalised and segmented as the model was trained."""
    cut = segmenter(config.segmenter)
    return [vocab.encode(cut(normalize(text)), config.max_tokens) for text in texts]


@dataclass(frozen=True)
class Student:
    """A published student: scores texts without anything else of its round."""

    model: TextModel
    vocab: Vocab
    config: RoundConfig
    label_keys: tuple[str, ...]
    thresholds: NDArray[np.float64]  # (K,)
    meta: dict[str, Any]

    def probabilities(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Shapes: → (N, K)."""
        if not len(texts):
            return np.zeros((0, len(self.label_keys)), dtype=np.float32)
        rows = encode(texts, self.vocab, self.config)
        return probabilities(self.model, rows, self.config)


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
