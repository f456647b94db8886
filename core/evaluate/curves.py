"""One label under every threshold, and how far its probabilities can be taken at their word."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.evaluate.proportion import Share, share

BINS = 10


@dataclass(frozen=True, kw_only=True)
class PrecisionRecall:
    """Decisions p ≥ t for each probability t that occurs, ascending; the last point, (1, 0), is that of no decision.

    Shapes: thresholds (T,), precision and recall (T + 1,).
    """

    thresholds: NDArray[np.float64]
    precision: NDArray[np.float64]
    recall: NDArray[np.float64]

    @property
    def average_precision(self) -> float:
        """The mean of the precisions, each weighted by the recall that it adds: no interpolation."""
        return float(np.maximum(0.0, -np.diff(self.recall) @ self.precision[:-1]))


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What one threshold does to n texts: how many get the label, how many of them rightly, how many have it."""

    threshold: float
    named: int
    hits: int
    positives: int
    n: int

    @property
    def precision(self) -> Share | None:
        """None where nothing is named."""
        return share(self.hits, self.named) if self.named else None

    @property
    def recall(self) -> Share | None:
        """None where nothing is to be found."""
        return share(self.hits, self.positives) if self.positives else None

    @property
    def f1(self) -> float:
        """0 where undefined, as everywhere."""
        return 2 * self.hits / (self.named + self.positives) if self.named + self.positives else 0.0


@dataclass(frozen=True, kw_only=True)
class Bin:
    """Texts whose probabilities lie together; ``observed`` is the share of them that have the label."""

    low: float
    high: float
    mean: float
    observed: Share


@dataclass(frozen=True, kw_only=True)
class Reliability:
    """``bins`` that hold a text, ascending. ``error`` is the expected calibration error; None without a text."""

    bins: tuple[Bin, ...]
    error: float | None


def precision_recall(y: ArrayLike, probs: ArrayLike) -> PrecisionRecall:
    """The curve of one label, equal to scikit-learn's ``precision_recall_curve``.

    Shapes: y (N,) of 0 and 1, probs (N,). Raises ValueError: unlike shapes, or no positive (there is no recall then).
    """
    truth, p = _checked(y, probs)
    if not truth.any():
        raise ValueError(f"{len(truth)} texts without a positive")
    thresholds, first = np.unique(np.sort(p), return_index=True)
    hits = truth.sum() - np.concatenate([[0], np.cumsum(truth[np.argsort(p, kind="stable")])])[first]
    named = len(p) - first
    return PrecisionRecall(
        thresholds=thresholds,
        precision=np.append(hits / named, 1.0),
        recall=np.append(hits / truth.sum(), 0.0),
    )


def decision(y: ArrayLike, probs: ArrayLike, threshold: float) -> Decision:
    """What p ≥ threshold does. Shapes: (N,), (N,). Raises ValueError: unlike shapes."""
    truth, p = _checked(y, probs)
    named = p >= threshold
    return Decision(
        threshold=float(threshold),
        named=int(named.sum()),
        hits=int((named & truth).sum()),
        positives=int(truth.sum()),
        n=len(p),
    )


def reliability(y: ArrayLike, probs: ArrayLike, *, bins: int = BINS) -> Reliability:
    """Probabilities beside how often they come true, in bins of equal width.

    The error is Σ over bins (texts / N)·|mean probability - observed share|. For a rare label almost all texts lie in
    the lowest bin, and the error is small whatever the others do: look at the bins, each [low, high), the last closed.

    Shapes: y (N,) of 0 and 1, probs (N,) in 0 … 1. Raises ValueError: unlike shapes, a probability outside.
    Source: guo2017.
    """
    truth, p = _checked(y, probs)
    if ((p < 0) | (p > 1)).any():
        raise ValueError("probabilities lie in 0 … 1")
    edges = np.linspace(0, 1, bins + 1)
    at = np.minimum(np.searchsorted(edges, p, side="right") - 1, bins - 1)
    counts, hits = np.bincount(at, minlength=bins), np.bincount(at, weights=truth, minlength=bins)
    sums = np.bincount(at, weights=p, minlength=bins)
    found = tuple(
        Bin(low=float(edges[b]), high=float(edges[b + 1]), mean=float(sums[b] / counts[b]),
            observed=share(int(hits[b]), int(counts[b])))
        for b in np.flatnonzero(counts).tolist()
    )  # fmt: skip
    return Reliability(bins=found, error=float(np.abs(sums - hits).sum() / len(p)) if len(p) else None)


def _checked(y: ArrayLike, probs: ArrayLike) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    truth, p = np.asarray(y) > 0, np.asarray(probs, dtype=np.float64)
    if truth.ndim != 1 or truth.shape != p.shape or not np.isfinite(p).all():
        raise ValueError(f"labels of shape {truth.shape}, probabilities of shape {p.shape}, all finite")
    return truth, p
