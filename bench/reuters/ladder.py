"""One seed's ladder on Reuters-90: each step adds one thing to the step before, and all are cut by the same rule.

Five stratified folds of the training texts; every score of a training text comes from models that have not learned from
it, and its thresholds (micromacro, averaged over folds) from those scores. Test labels are used for figures alone.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.reuters.student import inputs, students, targets
from bench.reuters.views import Views
from core.distill.candidates import Evidence, implied, pairs
from core.distill.shared_stack import answered
from core.evaluate.bands import Band
from core.evaluate.crossval import fold_numbers
from core.evaluate.metrics import aggregate
from core.evaluate.threshold_rules import choose
from core.models.margins import out_of_fold

FOLDS, RULE = 5, "micromacro"
COST = {"words": 0.5, "characters": 1.0, "title": 0.3, "beginning": 0.5}  # of each view's machines
RANKED_BY = ("words", "characters")
VOTERS = 15  # neighbours
BAGS = 2
BEST = "+ labels' keywords"  # the step with everything
TAUGHT = "the same, taught by the stack"


@dataclass(frozen=True)
class Task:
    """Shapes: y (N', K) of the training texts, test_y (T, K), bands K names."""

    texts: Sequence[str]
    y: NDArray
    test_y: NDArray
    bands: tuple[Band, ...]
    views: Views


@dataclass(frozen=True)
class Step:
    """Scores of training texts (out of fold), then of test texts. Shapes: scores (N, K)."""

    name: str
    scores: NDArray
    seconds: float


def climbed(task: Task, seed: int) -> Iterator[tuple[Step, NDArray[np.int64]]]:
    """Each step, and the folds (N',)."""
    folds = fold_numbers(task.texts, task.y, n_folds=FOLDS, seed=seed)
    clock = _Clock()
    found: dict[str, NDArray] = {"words": machines(task, "words", folds, seed)}
    yield Step("words: linear SVM", found["words"], clock.lap()), folds
    for name in ("characters", "title", "beginning"):
        found[name] = machines(task, name, folds, seed)
    yield Step("mean of four views' SVMs", np.mean(list(found.values()), axis=0), clock.lap()), folds
    evidence = Evidence(scores=found, ranked_by=RANKED_BY, known=seen(task, folds), texts=task.views.figures)
    yield Step("one stack for all labels", stacked(evidence, task, folds, seed), clock.lap()), folds
    evidence = replace(evidence, scores={**found, "neighbours": votes(task, folds)})
    yield Step("+ neighbours' votes", stacked(evidence, task, folds, seed), clock.lap()), folds
    evidence = replace(evidence, implied=implied_by_others(evidence.mean, task.y, folds))
    yield Step("+ labels that go together", stacked(evidence, task, folds, seed), clock.lap()), folds
    evidence = replace(evidence, mentions=task.views.mentions)
    yield Step(BEST, stacked(evidence, task, folds, seed, BAGS), clock.lap()), folds


def machines(task: Task, view: str, folds: NDArray, seed: int) -> NDArray:
    return out_of_fold(task.views.rows[view], task.y, folds, cost=COST[view], seed=seed)


def seen(task: Task, folds: NDArray) -> NDArray[np.float64]:
    """How many texts of each label a text's teachers had. Shapes: → (N, K)."""
    y = np.asarray(task.y, dtype=np.float64)
    others = np.array([y[folds != number].sum(axis=0) for number in range(FOLDS)])
    return np.vstack([others[folds], np.tile(y.sum(axis=0), (len(task.test_y), 1))])


def votes(task: Task, folds: NDArray) -> NDArray[np.float64]:
    """The labels of the nearest training texts of other folds, by squared cosine. Shapes: → (N, K)."""
    nearest, alike = task.views.nearest, np.maximum(task.views.alike, 0).astype(np.float64) ** 2
    own = np.r_[folds, np.full(len(nearest) - len(folds), -1)]
    allowed = folds[nearest] != own[:, None]
    weight = np.where(allowed & (np.cumsum(allowed, axis=1) <= VOTERS), alike, 0)  # (N, 60)
    weight /= np.maximum(weight.sum(axis=1, keepdims=True), 1e-9)
    y = np.asarray(task.y, dtype=np.float64)
    return np.stack([w @ y[near] for w, near in zip(weight, nearest, strict=True)])


def implied_by_others(mean: NDArray, y: NDArray, folds: NDArray) -> NDArray[np.float32]:
    """Of training texts by the labels of other folds. Shapes: mean (N, K) → (N, K, 2)."""
    out = implied(mean, y)
    for number in range(FOLDS):
        at = np.flatnonzero(folds == number)
        out[at] = implied(mean[at], y[folds != number])
    return out


def stacked(evidence: Evidence, task: Task, folds: NDArray, seed: int, bags: int = 1) -> NDArray[np.float64]:
    return answered(pairs(evidence), task.y, folds, seed=seed, bags=bags)


def figures(task: Task, scores: NDArray, folds: NDArray) -> dict[str, float]:
    """F1 on the test texts; ``…_train``: of training texts, each fold cut by the thresholds of the others."""
    n = len(task.y)
    given = scores[n:] >= choose(RULE, scores[:n], task.y, folds)
    out = named(given, task.test_y, task.bands)
    crossed = np.zeros(task.y.shape, dtype=bool)
    for number in range(FOLDS):
        at, rest = folds == number, folds != number
        crossed[at] = scores[:n][at] >= choose(RULE, scores[:n][rest], task.y[rest], folds[rest])
    return out | {f"{name}_train": value for name, value in named(crossed, task.y, task.bands).items()}


def named(given: NDArray, y: NDArray, bands: Sequence[Band]) -> dict[str, float]:
    """Micro- and macro-F1 of all labels, macro-F1 of each band."""
    together = aggregate(given, y)
    out = {"micro": together["micro"][2], "macro": together["macro"][2]}
    for band in ("head", "medium", "tail"):
        at = np.array([each == band for each in bands])
        out[band] = aggregate(given[:, at], y[:, at])["macro"][2] if at.any() else 0.0
    return out


def rows_of(task: Task, seed: int) -> list[dict[str, Any]]:
    """A row a step: its name, seconds and figures; the last two are of one network, alone and taught."""
    rows, n = [], len(task.y)
    for step, folds in climbed(task, seed):
        rows.append({"seed": seed, "step": step.name, "seconds": step.seconds, **figures(task, step.scores, folds)})
    given = inputs(task.views.rows, task.views.mentions, np.asarray(task.y).sum(axis=0))
    halves = fold_numbers(task.texts, task.y, n_folds=2, seed=seed)
    for name, soft in (("one network by itself", None), (TAUGHT, step.scores[:n])):
        clock = _Clock()
        scores = students(given, targets(task.y, soft), halves, seed=seed)
        found = figures(task, scores, folds)
        rows.append({"seed": seed, "step": name, "seconds": clock.lap(), **found})
    return rows


class _Clock:
    def __init__(self) -> None:
        self.at = time.perf_counter()

    def lap(self) -> float:
        """Seconds since the lap before."""
        before, self.at = self.at, time.perf_counter()
        return round(self.at - before, 1)
