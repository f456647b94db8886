"""An earlier round's student brought back: it reads the open pool again, and then replaces the present one at once."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from sqlite_utils import Database

from core.distill.lessons import threads_of
from core.errors import Cancelled, ModelUnavailable, OtherLabels
from core.predictions import Likeliest, packed
from core.services import going_back, projects, settling
from core.services.going_back import Earlier
from core.services.projects import Project
from core.train.predict import Student, load_student
from core.train.scoring import score_texts
from core.worker import tree_rounds
from core.worker.ranking import ranked_pool
from core.worker.rounds import JOB_LEASE_S, LabelsChanged, Stopped
from core.worker.snapshots import Snapshot
from core.xmc.student import MODEL as TREE
from core.xmc.student import TreeStudent, load_tree
from db import annotations as annotation_rows
from db import documents, events, jobs
from db import rounds as round_rows
from db.connect import reading, writing
from db.records import Job, Metric, QueueRow

log = logging.getLogger("tagtail.worker")
Found = TypeVar("Found")


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What a flat student says of the pool, as the ranking wants it. Shapes: pool_probs (P, K)."""

    pool_probs: NDArray[np.float32]
    thresholds: dict[str, NDArray[np.float64]]
    metrics: list[Metric]
    opinions: None = None


@dataclass(frozen=True, kw_only=True)
class _Seen:
    now: Snapshot
    earlier: Earlier
    before: int  # the number of the round that is in use
    metrics: list[Metric]

    @property
    def project(self) -> Project:
        return self.now.project


class Restorer:
    """Runs one claimed job to its end: the student is current, or everything is as it was."""

    round_id = 0  # it makes none

    def __init__(
        self, db: Database, job: Job, models: Path, *, stopping: Callable[[], bool], beside: Callable[[], None]
    ) -> None:
        self.db, self.job, self.models = db, job, models
        self.stopping, self.beside = stopping, beside
        self.number = int(job.payload["number"])
        self._last_beat = 0.0

    def run(self) -> None:
        """Raises Cancelled, Stopped, LabelsChanged, StudentGone, OtherLabels, LeaseLost; as ``load_student`` does."""
        seen = self._look()
        if seen.earlier.hindrance == "in_use":
            with writing(self.db):
                jobs.finish(self.db, self.job, "done", now=time.time())
            return
        student = self._load(seen)
        if isinstance(student, TreeStudent):
            lists = self._told(student.answers(seen.now.pool_texts), len(seen.now.pool))
            self._publish(seen, lists, tree_rounds.ranked_texts(
                seen.now, lists.matrix(), student.thresholds, seen.now.positives, seen.metrics, self.number,
            ))  # fmt: skip
            return
        threads = torch.get_num_threads()
        torch.set_num_threads(1)  # what runs in parallel does so in lanes
        try:
            probs = self._score(student, seen.now.pool_texts)
        finally:
            torch.set_num_threads(threads)
        found = Answers(pool_probs=probs, thresholds={"student": student.thresholds}, metrics=seen.metrics)
        self._publish(seen, probs, ranked_pool(seen.project, seen.now.data, found, self.number))

    def _look(self) -> _Seen:
        with reading(self.db):
            project = projects.project(self.db, self.job.project_id)
            found = going_back.find(self.db, project.id, self.number)
            train = settling.label_sets(self.db, project.id, "pool")
            pool = documents.unlabelled_pool(self.db, project.id)
            present = round_rows.in_use(self.db, project.id)
            metrics = round_rows.metrics(self.db, project.id, number=self.number)
            latest = annotation_rows.latest_id(self.db, project.id)
        snapshot = Snapshot(project=project, train=tuple(train), gold=(), pool=tuple(pool), annotation_id=latest)
        return _Seen(now=snapshot, earlier=found, before=present.number if present else 0, metrics=metrics)

    def _load(self, seen: _Seen) -> Student | TreeStudent:
        """Raises ModelUnavailable: the folder is not as it was published; OtherLabels."""
        where = self.models / seen.earlier.path
        name = f"round {self.number}"
        if hashlib.sha256((where / "student.zip").read_bytes()).hexdigest() != seen.earlier.sha256:
            raise ModelUnavailable(name=name, why="its file has been changed")
        student = load_tree(where) if (where / TREE).exists() else load_student(where)
        if student.label_keys != seen.project.label_set.keys:
            raise OtherLabels(number=self.number)
        return student

    def _score(self, student: Student, texts: Sequence[str]) -> NDArray[np.float32]:
        return self._told(
            score_texts(student.scorer(), student.reader(), texts, threads_of(student.config)), len(texts)
        )  # fmt: skip

    def _told(self, steps: Generator[int, None, Found], texts: int) -> Found:
        """Run it to its end, telling how many texts are read."""
        self._report(0, texts)
        try:
            while True:
                self._report(next(steps), texts)
        except StopIteration as finished:
            return finished.value
        finally:
            steps.close()

    def _report(self, done: int, total: int) -> None:
        """Heartbeat, progress and the chance to stop; at most once a second."""
        if self.stopping():
            raise Stopped()
        if time.monotonic() - self._last_beat < 1.0:
            return
        self._last_beat = time.monotonic()
        self.beside()
        progress = {"stage": "score", "done": done, "total": total, "number": self.number}
        with writing(self.db):
            if jobs.beat(self.db, self.job, progress=progress, lease_s=JOB_LEASE_S, now=time.time()):
                raise Cancelled()

    def _publish(self, seen: _Seen, probs: NDArray[np.float32] | Likeliest, ranked: list[QueueRow]) -> None:
        """Student, answers and queue, in one transaction behind the job's fence."""
        db, project_id, now = self.db, self.job.project_id, time.time()
        blobs = list(zip(seen.now.pool_ids, packed(probs), strict=True))
        with writing(db):
            jobs.check_fence(db, self.job)
            asked = jobs.peek(db, self.job.id)
            if asked and asked.cancel_requested:
                raise Cancelled()
            if projects.project(db, project_id).label_set.fingerprint != seen.project.label_set.fingerprint:
                raise LabelsChanged()  # the job goes back, and says then that the labels are others
            round_rows.make_current(db, project_id, seen.earlier.model_id, kind="student")
            round_rows.replace_predictions(db, project_id, seen.earlier.model_id, blobs)
            round_rows.replace_queue(db, project_id, ranked, source="student", round_id=seen.earlier.round_id)
            round_rows.set_fast_lane(  # labels that came meanwhile re-rank at the next tick
                db, project_id, annotation_id=seen.now.annotation_id, n_labelled=len(seen.now.train), seconds=0.0,
                now=now,
            )  # fmt: skip
            jobs.finish(db, self.job, "done", now=now)
            events.append(
                db, "student_restored", now=now, project_id=project_id, before={"round": seen.before},
                after={"round": self.number},
            )  # fmt: skip
        log.info("round %d: its student is back, %d texts read", self.number, len(seen.now.pool))
