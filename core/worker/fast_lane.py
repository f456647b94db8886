"""Between rounds: a linear model refitted after every few labels, so that the queue is never staler than those.

Where a student has scored the pool, both models' probabilities are averaged, threshold with threshold: the student has
seen more deeply, the linear model later.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit
from sqlite_utils import Database

from core.active import queue, top_k
from core.active.candidates import Candidates
from core.active.scores import relative
from core.active.select import Ranked
from core.models.linear import THRESHOLD, FastLane
from core.predictions import unpacked
from core.seeds import numbers
from core.services import projects, settling
from core.worker.finding import Finding
from core.worker.needs import Figure, label_words, needs
from core.worker.ranking import queue_rows
from core.worker.wide_lane import WideLane
from db import annotations as annotation_rows
from db import documents, events
from db import rounds as round_rows
from db.connect import reading, writing
from db.records import QueueRow

log = logging.getLogger("tagtail.worker")

MIN_LABELLED = 5
GIVEN = (
    "embeddings",
    "labelled_embeddings",
    "labelled_probs",
    "likely",
    "words",
)  # what there is beside probabilities and labels


@dataclass
class _Pool:
    """The texts of a project, vectorised once; made anew when texts have come in."""

    positions: dict[int, int]
    lane: FastLane
    finding: Finding
    wide: WideLane


class FastLanes:
    """The fast lane of every project that has one. ``alive`` is called now and then while it takes its time."""

    def __init__(self, alive: Callable[[], None] = lambda: None) -> None:
        self._alive = alive
        self._pools: dict[int, _Pool] = {}
        self._failed: dict[int, int] = {}  # project → the annotation up to which a refit failed

    def tick(self, db: Database) -> int:
        """Refit what is due; says how many projects were re-ranked."""
        return sum(self._one(db, project) for project in projects.list_projects(db))

    def _one(self, db: Database, project: projects.Project) -> bool:
        """Refit one project if enough labels have come; a failure is told once, not at every tick."""
        before = round_rows.fast_lane(db, project.id)
        since = annotation_rows.n_labelled_since(db, project.id, before["annotation_id"] if before else 0)
        latest = annotation_rows.latest_id(db, project.id)
        due = since >= project.settings.fast_lane_every or before is None
        if not due or self._failed.get(project.id) == latest:
            return False
        self._failed[project.id] = latest
        self._alive()
        ranked = self._refit(db, project)
        del self._failed[project.id]
        return ranked

    def _refit(self, db: Database, project: projects.Project) -> bool:
        with reading(db):
            project = projects.project(db, project.id)
            labelled = settling.label_sets(db, project.id, "pool")
            open_pool = documents.unlabelled_pool(db, project.id)
            latest = annotation_rows.latest_id(db, project.id)
            student = round_rows.current_model(db, project.id, "student")
            published = round_rows.in_use(db, project.id)
            figures = round_rows.metrics(db, project.id, number=published.number) if published else []
        if not labelled and not open_pool:
            return False  # texts may come
        started = time.perf_counter()
        ranked: list[QueueRow] = []
        current = student if student and student["fingerprint"] == project.label_set.fingerprint else None
        if len(labelled) >= MIN_LABELLED or (open_pool and "words" in queue.looks_at(project.settings.acquisition)):
            blobs = round_rows.predictions(db, current["id"]) if current and open_pool else {}
            order = self._wide if project.settings.round.has_tree(len(project.label_set)) else self._narrow
            found = order(project, labelled, open_pool, current, blobs, figures if current else (), latest)
            ranked = queue_rows(found, [document_id for document_id, _ in open_pool], project.label_set.keys)
        now, seconds = time.time(), time.perf_counter() - started
        with writing(db):
            if projects.project(db, project.id).label_set.fingerprint != project.label_set.fingerprint:
                return False  # a ranking by labels that are no more; the next tick makes another
            if ranked:
                round_id = student["round_id"] if student else None
                source = "blend" if current else "linear"
                round_rows.replace_queue(db, project.id, ranked, source=source, round_id=round_id)
                events.append(db, "queue_ranked", now=now, project_id=project.id, after=len(labelled))
            round_rows.set_fast_lane(
                db, project.id, annotation_id=latest, n_labelled=len(labelled), seconds=seconds, now=now
            )
        if ranked:
            log.info("fast lane: %s re-ranked on %d labels in %.1f s", project.key, len(labelled), seconds)
        return bool(ranked)

    def _narrow(
        self, project: projects.Project, labelled: list[settling.LabelledText], open_pool: list[tuple[int, str]],
        student: Mapping[str, Any] | None, blobs: Mapping[int, bytes], figures: Sequence[Figure], latest: int,
    ) -> list[Ranked]:  # fmt: skip
        """The waiting texts in their order, every label learned anew."""
        state = self._state(project, labelled, open_pool, student, blobs, figures)
        strategy, settings = self._strategy(project, waits=student is not None), project.settings
        if not strategy or not open_pool:
            return []
        return queue.ranked(
            strategy, state, numbers(settings.round.seed, "fast lane", latest), limit=queue.length(strategy),
            explore_share=settings.explore_share,
        )  # fmt: skip

    def _wide(
        self, project: projects.Project, labelled: list[settling.LabelledText], open_pool: list[tuple[int, str]],
        student: Mapping[str, Any] | None, blobs: Mapping[int, bytes], figures: Sequence[Figure], latest: int,
    ) -> list[Ranked]:  # fmt: skip
        """The same for label sets that have a tree."""
        pool = self._pool(project.id, {each.document_id: each.text for each in labelled} | dict(open_pool))
        waiting = [document_id for document_id, _ in open_pool]
        state = pool.wide.state(project, labelled, waiting, student, blobs, figures, alive=self._alive)
        settings = project.settings
        return top_k.ranked(
            settings.acquisition, state, numbers(settings.round.seed, "fast lane", latest),
            limit=queue.length(queue.FALLBACK), explore_share=settings.explore_share,
        )  # fmt: skip

    def _strategy(self, project: projects.Project, *, waits: bool) -> str:
        """The project's own, or "" where only a round can ask it, and one has: its queue is left as it is."""
        name = project.settings.acquisition
        if queue.serves(name, GIVEN):
            return name
        return "" if waits else queue.FALLBACK

    def _state(
        self, project: projects.Project, labelled: list[settling.LabelledText], open_pool: list[tuple[int, str]],
        student: Mapping[str, Any] | None, blobs: Mapping[int, bytes], figures: Sequence[Figure],
    ) -> Candidates:  # fmt: skip
        """Refit, and what a strategy may look at of the open pool."""
        pool = self._pool(project.id, {each.document_id: each.text for each in labelled} | dict(open_pool))
        y = project.label_set.encode([each.labels for each in labelled])
        ids = [document_id for document_id, _ in open_pool]
        taught = [pool.positions[each.document_id] for each in labelled]
        asked = [pool.positions[document_id] for document_id in ids]
        if len(y) >= MIN_LABELLED:
            probs = pool.lane.refit(taught, y, seed=0)[asked].astype(np.float64)
        else:  # nothing is known but the labels' own words
            probs = np.zeros((len(asked), len(project.label_set)))
        thresholds = linear = cut = np.full(len(project.label_set), THRESHOLD)
        if student:
            cut = np.array([student["thresholds"][key] for key in project.label_set.keys])
            probs, thresholds = blend(probs, linear, [blobs.get(each) for each in ids], cut)
        rows = {"embeddings": asked, "labelled_embeddings": taught}
        wanted = queue.looks_at(project.settings.acquisition)
        given: dict[str, Any] = {name: pool.lane.rows(at) for name, at in rows.items() if name in wanted}
        if "words" in wanted:
            given["words"] = pool.lane.relevance(asked, label_words(project.label_set))
        if "labelled_probs" in wanted:
            unseen = pool.lane.unseen(taught, y, seed=0).astype(np.float64)
            given["labelled_probs"] = blend(unseen, linear, [None] * len(y), cut)[0]
        if "need" in wanted:
            given["need"] = needs(figures, project.label_set.keys, y.sum(axis=0), target=project.settings.target_f1)
        if "likely" in wanted and len(y) >= MIN_LABELLED:
            seen = relative(probs, thresholds)
            likely, yields = pool.finding.look(taught, y, asked, seen, seed=0)
            given["likely"] = (likely + seen) / 2 if student else likely
            given["need"] = given["need"] * yields
        return Candidates(probs=probs, thresholds=thresholds, labelled_y=y, **given)

    def lane(self, project_id: int) -> FastLane | None:
        """The project's lane as of its last refit, if there was one."""
        pool = self._pools.get(project_id)
        return pool.lane if pool else None

    def _pool(self, project_id: int, texts: dict[int, str]) -> _Pool:
        pool = self._pools.get(project_id)
        if pool is None or not texts.keys() <= pool.positions.keys():
            ids = sorted(texts)
            in_order = [texts[each] for each in ids]
            lane = FastLane(in_order)
            positions = {each: n for n, each in enumerate(ids)}
            pool = _Pool(positions, lane, Finding(lane, in_order), WideLane(lane, positions))
            self._pools[project_id] = pool
        return pool


def blend(
    probs: NDArray, thresholds: NDArray, blobs: Sequence[bytes | None], cut: NDArray
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Average with the student's probabilities, threshold with threshold.

    A text that the student has not scored keeps the linear probability, moved so that the common threshold means for it
    what the linear one did. Shapes: probs (N, K), thresholds and cut (K,), N blobs.
    """
    both = (thresholds + cut) / 2
    moved = expit(logit(np.clip(probs, 1e-6, 1 - 1e-6)) - logit(thresholds) + logit(both))
    for n, blob in enumerate(blobs):
        if blob is not None:
            moved[n] = (probs[n] + unpacked(blob, len(cut))) / 2
    return moved, both
