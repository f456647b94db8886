"""What trained models answer; and the published student, which reads texts."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.config import HEAD_ARCHS, RoundConfig
from core.encoders.classifier import Classifier
from core.encoders.saving import load_head
from core.encoders.scoring import Reader
from core.errors import BadSetting, ModelUnavailable
from core.models.base import TextModel
from core.models.engine import Rows
from core.models.registry import engine_of
from core.steps import through
from core.stored_config import as_run
from core.text.encode import Encoder, encoder
from core.text.vocab import Vocab
from core.train.checkpoint import FORMAT, META, load_model
from core.train.loop import packed_by_length, score_steps
from core.train.revising import Revision, revised
from core.train.scoring import Scorer, row_logit_steps, score_rows, scorer

_MANY = 512  # rows from which on a table for each model is worth its making


def logit_steps(
    models: Sequence[TextModel], rows: Rows, config: RoundConfig, lanes: int = 1
) -> Generator[float, None, NDArray[np.float32]]:
    """Several models of one architecture on the same texts; yields the share that is done. Shapes: → (M, N, K)."""
    if len(rows) < _MANY:
        engine, table = engine_of(config.arch, models[0]), models[0].vectors.detach()
        batches = packed_by_length(engine, rows, table, config)
        return (yield from score_steps(engine, engine.stack(models), batches, config))
    found: list[NDArray[np.float32]] = []
    for model in models:
        steps = row_logit_steps(scorer(model, config), rows, lanes)
        found.append((yield from through(steps, lambda done: (len(found) + done / len(rows)) / len(models))))
    return np.stack(found)


def probabilities(model: TextModel, rows: Rows, config: RoundConfig) -> NDArray[np.float32]:
    """σ(logits) in the rows' own order. Shapes: → (N, K)."""
    return score_rows(scorer(model, config), rows)


@dataclass(frozen=True)
class Student:
    """A published student: scores texts without anything else of its round."""

    model: TextModel | Classifier
    vocab: Vocab  # a head's is empty: it has tokens of its own
    config: RoundConfig
    label_keys: tuple[str, ...]
    thresholds: NDArray[np.float64]  # (K,)
    meta: dict[str, Any]
    revision: Revision = field(default_factory=Revision)

    def scorer(self) -> Scorer:
        """The model with what its round does to its logits."""
        return revised(scorer(self.model, self.config), self.revision)

    def reader(self) -> Encoder:
        """From texts as they came to the rows that ``scorer`` takes; safe for threads."""
        return Reader(self.model) if isinstance(self.model, Classifier) else encoder(self.vocab, self.config)

    def probabilities(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Shapes: → (N, K)."""
        if not len(texts):
            return np.zeros((0, len(self.label_keys)), dtype=np.float32)
        return score_rows(self.scorer(), self.reader()(texts))


def load_student(directory: Path) -> Student:
    """Raises ModelUnavailable: the directory lacks a file, or holds a model this code does not know.

    EncoderUnavailable: it is a head, and its encoder cannot be loaded.
    """
    directory = Path(directory)
    model: TextModel | Classifier
    meta = _meta(directory)
    if as_run(meta["config"]).arch in HEAD_ARCHS:
        model, vocab = load_head(directory, meta), Vocab.of_counts(Counter(), 1)
    else:
        model, vocab, meta = load_model(directory)
    return Student(
        model=model,
        vocab=vocab,
        config=as_run(meta["config"]),
        label_keys=tuple(meta["label_keys"]),
        thresholds=np.array(meta["thresholds"], dtype=np.float64),
        meta=json.loads(json.dumps(meta)),
        revision=Revision.from_json(meta.get("revision"), directory),
    )


def _meta(directory: Path) -> dict[str, Any]:
    try:
        meta: dict[str, Any] = json.loads((directory / META).read_text(encoding="utf-8"))
        if meta["format"] > FORMAT:
            raise ModelUnavailable(name=str(directory), why=f"format {meta['format']} > {FORMAT}")
        as_run(meta["config"])
        meta["label_keys"], meta["thresholds"]
        return meta
    except (OSError, ValueError, KeyError, TypeError, BadSetting) as error:
        raise ModelUnavailable(name=str(directory), why=f"{type(error).__name__}: {error}") from error
