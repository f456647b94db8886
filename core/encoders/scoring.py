"""An encoder with a head as a scorer of rows of its own tokens: what a pool is streamed through."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock

import numpy as np
import torch
from numpy.typing import NDArray

from core.encoders.classifier import Classifier
from core.errors import ModelUnavailable

Rows = Sequence[NDArray[np.int64]]


class HeadScorer:
    """Safe for threads: nothing is kept between two calls. See ``core.train.scoring.Scorer``."""

    method = "encoder"
    chunk, batch = 128, 32  # texts that are sorted by length together, and read together

    def __init__(self, classifier: Classifier) -> None:
        """Raises ModelUnavailable: a weight is no number, so the answers would be none."""
        if not classifier.finite:
            raise ModelUnavailable(name=classifier.name, why="a weight is not a finite number")
        self.classifier = classifier
        self.n_labels = len(classifier.label_keys)
        classifier.encoder.network.eval()
        classifier.head.eval()

    @torch.no_grad()
    def logits(self, rows: Rows) -> NDArray[np.float32]:
        return self.classifier.head(*self.classifier.hidden(rows)).float().cpu().numpy()

    def placed(self, rows: Rows) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """A head's texts lie nowhere: neighbours are not asked of it."""
        return self.logits(rows), np.empty((len(rows), 0), dtype=np.float32)


class Reader:
    """From texts as they came to rows of the encoder's tokens; a tokenizer is asked by one thread at a time."""

    def __init__(self, classifier: Classifier) -> None:
        self.classifier, self._lock = classifier, Lock()

    def __call__(self, texts: Sequence[str]) -> list[NDArray[np.int64]]:
        with self._lock:
            return self.classifier.encoder.rows(texts, self.classifier.max_tokens)
