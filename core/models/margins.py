"""Linear support vector machines for many labels at once: a margin a label from rows of weighted grams.

What LinearSVC finds with its defaults (squared hinge, an offset that is a weight like the others), label after label,
to within the tolerance. Each text is read once for all labels: ninety take a quarter of the time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.svm import LinearSVC

from core.seeds import numbers

try:
    from core.models.margin_kernels import descend
except ImportError:  # no numba: label after label
    descend = None

PASSES = 15
TOLERANCE = 0.05  # of a text's gradient; one that is on the wrong side by far has 1 and more


@dataclass(frozen=True)
class Machines:
    """Shapes: weights (F, K), offsets (K,)."""

    weights: NDArray[np.float32]
    offsets: NDArray[np.float32]

    def margins(self, rows: sp.csr_matrix) -> NDArray[np.float32]:
        """Shapes: rows (N, F) → (N, K); 0 and more: the label is given."""
        return np.asarray(rows @ self.weights + self.offsets, dtype=np.float32)


def fit(
    rows: sp.csr_matrix,
    y: NDArray,
    at: Sequence[int] | NDArray[np.int64] | None = None,
    *,
    cost: float = 1.0,
    seed: int = 0,
    passes: int = PASSES,
    tolerance: float = TOLERANCE,
) -> Machines:
    """Learn from the texts ``at`` these positions, or from all. Shapes: rows (N, F), y (N, K).

    A label that no text has is answered by a margin near -1, one that all have by one near 1.
    Raises ValueError: no text to learn from, another number of rows than of labels' rows, a cost that is not positive.
    Source: hsieh2008.
    """
    truth = np.asarray(y) > 0
    if truth.ndim != 2 or rows.shape[0] != len(truth) or not cost > 0:
        raise ValueError(f"{rows.shape[0]} texts, labels of shape {truth.shape}, cost {cost}")
    taught = np.arange(len(truth)) if at is None else np.asarray(at, dtype=np.int64)
    if not len(taught):
        raise ValueError("no text to learn from")
    wide = _with_offset(rows)
    if descend is None:
        found = _one_by_one(wide[taught], truth[taught], cost, seed)
    else:
        rng = numbers(seed, "margins")
        orders = np.array([rng.permutation(len(taught)) for _ in range(passes)]).reshape(passes, len(taught))
        signs = np.where(truth, np.float32(1), np.float32(-1))
        found = descend(
            wide.indptr, wide.indices, wide.data, signs, taught, orders, wide.shape[1], float(cost), float(tolerance)
        )
    return Machines(weights=found[:-1], offsets=found[-1])


def out_of_fold(rows: sp.csr_matrix, y: NDArray, folds: NDArray, *, cost: float = 1.0, seed: int = 0) -> NDArray:
    """Each text's margins by machines that have not learned from it. Shapes: rows (N, F), y (N', K), folds (N',).

    Rows beyond the labelled ones are answered by machines that have learned from all N'. Shapes: → (N, K).
    """
    known, numbered = np.asarray(y), np.asarray(folds)
    if rows.shape[0] < len(known) or numbered.shape != known.shape[:1]:
        raise ValueError(f"{rows.shape[0]} texts, labels of shape {known.shape}, folds {numbered.shape}")
    out = np.zeros((rows.shape[0], known.shape[1]), dtype=np.float32)
    labelled = rows[: len(known)]
    for number in np.unique(numbered):
        asked = np.flatnonzero(numbered == number)
        machines = fit(labelled, known, np.flatnonzero(numbered != number), cost=cost, seed=seed)
        out[asked] = machines.margins(labelled[asked])
    if rows.shape[0] > len(known):
        out[len(known) :] = fit(labelled, known, cost=cost, seed=seed).margins(rows[len(known) :])
    return out


def _with_offset(rows: sp.csr_matrix) -> sp.csr_matrix:
    ones = np.ones((rows.shape[0], 1), dtype=np.float32)
    return sp.hstack([rows, ones], format="csr", dtype=np.float32)


def _one_by_one(rows: sp.csr_matrix, y: NDArray[np.bool_], cost: float, seed: int) -> NDArray[np.float32]:
    """Shapes: rows (N, F) with the offset's column, y (N, K) → (F, K)."""
    found = np.zeros((rows.shape[1], y.shape[1]), dtype=np.float32)
    wide = rows.astype(np.float64)
    for k in range(y.shape[1]):
        if y[:, k].all() or not y[:, k].any():
            found[-1, k] = 1.0 if y[:, k].all() else -1.0
        else:
            machine = LinearSVC(C=cost, fit_intercept=False, random_state=seed % 2**32)
            found[:, k] = machine.fit(wide, y[:, k]).coef_[0]
    return found
