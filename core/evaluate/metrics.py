"""Precision, recall and F1 per label and together, with an interval that says how far to trust them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.evaluate import intervals
from core.evaluate.marks import marks
from core.evaluate.proportion import wilson
from core.seeds import numbers

RESAMPLES = 500
AGGREGATES = ("macro", "micro", "weighted", "subset")


@dataclass(frozen=True, kw_only=True)
class MetricRow:
    """One number with everything that a screen must name beside it.

    ``low`` and ``high`` bound the 95 % interval of F1 over documents (``core.evaluate.intervals``); None where no
    document has the label. For ``subset`` all three figures are the share of documents whose labels are exactly right.
    """

    model: str
    split: str
    scope: str  # a label's key or one of AGGREGATES
    precision: float
    recall: float
    f1: float
    support: int
    threshold: float | None
    low: float | None
    high: float | None
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
    return {name: tuple(float(v[0]) for v in values) for name, values in _resampled(predicted, y, ones).items()}  # type: ignore[misc]


def rows(
    probs: NDArray, y: NDArray, thresholds: NDArray, *, keys: Sequence[str], model: str, split: str, seed: int = 0
) -> list[MetricRow]:
    """A row for each label and each aggregate. Shapes: probs, y (N, K); thresholds (K,)."""
    y = np.asarray(y) > 0
    predicted = np.asarray(probs) >= thresholds
    n = len(y)
    draws = numbers(seed, "bootstrap").multinomial(n, np.full(n, 1 / n), size=RESAMPLES) if n else np.ones((1, 0))
    together = _resampled(predicted, y, np.vstack([np.ones((1, n)), draws]))
    counts = Counts((predicted & y).sum(axis=0), predicted.sum(axis=0), y.sum(axis=0))
    named = {"model": model, "split": split}
    out = label_rows(counts, thresholds, keys=keys, n=n, **named)
    for name in AGGREGATES:
        drawn = tuple(value[1:] for value in together[name])
        seen = tuple(float(value[0]) for value in together[name])
        out.append(together_row(name, seen, drawn[2], counts, n=n, **named))
    return out


@dataclass(frozen=True)
class Counts:
    """Of each label on N texts: named and right, named, positive. Shapes: (K,) each."""

    hits: NDArray
    named: NDArray
    held: NDArray


def label_rows(
    counts: Counts, thresholds: NDArray, *, keys: Sequence[str], model: str, split: str, n: int
) -> list[MetricRow]:
    """A row a label; without a positive there is no interval, for F1 is then 0 whatever the model says."""
    lows, highs = intervals.of_f1(counts.hits, counts.named + counts.held)
    values = zip(*rates(counts.hits, counts.named, counts.held), lows, highs, strict=True)
    out = []
    for k, (key, (precision, recall, f1, low, high)) in enumerate(zip(keys, values, strict=True)):
        support = int(counts.held[k])
        bounds = (float(low), float(high)) if support else (None, None)
        out.append(
            MetricRow(
                model=model, split=split, scope=key, precision=float(precision), recall=float(recall), f1=float(f1),
                support=support, threshold=float(thresholds[k]), low=bounds[0], high=bounds[1], n=n,
            )
        )  # fmt: skip
    return out


def together_row(
    name: str, seen: Sequence[float], drawn: NDArray, counts: Counts, *, model: str, split: str, n: int
) -> MetricRow:
    """An aggregate's row; ``drawn``: its F1 in each resample. Shapes: (R,)."""
    low, high = _bounds(name, seen[2], drawn, counts, n) if n and counts.held.sum() else (None, None)
    return MetricRow(
        model=model, split=split, scope=name, precision=seen[0], recall=seen[1], f1=seen[2],
        support=n if name == "subset" else int(counts.held.sum()), threshold=None, low=low, high=high, n=n,
    )  # fmt: skip


def _bounds(name: str, value: float, drawn: NDArray, counts: Counts, n: int) -> tuple[float, float]:
    hits, both = counts.hits, counts.named + counts.held
    if name == "subset":
        low, high = wilson(round(value * n), n)
        return float(low), float(high)
    if name == "micro":
        return intervals.widest(value, intervals.of_f1(hits.sum(), both.sum()), intervals.around(value, drawn))
    weights = np.full(len(hits), 1 / len(hits)) if name == "macro" else counts.held / counts.held.sum()
    return intervals.of_mean(hits, both, weights, drawn)


def macro_bounds(predicted: NDArray, y: NDArray, *, seed: int = 0) -> tuple[float, float]:
    """The interval of these labels' macro-F1, as ``rows`` has it of all. Shapes: (N, K) each, N and K above 0."""
    found, truth = np.asarray(predicted) > 0, np.asarray(y) > 0
    n = len(truth)
    draws = numbers(seed, "bootstrap").multinomial(n, np.full(n, 1 / n), size=RESAMPLES)
    parts = (found & truth, found, truth)
    drawn = rates(*(marks(part).sums(draws) for part in parts))[2].mean(axis=1)
    hits, named, held = (part.sum(axis=0) for part in parts)
    return intervals.of_mean(hits, named + held, np.full(len(hits), 1 / len(hits)), drawn)


def _resampled(predicted: NDArray[np.bool_], y: NDArray[np.bool_], counts: NDArray) -> dict[str, tuple[NDArray, ...]]:
    """The aggregates under each row of document counts. Shapes: counts (R, N) → (R,) ×3 each."""
    hits, named, held = (counts @ part.astype(np.float64) for part in (predicted & y, predicted, y))  # (R, K)
    labels = rates(hits, named, held)
    share = _divide(held, held.sum(axis=1, keepdims=True))
    exact = _divide(counts @ (predicted == y).all(axis=1).astype(np.float64), counts.sum(axis=1))
    return {
        "macro": tuple(value.mean(axis=1) for value in labels),
        "micro": rates(hits.sum(axis=1), named.sum(axis=1), held.sum(axis=1)),
        "weighted": tuple((value * share).sum(axis=1) for value in labels),
        "subset": (exact, exact, exact),
    }


def rates(hits: NDArray, named: NDArray, held: NDArray) -> tuple[NDArray, NDArray, NDArray]:
    """Precision, recall and F1 of counts, 0 where undefined."""
    return _divide(hits, named), _divide(hits, held), _divide(2.0 * hits, named + held)


def _divide(top: NDArray, bottom: NDArray) -> NDArray[np.float64]:
    return np.divide(top, bottom, out=np.zeros(np.shape(top)), where=np.asarray(bottom) > 0)
