"""How one cell is made: a scratch project, simulated people at its desk, the worker's own stages after each batch.

Nothing of the product is imitated here. Texts come in by the import, people are given them by the queue and answer
through the annotating service, and what learns and ranks is the fast lane or a round, as in the worker.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Generator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from sqlite_utils import Database

from core.config import ProjectSettings
from core.evaluate.metrics import aggregate, per_label
from core.experiments.corpus import Corpus
from core.labels import Label
from core.seeds import derive, numbers
from core.services import accounts, annotating, curating, projects, scheduling
from core.services.curating import ImportOptions
from core.simulate.plan import CHANCE, FULL, Key, Plan
from core.splits import hold_out
from core.version import VERSION
from core.worker.fast_lane import FastLanes
from core.worker.rounds import JOB_LEASE_S, RoundRunner
from db import documents, jobs, members, rounds
from db.connect import IN_MEMORY, open_database, writing
from db.records import QueueRow

MANY = 8  # labels; from here on the rarest four are the tail, below the rarest third
Making = Generator[float, None, dict[str, Any]]  # yields the share that is done


@dataclass(frozen=True)
class Split:
    """Positions in the corpus. Test texts are measured on and never chosen; every label has a positive in the pool."""

    pool: NDArray[np.int64]
    test: NDArray[np.int64]


def split(plan: Plan, corpus: Corpus, seed: int) -> Split:
    """Stratified, another one for each seed, the same for all strategies."""
    pool, test = hold_out(corpus.texts, corpus.y, share=plan.test_share, seed=derive(seed, "simulated test"))
    return Split(np.sort(pool), np.sort(test))


def tail(n_labels: int) -> NDArray[np.int64]:
    """Columns of the rarest labels, for a corpus has the commonest first. Shapes: → (tail,)."""
    size = 4 if n_labels >= MANY else max(1, n_labels // 3)
    return np.arange(n_labels - size, n_labels)


def cell(plan: Plan, corpus: Corpus, key: Key, scratch: Path) -> Making:
    """The curve of one strategy and seed as JSON values; the database is in memory, files go with the cell."""
    started = time.perf_counter()
    with (
        tempfile.TemporaryDirectory(dir=scratch) as folder,
        closing(open_database(IN_MEMORY, create=True)) as db,
    ):
        desk = _Desk.opened(db, plan, corpus, key, Path(folder))
        learner: _Learner = (_Linear if plan.learner == "linear" else _Student)(desk, Path(folder))
        points = []
        if key.strategy != FULL and not plan.first:
            learner.learn()  # the queue that there is before the first label
        for goal in [plan.budget] if key.strategy == FULL else _goals(plan):
            if key.strategy != FULL:
                learner.before(goal)
            now = time.perf_counter()
            learner.learn()
            spent = time.perf_counter() - now
            points.append({**_point(corpus, desk, learner), "learn_s": round(spent, 4)})
            yield len(desk.chosen) / plan.budget
    return {
        "key": [key.seed, key.strategy],
        "settings": plan.frozen(),
        "labels": list(corpus.label_keys),
        "points": points,
        "chosen": desk.chosen,
        "n_pool": len(desk.parts.pool),
        "n_test": len(desk.parts.test),
        "seconds": round(time.perf_counter() - started, 3),
        "code_version": VERSION,
    }


def _goals(plan: Plan) -> list[int]:
    """Labelled texts at each point of the curve; the last batch may be a smaller one."""
    return [*range(plan.first or plan.batch, plan.budget, plan.batch), plan.budget]


def _point(corpus: Corpus, desk: _Desk, learner: _Learner) -> dict[str, Any]:
    f1, micro = learner.measured()
    done = corpus.y[desk.chosen]
    return {
        "n": len(desk.chosen),
        "micro": micro,
        "macro": float(np.mean(f1)),
        "tail": float(np.mean(f1[tail(len(f1))])),
        "f1": [float(each) for each in f1],
        "positives": [int(each) for each in done.sum(axis=0)],
    }


@dataclass
class _Desk:
    """A project in a database of its own, and one person who knows every answer."""

    db: Database
    project_id: int
    person: int
    corpus: Corpus
    parts: Split
    seed: int
    chosen: list[int] = field(default_factory=list)  # positions in the corpus, in the order of their labels

    @classmethod
    def opened(cls, db: Database, plan: Plan, corpus: Corpus, key: Key, folder: Path) -> _Desk:
        """Pool and gold imported. In the full cell the import brings the pool's labels, else people give them."""
        now, parts = time.time(), split(plan, corpus, key.seed)
        labels = tuple(Label(key=_key(k), zh=name) for k, name in enumerate(corpus.label_keys))
        with writing(db):
            project_id = projects.insert_project(
                db, key="simulated", name="simulated", name_en="", guideline="", settings=plan.project(key),
                labels=labels, by=None, now=now,
            )  # fmt: skip
            person = accounts.insert_user(
                db, name="simulated", password_hash="", role="lead", lang="en", by=None, now=now
            ).id
            members.add(db, project_id, person, now=now)
        desk = cls(db, project_id, person, corpus, parts, key.seed)
        whole = key.strategy == FULL
        curating.run_import(
            db, project_id, desk.file(folder), options=ImportOptions(use_labels=whole), by=None, now=now
        )
        if whole:
            desk.chosen = parts.pool.tolist()
        elif plan.first:
            desk.put_first(plan.first)
        return desk

    def file(self, folder: Path) -> Path:
        path = folder / "corpus.jsonl"
        with path.open("w", encoding="utf-8") as out:
            for split_name, part in (("pool", self.parts.pool), ("gold", self.parts.test)):
                for n in part.tolist():
                    row = {"id": str(n), "text": self.corpus.texts[n], "labels": self.answer(n), "split": split_name}
                    out.write(json.dumps(row, ensure_ascii=False) + "\n")
        return path

    def answer(self, n: int) -> list[str]:
        return [_key(int(k)) for k in np.flatnonzero(self.corpus.y[n])]

    @cached_property
    def positions(self) -> Mapping[str, int]:
        return {self.corpus.texts[n]: n for n in self.parts.pool.tolist()}

    def put_first(self, size: int) -> None:
        """The first texts, by chance: the same for every strategy of a seed."""
        ids = {self.positions[text]: each for each, text in documents.unlabelled_pool(self.db, self.project_id)}
        drawn = numbers(self.seed, "seed set").permutation(self.parts.pool)[:size]
        why = {"label": _key(0), "probability": 0.0, "threshold": 0.5, "random": True}
        queue = [QueueRow(document_id=ids[int(n)], rank=at, score=0.0, reason=why) for at, n in enumerate(drawn)]
        with writing(self.db):
            rounds.replace_queue(self.db, self.project_id, queue, source=CHANCE, round_id=None)

    def label(self, n: int) -> None:
        """Take n texts and save their answers."""
        texts = annotating.next_texts(self.db, self.project_id, self.person, n=n, now=time.time())
        assert len(texts) == n, f"{len(texts)} of {n} texts"
        for each in texts:
            at = self.positions[each.text]
            op = {"uid": f"text-{each.id}", "kind": "save", "document": each.id, "decision": "labelled", "ms": 0}
            found = annotating.apply(
                self.db, self.project_id, self.person, [{**op, "labels": self.answer(at)}], now=time.time()
            )
            assert not found.refused, found.refused
            self.chosen.append(at)


