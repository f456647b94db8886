"""Texts with labels by Zipf's law, where labels of a topic share words: weighted grams, and a frozen encoder's rows.

Values are made, so that any number of labels can be had; lengths are those of short health texts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.preprocessing import normalize

WORDS, TOPIC, OWN, OF_TOPIC, NOISE = 30_000, 40, 5, 3, 15  # a text's words: 5 of each label, 3 of its topic, 15 of none
LEXICON = 8  # words that a label, and that a topic, chooses from


@dataclass(frozen=True)
class Made:
    """Shapes: rows (N, F) and encoded (N, D), of length one; y (N, K). The last ``asked`` texts are for testing."""

    rows: sp.csr_matrix
    encoded: NDArray[np.float32]
    y: sp.csr_matrix
    asked: int

    @property
    def taught(self) -> slice:
        return slice(0, self.rows.shape[0] - self.asked)

    @property
    def tested(self) -> slice:
        return slice(self.rows.shape[0] - self.asked, self.rows.shape[0])


def made(labels: int, texts: int, width: int, *, asked: int, seed: int = 0) -> Made:
    """Each text has one to five labels; each label two training texts at least."""
    rng = np.random.default_rng(seed)
    y = labels_of(labels, texts, asked, rng)
    rows = normalize(TfidfTransformer(sublinear_tf=True).fit_transform(_words(y, labels, rng)).astype(np.float32))
    drawn = rng.normal(size=(WORDS, width)).astype(np.float32)  # a projection keeps angles, as an encoder's rows do
    return Made(rows, np.asarray(normalize(rows @ drawn), dtype=np.float32), y, asked)


def labels_of(labels: int, texts: int, asked: int, rng: np.random.Generator) -> sp.csr_matrix:
    heights = 1 / np.arange(1, labels + 1)
    many = rng.integers(1, 6, size=texts)
    drawn = rng.choice(labels, size=int(many.sum()), p=heights / heights.sum())
    text = np.repeat(np.arange(texts), many)
    # the rare ones, which chance leaves out: two texts each
    more = rng.integers(0, texts - asked, size=2 * labels)
    text, drawn = np.concatenate([text, more]), np.concatenate([drawn, np.tile(np.arange(labels), 2)])
    y = sp.csr_matrix((np.ones(len(text), dtype=np.float32), (text, drawn)), shape=(texts, labels))
    y.data[:] = 1
    return y


def _words(y: sp.csr_matrix, labels: int, rng: np.random.Generator) -> sp.csr_matrix:
    topic = rng.permutation(labels) // TOPIC
    own, shared = (rng.integers(0, WORDS, size=(n, LEXICON)) for n in (labels, labels // TOPIC + 1))
    text, label = y.nonzero()
    heights = 1 / np.arange(1, WORDS + 1)
    parts = [
        (np.repeat(text, OWN), own[np.repeat(label, OWN), rng.integers(0, LEXICON, len(text) * OWN)]),
        (
            np.repeat(text, OF_TOPIC),
            shared[topic[np.repeat(label, OF_TOPIC)], rng.integers(0, LEXICON, len(text) * OF_TOPIC)],
        ),
        (
            np.repeat(np.arange(y.shape[0]), NOISE),
            rng.choice(WORDS, size=y.shape[0] * NOISE, p=heights / heights.sum()),
        ),
    ]
    at, words = (np.concatenate(each) for each in zip(*parts, strict=True))
    return sp.csr_matrix((np.ones(len(at), dtype=np.float32), (at, words)), shape=(y.shape[0], WORDS))
