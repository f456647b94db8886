"""Between rounds: a linear model refitted after every few labels, so that the queue is never staler than those.

Where a student has scored the pool, both models' probabilities are averaged, threshold with threshold: the student has
seen more deeply, the linear model later.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit
from sqlite_utils import Database

from core.active.select import rank
from core.models.linear import FastLane
from core.services import projects, settling
from core.worker.rounds import LINEAR_THRESHOLD, QUEUE_LENGTH, queue_rows
from db import annotations as annotation_rows
from db import documents, events
from db import rounds as round_rows
from db.connect import reading, writing
from db.records import QueueRow

log = logging.getLogger("tagtail.worker")

MIN_LABELLED = 5


@dataclass
class _Pool:
    """The texts of a project, vectorised once; made anew when texts have come in."""

    positions: dict[int, int]
    lane: FastLane


class FastLanes:
    """The fast lane of every project that has one."""

    def __init__(self) -> None:
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
        if since < project.settings.fast_lane_every or self._failed.get(project.id) == latest:
            return False
        self._failed[project.id] = latest
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
        started = time.perf_counter()
        ranked: list[QueueRow] = []
        source = "linear"
        if len(labelled) >= MIN_LABELLED and open_pool:
            ids, scores, y = self._scores(project, labelled, open_pool)
            probs = scores.astype(np.float64)
            thresholds = np.full(len(project.label_set), LINEAR_THRESHOLD)
            if student and student["fingerprint"] == project.label_set.fingerprint:
                blobs = round_rows.predictions(db, student["id"])
                cut = np.array([student["thresholds"][key] for key in project.label_set.keys])
                probs, thresholds = blend(probs, thresholds, [blobs.get(each) for each in ids], cut)
                source = "blend"
            found = rank(probs, thresholds, y.sum(axis=0), rng=np.random.default_rng(latest), limit=QUEUE_LENGTH)
            ranked = queue_rows(found, ids, project.label_set.keys)
        now, seconds = time.time(), time.perf_counter() - started
        with writing(db):
            if projects.project(db, project.id).label_set.fingerprint != project.label_set.fingerprint:
                return False  # a ranking by labels that are no more; the next tick makes another
            if ranked:
                round_id = student["round_id"] if student else None
                round_rows.replace_queue(db, project.id, ranked, source=source, round_id=round_id)
                events.append(db, "queue_ranked", now=now, project_id=project.id, after=len(labelled))
            round_rows.set_fast_lane(
                db, project.id, annotation_id=latest, n_labelled=len(labelled), seconds=seconds, now=now
            )
        if ranked:
            log.info("fast lane: %s re-ranked on %d labels in %.1f s", project.key, len(labelled), seconds)
        return bool(ranked)

    def _scores(
        self, project: projects.Project, labelled: list[settling.LabelledText], open_pool: list[tuple[int, str]]
    ) -> tuple[list[int], NDArray[np.float32], NDArray[np.int8]]:
        """The linear model's probabilities of the open pool, and the label rows that it learned from."""
        pool = self._pool(project.id, {each.document_id: each.text for each in labelled} | dict(open_pool))
        y = project.label_set.encode([each.labels for each in labelled])
        scores = pool.lane.refit([pool.positions[each.document_id] for each in labelled], y, seed=0)
        ids = [document_id for document_id, _ in open_pool]
        return ids, scores[[pool.positions[document_id] for document_id in ids]], y

    def _pool(self, project_id: int, texts: dict[int, str]) -> _Pool:
        pool = self._pools.get(project_id)
        if pool is None or not texts.keys() <= pool.positions.keys():
            ids = sorted(texts)
            pool = _Pool({each: n for n, each in enumerate(ids)}, FastLane([texts[each] for each in ids]))
            self._pools[project_id] = pool
        return pool


def blend(
    probs: NDArray, thresholds: NDArray, blobs: Sequence[bytes | None], cut: NDArray
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Average with the student's probabilities, threshold with threshold.

    A text that the student has not scored keeps the linear probability, moved so that the common threshold means for it
    what the linear one did. Shapes: probs (N, K), thresholds and cut (K,), blobs N × K float16.
    """
    both = (thresholds + cut) / 2
    moved = expit(logit(np.clip(probs, 1e-6, 1 - 1e-6)) - logit(thresholds) + logit(both))
    for n, blob in enumerate(blobs):
        if blob is not None:
            moved[n] = (probs[n] + np.frombuffer(blob, dtype="<f2").astype(np.float64)) / 2
    return moved, both
