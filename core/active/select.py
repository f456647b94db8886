"""The order in which a pool is put before people, and why each text stands where it stands.

score(x) = Σ_k need_k · uncertainty_k(x), with need from the positives so far (core.active.need) and
uncertainty seen from each label's threshold (core.active.scores). The sum, not the maximum: one reading of a
text that is open in two labels settles both. Scores lie in 0 … 1. Source: fairstein2024 (class-balanced
weighting of a base score).

Two decisions beside the formula:
- A label that has no positive yet takes no part in the score. A model that has never seen it says nothing
  about it, and its need weight is the largest: it would order the pool by noise. Chance finds its first
  positives.
- Every EXPLORE_EVERY-th place goes to a text drawn at random, every EXPLORE_EVERY_UNSEEN-th while some label
  has no positive. The score looks only where the model already doubts; what the model is wrong about and sure
  of is found by these. With no positive of any label the whole order is random.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.active.need import need
from core.active.order import added
from core.active.scores import dense, uncertainty

EXPLORE_EVERY = 10
EXPLORE_EVERY_UNSEEN = 4


class Ranked(NamedTuple):
    """One text of the pool in its place, with the label that speaks most for it."""

    position: int  # row in the probabilities
    score: float
    label: int  # column
    probability: float
    threshold: float
    random: bool = False  # here by chance, not for its score
    words: bool = False  # for words of the label, of which hardly a text is known


def contributions(probs: ArrayLike, thresholds: ArrayLike, positives: ArrayLike) -> NDArray[np.float64]:
    """What each label adds to each text's score. Shapes: (P, K), (K,), (K,) → (P, K)."""
    counts = np.asarray(positives, dtype=np.float64)
    weights = need(counts)
    seen = counts > 0
    total = np.sort(weights[seen]).sum()
    shares = np.where(seen, weights, 0) / (total if total > 0 else 1)
    doubt = uncertainty(probs, thresholds)
    if shares.shape != doubt.shape[1:]:
        raise ValueError(f"{len(shares)} counts for {doubt.shape[1]} labels")
    return doubt * shares


def rank(
    probs: ArrayLike,
    thresholds: ArrayLike,
    positives: ArrayLike,
    *,
    rng: np.random.Generator,
    explore_every: int | None = None,
    limit: int | None = None,
) -> list[Ranked]:
    """Every text of the pool once, the most useful first; equal scores in random order.

    ``explore_every`` 0 leaves the random places out; None is this module's rule.
    Shapes: probs (P, K) dense, thresholds (K,), positives (K,) counts so far.
    Raises ValueError: shapes that do not match, or values that are no probabilities.
    """
    p, t = dense(probs, thresholds)
    parts = contributions(p, t, positives)
    score = added(parts)
    best_first = np.lexsort((rng.random(len(p)), -score))
    if explore_every is None:
        explore_every = EXPLORE_EVERY if (np.asarray(positives) > 0).all() else EXPLORE_EVERY_UNSEEN
    order, by_chance = with_chance(best_first, explore_every, rng, of=len(p))
    order, by_chance = order[:limit], by_chance[:limit]
    labels = reasons(parts[order], p[order], t)
    columns = (
        order.tolist(),
        score[order].tolist(),
        labels.tolist(),
        p[order, labels].tolist(),
        t[labels].tolist(),
        by_chance.tolist(),
    )
    return [Ranked(*row) for row in zip(*columns, strict=True)]


def reasons(parts: NDArray[np.float64], p: NDArray[np.float64], t: NDArray[np.float64]) -> NDArray[np.int64]:
    """The label that adds most; where none adds anything, the one nearest above or below its threshold.

    Shapes: parts and p (P, K), t (K,) → (P,).
    """
    if not len(parts):
        return np.zeros(0, dtype=np.int64)
    silent = parts.max(axis=1) <= 0
    labels = parts.argmax(axis=1)
    labels[silent] = np.abs(p[silent] - t).argmin(axis=1)
    return labels


def with_chance(
    best_first: NDArray[np.int64], every: int, rng: np.random.Generator, *, of: int
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """As many texts, each ``every``-th place given to one drawn at random from all ``of`` of the pool."""
    size = len(best_first)
    by_chance = np.zeros(size, dtype=bool)
    if every <= 0 or not size:
        return best_first, by_chance
    by_chance[every - 1 :: every] = True
    drawn = rng.choice(of, size=int(by_chance.sum()), replace=False)  # positions in the pool
    is_drawn = np.zeros(of, dtype=bool)
    is_drawn[drawn] = True
    order = np.empty_like(best_first)
    order[by_chance] = drawn
    order[~by_chance] = best_first[~is_drawn[best_first]][: size - len(drawn)]
    return order, by_chance
