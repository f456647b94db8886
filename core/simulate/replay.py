"""Replay a labelled corpus as if people labelled it: what each strategy would have given for how many labels.

The learner is the linear model of the fast lane, so that a curve takes seconds. What it shows holds for that
learner on that corpus; the figures of the student have to be measured with the student.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.active.select import rank
from core.evaluate.metrics import aggregate, per_label
from core.models.linear import FastLane
from core.seeds import numbers

TAIL_SHARE = 3  # the rarest third of the labels is "the tail"


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """Known answers. Strategies choose among the pool; figures are measured on the test side, never chosen
    from.

    Shapes: pool_y (P, K), test_y (N, K) of 0 and 1.
    """

    pool_texts: Sequence[str]
    pool_y: NDArray
    test_texts: Sequence[str]
    test_y: NDArray

    def __post_init__(self) -> None:
        pool, test = np.shape(self.pool_y), np.shape(self.test_y)
        if len(pool) != 2 or len(test) != 2 or pool[1] != test[1]:
            raise ValueError(f"labels of shapes {pool} and {test}")
        if (len(self.pool_texts), len(self.test_texts)) != (pool[0], test[0]):
            raise ValueError("each text needs one row of labels")

    @property
    def tail(self) -> NDArray[np.int64]:
        """Columns of the rarest third of the labels in the pool, at least one."""
        frequency = np.asarray(self.pool_y).sum(axis=0)
        return np.argsort(frequency, kind="stable")[: max(1, len(frequency) // TAIL_SHARE)]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """One loop: ``first`` texts at random, then ``steps`` batches of ``batch`` texts by ``strategy``."""

    strategy: str = "tail"
    first: int = 30
    batch: int = 30
    steps: int = 10
    seed: int = 0

    def __post_init__(self) -> None:
        if self.strategy not in STRATEGIES:
            raise ValueError(f"{self.strategy!r} is none of {', '.join(STRATEGIES)}")
        if min(self.first, self.batch) < 1 or self.steps < 0:
            raise ValueError("first and batch start at 1, steps at 0")


@dataclass(frozen=True, kw_only=True)
class Point:
    """One point of a curve: after so many labelled texts, so good on the test side."""

    labelled: int
    macro_f1: float
    micro_f1: float
    tail_f1: float
    f1: tuple[float, ...]  # a label
    positives: tuple[int, ...]  # a label, among the labelled texts


Asked = tuple[NDArray, NDArray, NDArray]  # probabilities of what is left (R, K), thresholds (K,), positives (K,)
Strategy = Callable[[Asked, int, np.random.Generator], NDArray[np.int64]]


def _tail(asked: Asked, size: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """The product's queue."""
    probs, thresholds, positives = asked
    return _positions(rank(probs, thresholds, positives, rng=rng, limit=size))


def _even(asked: Asked, size: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """The same uncertainty with the same weight for every label, and no random places."""
    probs, thresholds, positives = asked
    return _positions(rank(probs, thresholds, np.ones(len(positives)), rng=rng, limit=size, explore_every=0))


def _random(asked: Asked, size: int, rng: np.random.Generator) -> NDArray[np.int64]:
    return rng.permutation(len(asked[0]))[:size]


STRATEGIES: dict[str, Strategy] = {"tail": _tail, "even": _even, "random": _random}


def replay(corpus: Corpus, plan: Plan) -> Generator[Point, None, None]:
    """Points of one curve, the first after the seed set; it ends early when the pool is used up.

    The same corpus and plan give the same curve, and all strategies of a seed start from the same seed set.
    """
    y = np.asarray(corpus.pool_y)
    lane = FastLane(corpus.pool_texts)
    test_rows = lane.vectorise(corpus.test_texts)
    left = np.ones(len(y), dtype=bool)
    chosen = numbers(plan.seed, "seed set").permutation(len(y))[: plan.first]
    rng = numbers(plan.seed, "replay", plan.strategy)
    for step in range(plan.steps + 1):
        left[chosen] = False
        labelled = np.flatnonzero(~left)
        probs = lane.refit(labelled, y[labelled], seed=plan.seed)
        yield _measure(corpus, y[labelled], lane.model.thresholds, lane.model.probabilities_of_rows(test_rows))
        rest = np.flatnonzero(left)
        if step == plan.steps or not len(rest):
            return
        asked = (probs[rest], lane.model.thresholds, y[labelled].sum(axis=0))
        chosen = rest[STRATEGIES[plan.strategy](asked, plan.batch, rng)]


def area(points: Iterable[Point], of: str) -> float:
    """Mean height of a curve over its labels: one number to compare curves of the same plan by."""
    curve = list(points)
    if len(curve) < 2:
        return float(getattr(curve[0], of)) if curve else float("nan")
    x = np.array([point.labelled for point in curve], dtype=np.float64)
    height = np.array([getattr(point, of) for point in curve])
    return float(np.trapezoid(height, x) / (x[-1] - x[0]))


def labels_to_reach(points: Iterable[Point], value: float, of: str) -> int | None:
    """Labelled texts at the first point of at least this height, or None when the curve stays below."""
    return next((point.labelled for point in points if getattr(point, of) >= value), None)


def _measure(corpus: Corpus, labelled_y: NDArray, thresholds: NDArray, probs: NDArray) -> Point:
    predicted = probs >= thresholds
    _, _, f1 = per_label(predicted, corpus.test_y)
    together = aggregate(predicted, corpus.test_y)
    return Point(
        labelled=len(labelled_y),
        macro_f1=together["macro"][2],
        micro_f1=together["micro"][2],
        tail_f1=float(f1[corpus.tail].mean()),
        f1=tuple(map(float, f1)),
        positives=tuple(map(int, labelled_y.sum(axis=0))),
    )


def _positions(ranked: Sequence) -> NDArray[np.int64]:
    return np.array([item.position for item in ranked], dtype=np.int64)
