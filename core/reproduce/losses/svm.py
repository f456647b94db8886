"""The published baseline: words by TF-IDF, and one linear support vector machine a label.

Scikit-learn's defaults but for what stands here. Two class weights, each cut at margin 0 or at one margin for all
labels that is best on validation: of these four the published row is the best by validation micro-F1.
Source: huang2021 and its code.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer
from sklearn.svm import LinearSVC

from core.evaluate.metrics import aggregate
from core.evaluate.threshold_rules import best_global
from core.reproduce.linear import GRAMS

COST, MAX_ITER, SEED = 1.0, 10_000, 123
BALANCES = (None, "balanced")
MARGINS = tuple(np.round(np.arange(-1, 1.05, 0.1), 1))


class Chosen(NamedTuple):
    """The best variant. Shapes: valid (V, K) and test (T, K) margins; ``cut`` is one margin for all labels."""

    valid: NDArray[np.float64]
    test: NDArray[np.float64]
    cut: float
    said: dict[str, Any]


def tuned(
    train_texts: Sequence[str],
    train_y: NDArray,
    valid_texts: Sequence[str],
    valid_y: NDArray,
    test_texts: Sequence[str],
    *,
    words: bool = True,
) -> Generator[float, None, Chosen]:
    """Fit on training texts alone, choose on validation; yields the share that is done. Shapes: y (N, K).

    A label that no training text carries, or every one, has the margin -1, or 1, everywhere. ``words`` as ``weighed``.
    """
    rows, *asked = weighed(train_texts, valid_texts, test_texts, words=words)
    labels = train_y.shape[1]
    best: tuple[float, Chosen] | None = None
    for at, balance in enumerate(BALANCES):
        valid, test = np.zeros((len(valid_texts), labels)), np.zeros((len(test_texts), labels))
        for k in range(labels):
            valid[:, k], test[:, k] = _margins(rows, train_y[:, k] > 0, balance, *asked)
            yield (at + (k + 1) / labels) / len(BALANCES)
        cuts = {"0": 0.0}
        if len(valid):
            cuts["best"] = best_global(valid, valid_y, MARGINS)
        for rule, cut in cuts.items():
            merit = aggregate(valid >= cut, valid_y)["micro"][2] if len(valid) else 0.0
            said = {"class_weight": balance or "none", "cut": cut, "rule": rule, "words": rows.shape[1]}
            if best is None or merit > best[0]:
                best = merit, Chosen(valid, test, cut, said)
    assert best is not None
    return best[1]


def weighed(train_texts: Sequence[str], *asked: Sequence[str], words: bool) -> list[sp.csr_matrix]:
    """Each part's words by TF-IDF, which knows the training texts alone. Shapes: → (N, F) each.

    Without ``words`` between blanks, as in Chinese, the same counts are of 1 to 4 characters.
    """
    counter = CountVectorizer() if words else CountVectorizer(analyzer="char", ngram_range=GRAMS)
    weigher = TfidfTransformer()
    rows = weigher.fit_transform(counter.fit_transform(train_texts))
    empty = sp.csr_matrix((0, rows.shape[1]))
    return [rows, *(weigher.transform(counter.transform(texts)) if len(texts) else empty for texts in asked)]


def _margins(
    rows: sp.csr_matrix, y: NDArray[np.bool_], balance: str | None, *asked: sp.csr_matrix
) -> list[NDArray[np.float64]]:
    if y.all() or not y.any():
        return [np.full(each.shape[0], 1.0 if y.all() else -1.0) for each in asked]
    machine = LinearSVC(C=COST, max_iter=MAX_ITER, random_state=SEED, class_weight=balance).fit(rows, y)
    return [machine.decision_function(each) if each.shape[0] else np.zeros(0) for each in asked]
