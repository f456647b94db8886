"""A round's answers as the next queue: what the strategy may look at, its ranking, and the reasons in rows."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from core.active import queue
from core.active.candidates import Candidates
from core.active.select import Ranked
from core.distill.pipeline import RoundData
from core.models.linear import FastLane
from core.seeds import numbers
from core.services.projects import Project
from core.worker.needs import Figure, label_words, needs
from db.records import QueueRow


class Answers(Protocol):
    """What a model has found of a pool: of a round's result, the part that a ranking looks at."""

    @property
    def pool_probs(self) -> NDArray[np.float32]: ...
    @property
    def thresholds(self) -> Mapping[str, NDArray[np.float64]]: ...
    @property
    def metrics(self) -> Sequence[Figure]: ...
    @property
    def opinions(self) -> NDArray[np.float32] | None: ...


def ranked_pool(project: Project, data: RoundData, result: Answers, number: int) -> list[QueueRow]:
    """The open pool by the project's strategy, or by the one that needs nothing where the round lacks what it needs."""
    settings, keys, name = project.settings, project.label_set.keys, project.settings.acquisition
    given = {**_rows(data, label_words(project.label_set), queue.looks_at(name)), **_opinions(result)}
    if "need" in queue.looks_at(name):
        given["need"] = needs(result.metrics, keys, data.train_y.sum(axis=0), target=settings.target_f1)
    candidates = Candidates(
        probs=result.pool_probs, thresholds=result.thresholds["student"], labelled_y=data.train_y, **given
    )
    name = name if queue.serves(name, given) else queue.FALLBACK
    ranked = queue.ranked(
        name, candidates, numbers(settings.round.seed, "queue", number), limit=queue.length(name),
        explore_share=settings.explore_share,
    )  # fmt: skip
    return queue_rows(ranked, data.pool_ids, keys)


def _opinions(result: Answers) -> dict[str, Any]:
    """What the teachers say of the pool, where they were asked; a committee has two members at least."""
    if result.opinions is None:
        return {}
    together, members = result.opinions[0], result.opinions[1:]
    return {"teacher": together, **({"committee": members} if len(members) > 1 else {})}


def _rows(data: RoundData, words: Sequence[str], wanted: Collection[str]) -> dict[str, Any]:
    """The texts as the fast lane sees them, where the strategy looks at that: (P, grams), (N, grams), (P, K)."""
    names = ("embeddings", "labelled_embeddings", "words")
    if not set(names) & set(wanted) or not len(data.pool_texts):
        return {}
    lane = FastLane([*data.pool_texts, *data.train_texts])
    pool, labelled = np.arange(len(data.pool_texts)), np.arange(len(data.pool_texts), len(lane))
    return dict(zip(names, (lane.rows(pool), lane.rows(labelled), lane.relevance(pool, words)), strict=True))


def queue_rows(ranked: Sequence[Ranked], pool_ids: Sequence[int] | NDArray, keys: Sequence[str]) -> list[QueueRow]:
    """Ranked positions as rows of the queue, each with its reason."""
    return [
        QueueRow(
            document_id=int(pool_ids[each.position]),
            rank=place,
            score=each.score,
            reason={
                "label": keys[each.label],
                "probability": round(each.probability, 4),
                "threshold": round(each.threshold, 4),
                "random": each.random,
                "words": each.words,
            },
        )
        for place, each in enumerate(ranked)
    ]