def _key(k: int) -> str:
    return f"l{k}"


class _Learner(Protocol):
    """What is retrained after each batch, and how its figures on the test texts are found."""

    def __init__(self, desk: _Desk, folder: Path) -> None: ...

    def before(self, goal: int) -> None:
        """People label until so many texts are labelled."""

    def learn(self) -> None: ...

    def measured(self) -> tuple[NDArray[np.float64], float]:
        """F1 of each label and micro-F1 on the test texts, cut where the product cuts. Shapes: (K,)."""


class _Linear:
    """The fast lane alone: one refit and ranking after each batch."""

    def __init__(self, desk: _Desk, folder: Path) -> None:
        self.desk, self.lanes = desk, FastLanes()
        self.test_y = desk.corpus.y[desk.parts.test]

    def before(self, goal: int) -> None:
        self.desk.label(goal - len(self.desk.chosen))

    def learn(self) -> None:
        self.lanes.tick(self.desk.db)

    def measured(self) -> tuple[NDArray[np.float64], float]:
        model = self._lane.model
        predicted = model.probabilities_of_rows(self._test_rows) >= model.thresholds
        return per_label(predicted, self.test_y)[2], float(aggregate(predicted, self.test_y)["micro"][2])

    @property
    def _lane(self) -> Any:
        lane = self.lanes.lane(self.desk.project_id)
        assert lane is not None
        return lane

    @cached_property
    def _test_rows(self) -> Any:
        return self._lane.vectorise([self.desk.corpus.texts[n] for n in self.desk.parts.test.tolist()])


def _unpacked(student: Path, labels: object, card: object, out: Path) -> None:
    """Nobody takes this student along; its export would be most of a small round."""
    out.touch()


class _Student:
    """A whole round after each batch; within a batch the fast lane ranks anew as often as it does by default."""

    def __init__(self, desk: _Desk, folder: Path) -> None:
        self.desk, self.models, self.lanes = desk, folder / "models", FastLanes()

    def before(self, goal: int) -> None:
        desk = self.desk
        if not desk.chosen:
            desk.label(goal)
        while len(desk.chosen) < goal:
            desk.label(min(ProjectSettings.fast_lane_every, goal - len(desk.chosen)))
            if len(desk.chosen) < goal:
                self.lanes.tick(desk.db)

    def learn(self) -> None:
        desk, now = self.desk, time.time()
        scheduling.request_round(desk.db, desk.project_id, by=desk.person, now=now)
        with writing(desk.db):
            job = jobs.claim(desk.db, lease_s=JOB_LEASE_S, max_attempts=1, now=time.time())
        assert job is not None
        RoundRunner(
            desk.db, job, self.models, stopping=lambda: False, beside=lambda: None, pack=_unpacked
        ).run()  # fmt: skip

    def measured(self) -> tuple[NDArray[np.float64], float]:
        published = rounds.last_published(self.desk.db, self.desk.project_id)
        assert published is not None
        found = rounds.metrics(self.desk.db, self.desk.project_id, number=published.number)
        f1 = {each.scope: each.f1 for each in found if (each.model, each.split) == ("student", "gold")}
        return np.array([f1[_key(k)] for k in range(len(self.desk.corpus.label_keys))]), float(f1["micro"])
