"""A curve on arrays: the fast lane's learner refitted after each batch, whoever chooses the batch.

The same texts, start, learner and features as in ``python -m core simulate``, without database and queue, so that the
strategies of other libraries can be asked in its place; ``tests/bench/test_acquire.py`` holds both to the same curve.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.evaluate.metrics import aggregate, per_label
from core.experiments.corpus import Corpus
from core.models.linear import FastLane
from core.seeds import numbers
from core.simulate.cells import Split, tail


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What whoever chooses may look at.

    Shapes: probs (N, K) of all N texts of the pool; y (L, K) of the L labelled ones; taught (L,) and left (P,)
    positions in the pool, ascending. ``hidden`` (P, K) is what nobody knows: the labels of those that are left.
    ``decisions`` counts the test texts' too, as a database does.
    """

    lane: FastLane
    texts: tuple[str, ...] = field(repr=False)
    probs: NDArray[np.float64]
    y: NDArray[np.int8]
    taught: NDArray[np.int64]
    left: NDArray[np.int64]
    names: tuple[str, ...]
    seed: int
    decisions: int
    hidden: NDArray[np.int8] = field(repr=False)
    kept: dict[str, Any] = field(default_factory=dict, repr=False)  # from one batch to the next, for this curve alone


Chooser = Callable[[Asked, int], NDArray[np.int64]]  # so many positions in ``left``, the best first


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """``first`` texts at random, then ``batch`` after ``batch`` until ``budget``, or the pool's end."""

    first: int = 30
    batch: int = 20
    budget: int = 830


class Pool:
    """The texts of one seed, vectorised once for all strategies."""

    def __init__(self, corpus: Corpus, parts: Split, seed: int) -> None:
        self.corpus, self.parts, self.seed = corpus, parts, seed
        self.texts = tuple(corpus.texts[n] for n in parts.pool.tolist())
        self.y, self.test_y = corpus.y[parts.pool], corpus.y[parts.test]

    @cached_property
    def lane(self) -> FastLane:
        return FastLane(self.texts)

    @cached_property
    def test_rows(self) -> Any:
        return self.lane.vectorise([self.corpus.texts[n] for n in self.parts.test.tolist()])

    def first(self, size: int) -> NDArray[np.int64]:
        """Positions in the pool, drawn as ``core.simulate`` draws them."""
        drawn = numbers(self.seed, "seed set").permutation(self.parts.pool)[:size]
        return np.searchsorted(self.parts.pool, drawn)

    def point(self, taught: NDArray[np.int64]) -> dict[str, Any]:
        """Figures on the test texts of the latest refit."""
        model = self.lane.model
        predicted = model.probabilities_of_rows(self.test_rows) >= model.thresholds
        f1 = per_label(predicted, self.test_y)[2]
        return {
            "n": len(taught),
            "micro": float(aggregate(predicted, self.test_y)["micro"][2]),
            "macro": float(np.mean(f1)),
            "tail": float(np.mean(f1[tail(len(f1))])),
            "f1": [float(each) for each in f1],
            "positives": [int(each) for each in self.y[taught].sum(axis=0)],
        }

    def whole(self) -> dict[str, Any]:
        """The point of a learner that has every label."""
        everything = np.arange(len(self.y))
        self.lane.refit(everything, self.y, seed=0)
        return self.point(everything)


def curve(pool: Pool, chooser: Chooser, sizes: Sizes) -> dict[str, Any]:
    """Points and the texts in the order of their choice, as positions in the corpus.

    Raises ValueError: the chooser gave a text twice, or not as many as were asked for.
    """
    budget = min(sizes.budget, len(pool.y))
    chosen = pool.first(min(sizes.first, budget)).tolist()
    points, kept = [], dict[str, Any]()
    while True:
        taught = np.sort(np.array(chosen, dtype=np.int64))
        probs = pool.lane.refit(taught, pool.y[taught], seed=0).astype(np.float64)
        points.append(pool.point(taught))
        if len(chosen) >= budget:
            return {"points": points, "chosen": pool.parts.pool[chosen].tolist()}
        left = np.setdiff1d(np.arange(len(pool.y)), taught)
        asked = Asked(
            lane=pool.lane, texts=pool.texts, probs=probs, y=pool.y[taught], taught=taught, left=left, seed=pool.seed,
            names=pool.corpus.label_keys, decisions=len(pool.test_y) + len(taught), hidden=pool.y[left], kept=kept,
        )  # fmt: skip
        size = min(sizes.batch, budget - len(chosen))
        found = np.asarray(chooser(asked, size), dtype=np.int64)
        if len(found) != size or len(np.unique(found)) != size:
            raise ValueError(f"{len(np.unique(found))} texts of {size}")
        chosen += left[found].tolist()
