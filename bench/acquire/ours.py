"""Our strategies at the desk: the queue as the fast lane makes it, its places for chance included."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.acquire.loop import Asked, Chooser
from core.active import queue
from core.active.candidates import Candidates
from core.active.scores import relative
from core.config import ProjectSettings
from core.labels import Label, LabelSet
from core.models.linear import THRESHOLD
from core.seeds import derive, numbers
from core.simulate.plan import served
from core.worker.fast_lane import blend
from core.worker.finding import Finding
from core.worker.needs import label_words, needs

WITHOUT_CHANCE = "long_tail_without_chance"  # what the places drawn by lot cost
ORACLE = "oracle"  # is told every label: how far choosing can go with this learner


def choosers(explore_share: float = ProjectSettings.explore_share) -> Iterator[tuple[str, Chooser]]:
    """Every strategy that the linear learner can serve."""
    for name in served("linear"):
        yield name, by_queue(name, explore_share)
    yield WITHOUT_CHANCE, by_queue(queue.FALLBACK, 0.0)
    yield ORACLE, oracle


def by_queue(name: str, explore_share: float = ProjectSettings.explore_share) -> Chooser:
    """The first places of a queue; whole, as in the product, for a tenth of it is drawn by lot."""

    def choose(asked: Asked, size: int) -> NDArray[np.int64]:
        found = queue.ranked(
            name, state(asked, name), lots(asked), limit=queue.length(name), explore_share=explore_share
        )
        return np.array([each.position for each in found[:size]], dtype=np.int64)

    return choose


def lots(asked: Asked) -> np.random.Generator:
    """The stream that the worker of ``core simulate`` draws from after so many labels."""
    return numbers(derive(asked.seed, "simulated rounds") % 2**31, "fast lane", asked.decisions)


def state(asked: Asked, name: str) -> Candidates:
    """What the fast lane would give that strategy."""
    wanted, cut = queue.looks_at(name), np.full(len(asked.names), THRESHOLD)
    given: dict[str, Any] = {}
    for field, at in (("embeddings", asked.left), ("labelled_embeddings", asked.taught)):
        if field in wanted:
            given[field] = asked.lane.rows(at)
    if "words" in wanted:
        given["words"] = asked.lane.relevance(asked.left, _words(asked.names))
    if "labelled_probs" in wanted:
        unseen = asked.lane.unseen(asked.taught, asked.y, seed=0).astype(np.float64)
        given["labelled_probs"] = blend(unseen, cut, [None] * len(asked.y), cut)[0]
    if "need" in wanted:
        positives = asked.y.sum(axis=0)
        given["need"] = needs((), asked.names, positives, target=ProjectSettings.target_f1)
    if "likely" in wanted:
        finding = asked.kept.setdefault("finding", Finding(asked.lane, asked.texts))
        seen = relative(asked.probs[asked.left], cut)
        given["likely"], yields = finding.look(asked.taught, asked.y, asked.left, seen, seed=0)
        given["need"] = given["need"] * yields
    return Candidates(probs=asked.probs[asked.left], thresholds=cut, labelled_y=asked.y, **given)


def _words(names: tuple[str, ...]) -> list[str]:
    return label_words(LabelSet(tuple(Label(key=f"l{k}", zh=name) for k, name in enumerate(names))))


def oracle(asked: Asked, size: int) -> NDArray[np.int64]:
    """Most labels, the rarer so far the heavier: a bound of what finding positives can bring, no strategy."""
    weights = 1 / (asked.y.sum(axis=0) + 1)
    lot = lots(asked).random(len(asked.left))
    return np.lexsort((lot, -(asked.hidden * weights).sum(axis=1)))[:size]
