"""The figures of ``core.evaluate.metrics`` for label sets of hundreds or thousands, and those of the first k places.

Answers are rows that name a text's likeliest labels alone, so nothing of texts by labels is ever dense. The figures,
their intervals and the draws behind them are those that ``metrics.rows`` gives for the same decisions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from core.evaluate import intervals
from core.evaluate.metrics import AGGREGATES, RESAMPLES, Counts, MetricRow, label_rows, rates, together_row
from core.evaluate.ranking import AT, MEASURES, won
from core.seeds import numbers

_TOGETHER = 512  # labels whose figures are drawn at a time: bounds the memory, changes no result


@dataclass(frozen=True, kw_only=True)
class AtK:
    """One figure of the first k places, with its 95 % interval over texts (``core.evaluate.intervals``)."""

    model: str
    split: str
    measure: str  # one of ranking.MEASURES
    k: int
    value: float
    low: float
    high: float
    n: int


def decisions(probs: sp.csr_matrix, thresholds: NDArray) -> sp.csr_matrix:
    """1 where a stored probability reaches its label's threshold. Shapes: (N, K), (K,) → (N, K)."""
    found = sp.csr_matrix(probs, copy=True)
    found.data = (found.data >= np.asarray(thresholds)[found.indices]).astype(np.float64)
    found.eliminate_zeros()
    return found


def rows(
    probs: sp.csr_matrix, y: sp.csr_matrix, thresholds: NDArray, *, keys: Sequence[str], model: str, split: str,
    seed: int = 0, labels: bool = True,
) -> list[MetricRow]:  # fmt: skip
    """A row for each label, where wanted, and each aggregate. Shapes: probs, y (N, K); thresholds (K,)."""
    predicted, truth = decisions(probs, thresholds), (sp.csr_matrix(y) > 0).astype(np.float64).tocsr()
    n = truth.shape[0]
    draws = numbers(seed, "bootstrap").multinomial(n, np.full(n, 1 / n), size=RESAMPLES) if n else np.ones((1, 0))
    counts = np.vstack([np.ones((1, n)), draws])
    hits, given, held = (part.tocsc() for part in (predicted.multiply(truth), predicted, truth))
    together = _Together(len(counts), len(keys))
    seen = Counts(*(np.asarray(each.sum(axis=0)).ravel() for each in (hits, given, held)))
    out = label_rows(seen, thresholds, keys=keys, model=model, split=split, n=n) if labels else []
    for start in range(0, len(keys), _TOGETHER):
        part = slice(start, start + _TOGETHER)
        sums = tuple(np.asarray((each[:, part].T @ counts.T).T) for each in (hits, given, held))  # (R, m)
        together.add(rates(*sums), sums)
    wrong = np.asarray(abs(predicted - truth).sum(axis=1)).ravel()
    exact = counts @ (wrong == 0) / np.maximum(counts.sum(axis=1), 1)
    for name, drawn in together.figures(exact).items():
        values = tuple(float(each[0]) for each in drawn)
        out.append(together_row(name, values, drawn[2][1:], seen, model=model, split=split, n=n))
    return out


class _Together:
    """Sums over the labels, from which the aggregates come. Shapes: (R,) each."""

    def __init__(self, draws: int, labels: int) -> None:
        self.labels = max(labels, 1)
        self.sums = np.zeros((3, draws))  # hits, named, held
        self.macro, self.weighted = np.zeros((3, draws)), np.zeros((3, draws))

    def add(self, figures: Sequence[NDArray], sums: Sequence[NDArray]) -> None:
        for n in range(3):
            self.sums[n] += sums[n].sum(axis=1)
            self.macro[n] += figures[n].sum(axis=1)
            self.weighted[n] += (figures[n] * sums[2]).sum(axis=1)

    def figures(self, exact: NDArray) -> dict[str, tuple[NDArray, ...]]:
        held = np.where(self.sums[2] > 0, self.sums[2], 1)
        values = (tuple(self.macro / self.labels), rates(*self.sums), tuple(self.weighted / held), (exact,) * 3)
        return dict(zip(AGGREGATES, values, strict=True))


def at_k(
    ranked: NDArray, y: sp.csr_matrix, propensity: NDArray, *, model: str, split: str, seed: int = 0,
    at: Sequence[int] = AT,
) -> list[AtK]:  # fmt: skip
    """``P@k``, ``nDCG@k`` and ``PSP@k``. Shapes: ranked (N, R), y (N, K), propensity (K,)."""
    n = len(ranked)
    draws = numbers(seed, "ranking").integers(0, max(n, 1), size=(RESAMPLES, n))
    out = []
    for k in at:
        for measure in MEASURES:
            top, best = won(measure, ranked, y, k, propensity)
            value = _over(top.sum(keepdims=True), best.sum(keepdims=True))[0]
            drawn = _over(top[draws].sum(axis=1), best[draws].sum(axis=1))
            low, high = intervals.around(value, drawn, lowest=0, highest=1) if n else (value, value)
            within = {"low": float(low), "high": float(high)}
            out.append(AtK(model=model, split=split, measure=measure, k=k, value=float(value), n=n, **within))
    return out


def _over(top: NDArray, best: NDArray) -> NDArray[np.float64]:
    return np.divide(top, best, out=np.zeros(np.shape(top)), where=best > 0)
