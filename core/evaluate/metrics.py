"""Precision, recall and F1 per label and together, with an interval that says how far to trust them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.seeds import numbers

RESAMPLES = 500
AGGREGATES = ("macro", "micro", "weighted", "subset")


@dataclass(frozen=True, kw_only=True)
class MetricRow:
    """One number with everything that a screen must name beside it.

    ``low`` and ``high`` bound the bootstrap 95 % interval of F1 over documents. For ``subset`` all three figures
    are the share of documents whose label set is exactly right.
    """

    model: str
    split: str
    scope: str  # a label's key or one of AGGREGATES
    precision: float
    recall: float
    f1: float
    support: int
    threshold: float | None
    low: float
    high: float
    n: int


def per_label(predicted: NDArray, y: NDArray) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Precision, recall, F1 of each label; 0 where undefined. Shapes: (N, K) each → (K,) each."""
    predicted, y = np.asarray(predicted) > 0, np.asarray(y) > 0
    hits = (predicted & y).sum(axis=0)
    return rates(hits, predicted.sum(axis=0), y.sum(axis=0))


def aggregate(predicted: NDArray, y: NDArray) -> dict[str, tuple[float, float, float]]:
    """Precision, recall, F1 for each of AGGREGATES.

    macro: mean over labels, those without support counting 0; weighted: by support; subset: exact matches.
    """
    predicted, y = np.asarray(predicted) > 0, np.asarray(y) > 0
    ones = np.ones((1, len(y)))
    return {name: tuple(float(v[0]) for v in values) for name, values in _resampled(predicted, y, ones)[1].items()}  # type: ignore[misc]


def rows(
    probs: NDArray, y: NDArray, thresholds: NDArray, *, keys: Sequence[str], model: str, split: str, seed: int = 0
) -> list[MetricRow]:
    """A row for each label and each aggregate. Shapes: probs, y (N, K); thresholds (K,)."""
    y = np.asarray(y) > 0
    predicted = np.asarray(probs) >= thresholds
    n = len(y)
    draws = numbers(seed, "bootstrap").multinomial(n, np.full(n, 1 / n), size=RESAMPLES) if n else np.ones((1, 0))
    labels, together = _resampled(predicted, y, np.vstack([np.ones((1, n)), draws]))
    support = y.sum(axis=0)
    out = []
    for k, key in enumerate(keys):
        values = tuple(value[:, k] for value in labels)
        out.append(_row(model, split, key, values, int(support[k]), float(thresholds[k]), n))
    for name in AGGREGATES:
        held = n if name == "subset" else int(support.sum())
        out.append(_row(model, split, name, together[name], held, None, n))
    return out


def _row(
    model: str, split: str, scope: str, values: Sequence[NDArray], support: int, threshold: float | None, n: int
) -> MetricRow:
    precision, recall, f1 = (float(value[0]) for value in values)
    low, high = np.percentile(values[2][1:], [2.5, 97.5]) if n else (0.0, 0.0)
    return MetricRow(
        model=model, split=split, scope=scope, precision=precision, recall=recall, f1=f1, support=support,
        threshold=threshold, low=float(low), high=float(high), n=n,
    )  # fmt: skip


def _resampled(
    predicted: NDArray[np.bool_], y: NDArray[np.bool_], counts: NDArray
) -> tuple[tuple[NDArray, ...], dict[str, tuple[NDArray, ...]]]:
    """Every figure under each row of document counts. Shapes: counts (R, N) → labels (R, K) ×3, aggregates (R,) ×3."""
    hits, named, held = (counts @ part.astype(np.float64) for part in (predicted & y, predicted, y))  # (R, K)
    labels = rates(hits, named, held)
    share = _divide(held, held.sum(axis=1, keepdims=True))
    exact = _divide(counts @ (predicted == y).all(axis=1).astype(np.float64), counts.sum(axis=1))
    together = {
        "macro": tuple(value.mean(axis=1) for value in labels),
        "micro": rates(hits.sum(axis=1), named.sum(axis=1), held.sum(axis=1)),
        "weighted": tuple((value * share).sum(axis=1) for value in labels),
        "subset": (exact, exact, exact),
    }
    return labels, together


def rates(hits: NDArray, named: NDArray, held: NDArray) -> tuple[NDArray, NDArray, NDArray]:
    """Precision, recall and F1 of counts, 0 where undefined."""
    return _divide(hits, named), _divide(hits, held), _divide(2.0 * hits, named + held)


def _divide(top: NDArray, bottom: NDArray) -> NDArray[np.float64]:
    return np.divide(top, bottom, out=np.zeros(np.shape(top)), where=np.asarray(bottom) > 0)
