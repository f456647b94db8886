"""Between rounds: a linear model refitted after every few labels, so that the queue is never staler than those.

Where a student has scored the pool, both models' probabilities are averaged, threshold with threshold: the student has
seen more deeply, the linear model later.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlite_utils import Database

from core.active.select import rank
from core.models.linear import FastLane
from core.services import projects
from core.worker.rounds import LINEAR_THRESHOLD, QUEUE_LENGTH, queue_rows
from db import annotations as annotation_rows
from db import documents, events
from db import rounds as round_rows
from db.connect import reading, writing

log = logging.getLogger("tagtail.worker")

MIN_LABELLED = 5


@dataclass
class _Pool:
    """The texts of a project, vectorised once; made anew when texts have come in."""

    n_documents: int
    positions: dict[int, int]
    lane: FastLane


class FastLanes:
    """The fast lane of every project that has one."""

    def __init__(self) -> None:
        self._pools: dict[int, _Pool] = {}

    def tick(self, db: Database) -> int:
        """Refit what is due; says how many projects were re-ranked."""
        return sum(self._one(db, project) for project in projects.list_projects(db))

    def _one(self, db: Database, project: projects.Project) -> bool:
        before = round_rows.fast_lane(db, project.id)
        since = annotation_rows.n_labelled_since(db, project.id, before["annotation_id"] if before else 0)
        if since < project.settings.fast_lane_every:
            return False
        with reading(db):
            labelled = projects.label_sets(db, project.id, "pool")
            open_pool = documents.unlabelled_pool(db, project.id)
            latest = annotation_rows.latest_id(db, project.id)
            student = round_rows.current_model(db, project.id, "student")
        if len(labelled) < MIN_LABELLED or not open_pool:
            return False
        started = time.perf_counter()
        texts = {each.document_id: each.text for each in labelled} | dict(open_pool)
        pool = self._pool(project.id, texts)
        y = project.label_set.encode([each.labels for each in labelled])
        scores = pool.lane.refit([pool.positions[each.document_id] for each in labelled], y, seed=0)
        ids = [document_id for document_id, _ in open_pool]
        probs = scores[[pool.positions[document_id] for document_id in ids]]
        thresholds = np.full(len(project.label_set), LINEAR_THRESHOLD)
        probs, thresholds, blended = self._with_student(db, project, student, ids, probs, thresholds)
        ranked = rank(probs, thresholds, y.sum(axis=0), rng=np.random.default_rng(latest), limit=QUEUE_LENGTH)
        seconds = time.perf_counter() - started
        with writing(db):
            round_rows.replace_queue(
                db, project.id, queue_rows(ranked, ids, project.label_set.keys),
                source="blend" if blended else "linear", round_id=student["round_id"] if student else None,
            )  # fmt: skip
            round_rows.set_fast_lane(
                db, project.id, annotation_id=latest, n_labelled=len(labelled), seconds=seconds, now=time.time()
            )
            events.append(db, "queue_ranked", now=time.time(), project_id=project.id, after=len(labelled))
        log.info("fast lane: %s re-ranked on %d labels in %.1f s", project.key, len(labelled), seconds)
        return True

    def _pool(self, project_id: int, texts: dict[int, str]) -> _Pool:
        pool = self._pools.get(project_id)
        if pool is None or not texts.keys() <= pool.positions.keys():
            ids = sorted(texts)
            pool = _Pool(len(ids), {each: n for n, each in enumerate(ids)}, FastLane([texts[each] for each in ids]))
            self._pools[project_id] = pool
        return pool

    @staticmethod
    def _with_student(
        db: Database, project: projects.Project, student: dict | None, ids: list[int],
        probs: NDArray[np.float32], thresholds: NDArray[np.float64],
    ) -> tuple[NDArray, NDArray, bool]:  # fmt: skip
        """Averaged with the current student's where it has scored every text; else as they are."""
        if student is None or student["fingerprint"] != project.label_set.fingerprint:
            return probs, thresholds, False
        blobs = round_rows.predictions(db, student["id"])
        if any(document_id not in blobs for document_id in ids):
            return probs, thresholds, False
        his = np.stack([np.frombuffer(blobs[document_id], dtype="<f2") for document_id in ids]).astype(np.float32)
        cut = np.array([student["thresholds"][key] for key in project.label_set.keys])
        return (probs + his) / 2, (thresholds + cut) / 2, True
