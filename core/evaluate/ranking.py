"""How good the first k labels of a ranked list are, where label sets are too large for a yes or no to each of them.

A text's list holds positions of labels, the best first, and -1 behind its end. A text that carries no label counts 0
in ``precision_at`` and in ``ndcg_at``: nothing in its list can be right.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

AT = (1, 3, 5)
MEASURES = ("P", "nDCG", "PSP")
A, B = 0.55, 1.5  # of the propensities, as published for all but Wikipedia's and Amazon's sets


def top(scores: NDArray, k: int) -> NDArray[np.int64]:
    """The k best labels of each text; of equal scores the first label. Shapes: scores (N, K) → (N, min(k, K))."""
    return np.argsort(-np.asarray(scores), axis=1, kind="stable")[:, :k].astype(np.int64)


def precision_at(ranked: NDArray, y: NDArray | sp.csr_matrix, k: int) -> float:
    """P@k: the share of the first k places that are right, mean over texts; a missing place is a wrong one.

    Shapes: ranked (N, R), y (N, K). Raises ValueError: no place asked for, other texts, a label beyond K.
    """
    return _ratio(*won("P", ranked, y, k))


def ndcg_at(ranked: NDArray, y: NDArray | sp.csr_matrix, k: int) -> float:
    """nDCG@k: right places weighted by 1 / log2(place + 1), over what the best list of that text would have.

    Shapes and errors as ``precision_at``.
    """
    return _ratio(*won("nDCG", ranked, y, k))


def psp_at(ranked: NDArray, y: NDArray | sp.csr_matrix, k: int, propensity: NDArray) -> float:
    """PSP@k: right places weighted by 1 / propensity, over the same sum of the best lists, all texts together.

    Above 1 it cannot be. 0 where no text has a label. Shapes: propensity (K,); else as ``precision_at``.
    Source: jain2016, normalised as its published script does.
    """
    return _ratio(*won("PSP", ranked, y, k, propensity))


def won(
    measure: str, ranked: NDArray, y: NDArray | sp.csr_matrix, k: int, propensity: NDArray | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What each text's list wins, and what it could: a figure is the sum of the first over that of the second.

    ``measure`` is one of MEASURES; PSP alone wants propensities. Shapes: → (N,) both; else as ``precision_at``.
    """
    right = _right(ranked, y, k)
    if measure == "P":
        return right.sum(axis=1) / k, np.ones(len(right))
    if measure == "nDCG":
        weights = 1 / np.log2(np.arange(2, k + 2))
        best = np.concatenate([[0.0], np.cumsum(weights)])[np.minimum(_counts(y), k)]
        return np.divide(right @ weights, best, out=np.zeros(len(best)), where=best > 0), np.ones(len(best))
    inverse = 1 / np.asarray(propensity, dtype=np.float64)
    weighed = sp.csr_matrix(sp.csr_matrix(y, dtype=np.float64).multiply(inverse))
    weighed.eliminate_zeros()
    best = np.array([np.sort(part)[::-1][:k].sum() for part in np.split(weighed.data, weighed.indptr[1:-1])])
    return (right * inverse[_first(ranked, k)]).sum(axis=1), best[: len(right)]


def propensities(counts: NDArray, texts: int, *, a: float = A, b: float = B) -> NDArray[np.float64]:
    """How likely a label that fits is also given: 1 / (1 + C·(n + b)^-a), C = (ln N - 1)·(b + 1)^a.

    Shapes: counts (K,) of N training texts → (K,), at most 1. Source: jain2016, section 4.
    """
    c = max(np.log(max(texts, 1)) - 1, 0.0) * (b + 1) ** a
    return np.asarray(1 / (1 + c * (np.asarray(counts, dtype=np.float64) + b) ** -a))


def figures(
    ranked: NDArray, y: NDArray | sp.csr_matrix, propensity: NDArray, at: Sequence[int] = AT
) -> dict[str, float]:
    """``P@k``, ``nDCG@k`` and ``PSP@k`` for each k."""
    out = {f"P@{k}": precision_at(ranked, y, k) for k in at}
    out |= {f"nDCG@{k}": ndcg_at(ranked, y, k) for k in at}
    return out | {f"PSP@{k}": psp_at(ranked, y, k, propensity) for k in at}


def _right(ranked: NDArray, y: NDArray | sp.csr_matrix, k: int) -> NDArray[np.float64]:
    """Which of the first k places are right. Shapes: → (N, k), missing places 0."""
    truth = sp.csr_matrix(y)
    found = np.asarray(ranked)
    if k < 1 or found.ndim != 2 or len(found) != truth.shape[0] or found.max(initial=-1) >= truth.shape[1]:
        raise ValueError(f"places of shape {found.shape}, labels of shape {truth.shape}, k = {k}")
    first = _first(found, k)
    if not first.size:
        return np.zeros((len(found), k))
    rows = np.repeat(np.arange(len(found)), k)
    hit = np.asarray(truth[rows, first.ravel()]).reshape(first.shape) > 0
    given = np.zeros(first.shape, dtype=bool)
    given[:, : found.shape[1]] = found[:, :k] >= 0
    return (hit & given).astype(np.float64)


def _first(ranked: NDArray, k: int) -> NDArray[np.int64]:
    """The first k places, with 0 where there is none. Shapes: → (N, k)."""
    found = np.asarray(ranked)[:, :k]
    out = np.zeros((len(found), k), dtype=np.int64)
    out[:, : found.shape[1]] = np.maximum(found, 0)
    return out


def _counts(y: NDArray | sp.csr_matrix) -> NDArray[np.int64]:
    return np.asarray((sp.csr_matrix(y) > 0).sum(axis=1)).ravel().astype(np.int64)


def _ratio(top: NDArray, best: NDArray) -> float:
    below = float(best.sum())
    return float(top.sum()) / below if below else 0.0
