"""The published baseline: one linear support vector machine a label, over rows that somebody else has made.

Scikit-learn's defaults but for what stands here. Two class weights, each cut at margin 0 or at one margin for all
labels that is best on validation: of these four the best by validation micro-F1 is taken.
Source: huang2021 and its code.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.svm import LinearSVC

from core.evaluate.metrics import aggregate
from core.evaluate.threshold_rules import best_global

COST, MAX_ITER, SEED = 1.0, 10_000, 123
BALANCES = (None, "balanced")
MARGINS = tuple(np.round(np.arange(-1, 1.05, 0.1), 1))


class Chosen(NamedTuple):
    """The best variant. Shapes: valid (V, K) and test (T, K) margins; ``cut`` is one margin for all labels."""

    valid: NDArray[np.float64]
    test: NDArray[np.float64]
    cut: float
    said: dict[str, Any]


def tuned_rows(
    rows: sp.csr_matrix, y: NDArray, valid: sp.csr_matrix, valid_y: NDArray, test: sp.csr_matrix
) -> Generator[float, None, Chosen]:
    """Fit on training rows alone, choose on validation; yields the share that is done.

    A label that no training text carries, or every one, has the margin -1, or 1, everywhere. Without a validation text
    the first variant is taken. Shapes: rows (N, F), y (N, K), valid (V, F), valid_y (V, K), test (T, F).
    """
    labels = y.shape[1]
    best: tuple[float, Chosen] | None = None
    for at, balance in enumerate(BALANCES):
        of_valid, of_test = np.zeros((valid.shape[0], labels)), np.zeros((test.shape[0], labels))
        for k in range(labels):
            of_valid[:, k], of_test[:, k] = _margins(rows, y[:, k] > 0, balance, valid, test)
            yield (at + (k + 1) / labels) / len(BALANCES)
        cuts = {"0": 0.0}
        if valid.shape[0]:
            cuts["best"] = best_global(of_valid, valid_y, MARGINS)
        for rule, cut in cuts.items():
            merit = aggregate(of_valid >= cut, valid_y)["micro"][2] if valid.shape[0] else 0.0
            said = {"class_weight": balance or "none", "cut": cut, "rule": rule, "words": rows.shape[1]}
            if best is None or merit > best[0]:
                best = merit, Chosen(of_valid, of_test, cut, said)
    assert best is not None
    return best[1]


def _margins(
    rows: sp.csr_matrix, y: NDArray[np.bool_], balance: str | None, *asked: sp.csr_matrix
) -> list[NDArray[np.float64]]:
    if y.all() or not y.any():
        return [np.full(each.shape[0], 1.0 if y.all() else -1.0) for each in asked]
    machine = LinearSVC(C=COST, max_iter=MAX_ITER, random_state=SEED, class_weight=balance).fit(rows, y)
    return [machine.decision_function(each) if each.shape[0] else np.zeros(0) for each in asked]
