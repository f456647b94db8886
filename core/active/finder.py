"""Which texts likely have a label because one passage of them says so, and how many of the likeliest do.

Often a label is in a text for a sentence of it, and a model of the whole text sees that sentence thinned by all others.
So each label has a model of its own for finding, beside the learner:

    r     = log((α + Σ x₊) / ‖α + Σ x₊‖₁) - log((α + Σ x₋) / ‖α + Σ x₋‖₁)      x₊, x₋: rows of texts with and without it
    score = max over passages of w · (r ∘ x) + b                                   w, b: balanced logistic regression

- *r*, the log-count ratio (wang2012), weighs a gram by how one-sided it is: a few dozen positives tell that well, and a
  regularised regression by itself forgets it.
- *The best passage*: trained on whole texts, for nobody says which passage it was.
- *Yield*: of the texts that come next for the label, the share that will have it. A sigmoid (platt1999) over scores
  of labelled texts by models that have not seen them, meant over the likeliest waiting texts. A label whose positives
  are nearly all found yields next to nothing; it would spend its turns on texts without it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.special import expit

from core.seeds import numbers

FEW = 5  # positives, and others, without which a label has no model
LONG, STEP = 40, 20  # characters of a passage, and from one's beginning to the next one's
_SMOOTH = 0.1  # α, in units of a row's weights
_FOLDS = 3
_NEXT = 15  # texts over which a yield is meant
_LEAST = 0.05  # yield: a model that finds nothing may be wrong
_LOOSE = 10.0  # inverse strength of the sigmoid's regularisation


@dataclass(frozen=True)
class Passages:
    """Passages of N texts, one text's after another's. Shapes: rows (passages, D); starts (N,), each text's first."""

    rows: sp.csr_matrix
    starts: NDArray[np.int64]

    def best(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Each text's greatest product. Shapes: (D, K) → (N, K)."""
        if not len(self.starts):
            return np.zeros((0, weights.shape[1]))
        return np.maximum.reduceat(np.asarray(self.rows @ weights), self.starts, axis=0)


def cut(text: str) -> list[str]:
    """Passages that overlap by half; a short text is one. Each character is in one at least."""
    return [text[at : at + LONG] for at in range(0, max(1, len(text) - LONG + STEP), STEP)]


@dataclass(frozen=True)
class Finder:
    """A model a label. Shapes: weights (D, K), offsets (K,), slopes and shifts (K,) of the sigmoid, known (K,)."""

    weights: NDArray[np.float64]
    offsets: NDArray[np.float64]
    slopes: NDArray[np.float64]
    shifts: NDArray[np.float64]
    known: NDArray[np.bool_]

    def scores(self, rows: sp.csr_matrix | Passages) -> NDArray[np.float64]:
        """Log-odds of a balanced model: above 0 where the label is likely. Shapes: N texts → (N, K)."""
        found = rows.best(self.weights) if isinstance(rows, Passages) else np.asarray(rows @ self.weights)
        return found + self.offsets

    def yields(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """The share of positives among the likeliest of these texts, 1 without a model. Shapes: (N, K) → (K,)."""
        if not len(scores):
            return np.ones(len(self.known))
        top = np.sort(scores, axis=0)[-_NEXT:]
        return np.where(self.known, expit(self.slopes * top + self.shifts).mean(axis=0).clip(_LEAST, 1), 1.0)


def learned(rows: sp.csr_matrix, y: NDArray, passages: Passages, *, seed: int) -> Finder:
    """From labelled texts. Shapes: rows (L, D) whole, passages of the same L texts, y (L, K)."""
    wide, y = rows.astype(np.float64), np.asarray(y) > 0
    counts = y.sum(axis=0)
    known = (counts >= FEW) & (len(y) - counts >= FEW)
    fold = numbers(seed, "finder").permutation(len(y)) % _FOLDS
    weights, offsets = np.zeros((rows.shape[1], y.shape[1])), np.zeros(y.shape[1])
    slopes, shifts = np.zeros(y.shape[1]), np.zeros(y.shape[1])
    for k in np.flatnonzero(known):
        weights[:, k], offsets[k] = _fitted(wide, y[:, k], seed)
        unseen, given = [], []
        for number in range(_FOLDS):
            out = fold == number
            if len(np.unique(y[~out, k])) < 2:
                continue
            w, b = _fitted(wide[~out], y[~out, k], seed)
            unseen.append(passages.best(w[:, None])[out, 0] + b)
            given.append(y[out, k])
        slopes[k], shifts[k] = _sigmoid(np.concatenate(unseen), np.concatenate(given))
    return Finder(weights, offsets, slopes, shifts, known)


def _fitted(rows: sp.csr_matrix, y: NDArray[np.bool_], seed: int) -> tuple[NDArray[np.float64], float]:
    """Weights of the rows as they are, r within, and the offset. Source: wang2012."""
    from sklearn.linear_model import LogisticRegression  # heavy: whoever only names strategies does not wait for it

    have, lack = (np.asarray(rows[at].sum(axis=0)).ravel() + _SMOOTH for at in (y, ~y))
    ratio = np.log(have / have.sum()) - np.log(lack / lack.sum())
    solver = LogisticRegression(
        class_weight="balanced", solver="liblinear", dual=True, max_iter=2000, random_state=seed
    )
    weighed = sp.csr_matrix((rows.data * ratio[rows.indices], rows.indices, rows.indptr), shape=rows.shape)
    solver.fit(weighed, y)
    return ratio * solver.coef_[0], float(solver.intercept_[0])


def _sigmoid(scores: NDArray[np.float64], y: NDArray[np.bool_]) -> tuple[float, float]:
    """Slope ≥ 0 and shift, so that the sigmoid of slope · score + shift is a share. Source: platt1999."""
    from sklearn.linear_model import LogisticRegression

    mean, spread = float(scores.mean()), max(float(scores.std()), 1e-9)
    share = float(np.log((y.sum() + 1) / ((~y).sum() + 1)))
    if len(np.unique(y)) < 2:
        return 0.0, share
    model = LogisticRegression(C=_LOOSE).fit(((scores - mean) / spread)[:, None], y)
    slope = float(model.coef_[0, 0]) / spread
    if slope <= 0:  # the scores say nothing of texts that were not seen
        return 0.0, share
    return slope, float(model.intercept_[0]) - slope * mean


def windows(texts: Sequence[str]) -> tuple[list[str], NDArray[np.int64]]:
    """All texts' passages, and where each text's begin. Shapes: N texts → passages, (N,)."""
    parts = [cut(text) for text in texts]
    sizes = np.array([len(each) for each in parts], dtype=np.int64)
    return [passage for each in parts for passage in each], np.cumsum(sizes) - sizes
