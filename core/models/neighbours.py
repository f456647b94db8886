"""A model's answer drawn towards the labels of the training texts that lie nearest in its own space.

p = (1 - g)·p_model + g·Σ_m softmax(-d_m / T)·y_m over the k nearest training texts m, d the Euclidean distance of what
the model reads before its output. k, T and g are chosen on validation, and g = 0 among them.
Source: su2022knn, with the model's own space as it is (no contrastive loss).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

NEAREST = (5, 20, 50)  # k
WIDTHS = (0.03, 0.1, 0.3)  # T, as a share of the median distance to the nearest other training text
SHARES = (0.1, 0.2, 0.35, 0.5)  # g
MARGIN = 0.005  # of mean average precision, on validation texts that the choice has not seen; less is no gain
PARTS = 3  # of validation: what two of them choose is judged by the third
_EDGE = 1e-12  # of a probability before its logit is taken
_TIED = 1e-5  # of the longest vector: texts as near as the k-th but for rounding all count
_TOGETHER = 2**21  # distances in memory at a time


@dataclass(frozen=True, kw_only=True)
class Neighbours:
    """Where the training texts lie and what they carry. Shapes: places (N, E), y (N, K)."""

    places: NDArray[np.float32]
    y: NDArray[np.bool_]
    nearest: int
    width: float  # T
    share: float  # g

    def labels_near(self, places: ArrayLike) -> NDArray[np.float64]:
        """The weighted share of the nearest texts that carry each label. Shapes: (B, E) → (B, K)."""
        asked = np.asarray(places, dtype=np.float64)
        carried = self.y.astype(np.float64)
        out = np.empty((len(asked), carried.shape[1]))
        slack = _TIED * float(np.linalg.norm(self.places.astype(np.float64), axis=1).max(initial=0.0))
        for at, distances in _distances(asked, self.places):
            out[at] = _weights(distances, self.nearest, self.width, slack) @ carried
        return out

    def __call__(self, logits: ArrayLike, places: ArrayLike) -> NDArray[np.float64]:
        """Logits of the mixture. Shapes: (B, K), (B, E) → (B, K)."""
        return mixed(np.asarray(logits, dtype=np.float64), self.labels_near(places), self.share)


def mixed(logits: NDArray[np.float64], near: NDArray[np.float64], share: float) -> NDArray[np.float64]:
    """Logits of (1 - g)·σ(z) + g·near. Shapes: (N, K) each."""
    p = (1 - share) * 0.5 * (1 + np.tanh(0.5 * logits)) + share * near
    p = p.clip(_EDGE, 1 - _EDGE)
    return np.asarray(np.log(p) - np.log1p(-p))


class _Tried(NamedTuple):
    nearest: int
    width: float
    share: float


def chosen(
    places: NDArray[np.float32], y: ArrayLike, *, valid_logits: ArrayLike, valid_places: ArrayLike, valid_y: ArrayLike
) -> Neighbours | None:
    """k, T and g of the best mean average precision on validation, or None where such a choice gains too little.

    What it gains is asked of validation texts that it was not made on, by turns: of so many mixtures one is always best
    on those that chose it. The mean is over labels with a positive. Ranking decides: cuts are chosen afterwards.
    Shapes: places (N, E), y (N, K), valid_* (V, K), (V, E), (V, K).
    """
    carried, truth = np.asarray(y) > 0, np.asarray(valid_y) > 0
    spread = _spread(places)
    if not truth.any() or not spread:
        return None
    logits = np.asarray(valid_logits, dtype=np.float64)
    said: dict[_Tried, NDArray[np.float32]] = {}  # ranked only: half the memory
    for nearest, width in product([k for k in NEAREST if k < len(places)], WIDTHS):
        near = Neighbours(places=places, y=carried, nearest=nearest, width=width * spread, share=1.0)
        labels = near.labels_near(valid_places)
        said |= {
            _Tried(nearest, near.width, share): mixed(logits, labels, share).astype(np.float32) for share in SHARES
        }
    parts = np.arange(len(truth)) % PARTS
    gains = []
    for part in range(PARTS):
        rest, own = parts != part, parts == part
        if said and truth[rest].any() and truth[own].any():
            gains.append(_gain(said[_best(said, truth, rest)][own], logits[own], truth[own]))
    if not gains or np.mean(gains) < MARGIN:
        return None
    best = _best(said, truth, np.ones(len(truth), dtype=bool))
    return Neighbours(places=places, y=carried, **best._asdict())


def _best(said: Mapping[_Tried, NDArray[np.float32]], truth: NDArray[np.bool_], at: NDArray[np.bool_]) -> _Tried:
    return max(said, key=lambda tried: _mean_average_precision(said[tried][at], truth[at]))


def _gain(mixture: NDArray[np.float32], plain: NDArray[np.float64], truth: NDArray[np.bool_]) -> float:
    return _mean_average_precision(mixture, truth) - _mean_average_precision(plain, truth)


def _spread(places: NDArray[np.float32]) -> float:
    """The median distance of a training text to the nearest that does not lie on it; 0 where all lie together."""
    nearest = []
    for _, distances in _distances(places.astype(np.float64), places):
        apart = np.where(distances > 1e-6 * distances.max(initial=0.0), distances, np.inf).min(axis=1, initial=np.inf)
        nearest.append(apart)
    found = np.concatenate([*nearest, np.empty(0)])
    found = found[np.isfinite(found)]
    return float(np.median(found)) if len(found) else 0.0


def _distances(asked: NDArray[np.float64], places: NDArray[np.float32]) -> Iterator[tuple[slice, NDArray[np.float64]]]:
    """Euclidean distances, some rows at a time, so that memory does not grow with what is asked. Shapes: (b, N)."""
    there = places.astype(np.float64)
    squares = np.square(there).sum(axis=1)
    size = max(1, _TOGETHER // max(1, len(there)))
    for start in range(0, len(asked), size):
        part = asked[start : start + size]
        square = np.square(part).sum(axis=1)[:, None] + squares - 2 * part @ there.T
        yield slice(start, start + size), np.sqrt(square.clip(min=0))


def _weights(distances: NDArray[np.float64], nearest: int, width: float, slack: float) -> NDArray[np.float64]:
    """softmax(-d / T) over the nearest, zero elsewhere. Shapes: (b, N) → (b, N)."""
    nearest = min(nearest, distances.shape[1])
    furthest = np.partition(distances, nearest - 1, axis=1)[:, nearest - 1 : nearest]
    weights = np.exp((distances.min(axis=1, keepdims=True) - distances) / width)
    weights[distances > furthest + slack] = 0
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def _mean_average_precision(scores: NDArray[np.floating[Any]], truth: NDArray[np.bool_]) -> float:
    """Over labels with a positive; texts of one score count as if in the order that is worst for the label."""
    found = []
    for k in np.flatnonzero(truth.any(axis=0)):
        own = truth[:, k]
        hit = own[np.lexsort((own, -scores[:, k]))]
        found.append((np.cumsum(hit) / np.arange(1, len(hit) + 1))[hit].mean())
    return float(np.mean(found))
