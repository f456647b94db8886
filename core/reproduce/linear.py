"""The baseline that a network must beat: TF-IDF of grams and logistic regression, tuned on validation."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from core.evaluate.metrics import aggregate

GRAMS = (1, 4)
WORD_GRAMS = (1, 2)
COSTS = (1.0, 3.0, 10.0, 30.0, 100.0)  # C of the regression
BALANCES = (None, "balanced")
_SMALL = 200  # texts; below, a gram seen in one text is kept as well


@dataclass(frozen=True)
class Tuned:
    """One regression a label over the same grams. Shapes: weights (F, K), offsets (K,)."""

    vectoriser: TfidfVectorizer
    weights: NDArray[np.float64]
    offsets: NDArray[np.float64]

    def probabilities(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Shapes: → (N, K)."""
        if not len(texts):
            return np.zeros((0, len(self.offsets)), dtype=np.float32)
        return _answers(self.vectoriser.transform(texts), self.weights, self.offsets)


class Chosen(NamedTuple):
    """The tuned model, its answers on validation before it had seen them, and what was chosen."""

    model: Tuned
    valid_probs: NDArray[np.float32]
    said: dict[str, Any]


def tuned(
    train_texts: Sequence[str], train_y: NDArray, valid_texts: Sequence[str], valid_y: NDArray, *, seed: int,
    words: bool = False, again: bool = True,
) -> Generator[float, None, Chosen]:  # fmt: skip
    """Cost and class weight of the best macro plus micro F1 at one half on validation; one choice for all labels.

    A choice for each label would be made on a handful of positives. Needing no early stop, it then learns from
    training and validation texts together (``again``), which the networks cannot. Grams are of ``words``, or of
    characters. Yields the share that is done. Shapes: y (N, K).
    """
    vectoriser = _vectoriser(len(train_texts), words)
    rows = vectoriser.fit_transform(train_texts)
    asked = vectoriser.transform(valid_texts) if len(valid_texts) else None
    grid = [(cost, balance) for balance in BALANCES for cost in COSTS]
    best: tuple[float, NDArray[np.float32], float, str | None, Tuned] | None = None
    for done, (cost, balance) in enumerate(grid, start=1):
        weights, offsets = _fitted(rows, np.asarray(train_y) > 0, cost, balance, seed)
        probs = np.zeros((0, len(offsets)), np.float32) if asked is None else _answers(asked, weights, offsets)
        found = aggregate(probs >= 0.5, valid_y)
        merit = found["macro"][2] + found["micro"][2]
        if best is None or merit > best[0]:
            best = merit, probs, cost, balance, Tuned(vectoriser, weights, offsets)
        yield done / (len(grid) + 1)
    assert best is not None
    _, valid_probs, cost, balance, model = best
    if again:
        everything = [*train_texts, *valid_texts]
        vectoriser = _vectoriser(len(everything), words)
        y = np.concatenate([np.asarray(train_y), np.asarray(valid_y)]) > 0
        model = Tuned(vectoriser, *_fitted(vectoriser.fit_transform(everything), y, cost, balance, seed))
    said = {"C": cost, "class_weight": balance or "none", "grams": len(vectoriser.vocabulary_)}
    return Chosen(model, valid_probs, said)


def _vectoriser(texts: int, words: bool) -> TfidfVectorizer:
    analyzer, grams = ("word", WORD_GRAMS) if words else ("char", GRAMS)
    return TfidfVectorizer(
        analyzer=analyzer, ngram_range=grams, sublinear_tf=True, min_df=1 if texts < _SMALL else 2
    )  # fmt: skip


def _answers(rows: sp.csr_matrix, weights: NDArray, offsets: NDArray) -> NDArray[np.float32]:
    return expit(np.asarray(rows @ weights) + offsets).astype(np.float32)


def _fitted(
    rows: sp.csr_matrix, y: NDArray[np.bool_], cost: float, balance: str | None, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A label with one class in training has its smoothed prevalence as offset and no weights."""
    weights, offsets = np.zeros((rows.shape[1], y.shape[1])), np.zeros(y.shape[1])
    for k in range(y.shape[1]):
        positives = int(y[:, k].sum())
        if positives in (0, len(y)):
            share = (positives + 1) / (len(y) + 2)  # Laplace's rule
            offsets[k] = np.log(share / (1 - share))
            continue
        solver = LogisticRegression(
            C=cost, class_weight=balance, solver="liblinear", dual=True, max_iter=5000, random_state=seed % 2**32
        )
        solver.fit(rows, y[:, k])
        weights[:, k], offsets[k] = solver.coef_[0], solver.intercept_[0]
    return weights, offsets
