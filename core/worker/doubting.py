"""Which labels look mistaken: a list made anew when nothing else is to do and enough has changed since the last one.

The linear model answers for every labelled text, out of fold and several times over. Where the last round's student and
teachers have answered for texts that they had not learned, theirs is averaged with it: gold texts, and pool texts that
were labelled after that round. The list is made in steps of a second or so; a job that comes in ends it, and it is
begun anew later.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit
from sqlite_utils import Database

from core.evaluate.doubts import LEAST_SHARED, Doubts, doubts
from core.models.linear import FastLane
from core.predictions import unpacked
from core.services import doubting, projects, settling
from core.services.projects import Project
from db import annotations as annotation_rows
from db import answers as answer_rows
from db import documents, events
from db import doubts as doubt_rows
from db import rounds as round_rows
from db.connect import reading, writing
from db.doubts import NewDoubt
from db.records import RoundRow

log = logging.getLogger("tagtail.worker")

EVERY = 25  # labelled decisions and settlements that make a list stale
MOST_TEXTS = 20_000  # labelled; beyond either, no list is made, for it would take hours and gigabytes
MOST_CHARACTERS = 5_000_000
MOST_CELLS = 1_000_000  # labelled texts times labels: of a thousand labels, a thousand texts
MOST_DOUBTS = 1_000  # kept; nobody reads so many again
SHARE = 0.1  # of all cells at most
REPEATS = 3  # times that the texts are dealt into folds
SLICE_S = 1.0
POLL_S = 20.0  # between two looks whether a list is due
SEED = 0


@dataclass(frozen=True, kw_only=True)
class _Seen:
    """The labelled texts of a project as one moment has them: pool, then gold."""

    project: Project
    texts: list[settling.LabelledText]
    annotation_id: int
    round_id: int
    opinions: dict[str, dict[int, NDArray[np.float64]]]  # model → position of a text → (K,)

    @property
    def mark(self) -> dict[str, int]:
        return {"annotation": self.annotation_id, "round": self.round_id, "texts": len(self.texts)}


class Doubting:
    """The list of every project, one project at a time."""

    def __init__(self, *, stopping: Callable[[], bool] = lambda: False) -> None:
        self.stopping = stopping
        self._steps: Generator[None, None, None] | None = None
        self._failed: dict[int, int] = {}  # project → the annotation at which a list failed
        self._looked = -POLL_S

    def tick(self, db: Database) -> bool:
        """Go on with a list for about a second, or begin one that is due; whether one was worked on."""
        if self._steps is None and time.monotonic() - self._looked >= POLL_S:
            self._looked = time.monotonic()
            self._steps = self._begin(db)
        if self._steps is None:
            return False
        until = time.monotonic() + SLICE_S
        try:
            while not self.stopping() and time.monotonic() < until:
                next(self._steps)
        except StopIteration:
            self._steps, self._looked = None, -POLL_S  # another project may be due
        except BaseException:
            self._steps = None
            raise
        return True

    def drop(self) -> None:
        """Forget a list in the making and what it holds in memory; it is due again as before."""
        if self._steps is not None:
            self._steps.close()
            self._steps = None

    def _begin(self, db: Database) -> Generator[None, None, None] | None:
        for project in projects.list_projects(db):
            latest = annotation_rows.latest_id(db, project.id)
            if self._failed.get(project.id) != latest and is_due(db, project.id):
                self._failed[project.id] = latest
                return self._make(db, project.id)
        return None

    def _make(self, db: Database, project_id: int) -> Generator[None, None, None]:
        yield from make(db, project_id)
        self._failed.pop(project_id, None)


def is_due(db: Database, project_id: int) -> bool:
    """Whether enough labels have changed, or a round has been published, since the last list; before it, any label."""
    before = doubting.last_list(db, project_id)
    if before is None:
        counts = documents.counts(db, project_id)
        return counts["pool"]["labelled"] + counts["gold"]["labelled"] >= doubting.LEAST_TEXTS
    published = round_rows.in_use(db, project_id)
    if published and published.id != before.get("round"):
        return True
    return doubt_rows.n_changed_since(db, project_id, int(before.get("annotation", 0)), most=EVERY) >= EVERY


def make(db: Database, project_id: int) -> Generator[None, None, None]:
    """Find the doubts of one project and put them in the place of those before; nothing is written until the end."""
    started = time.monotonic()
    seen = _look(db, project_id)
    note = ""
    if len(seen.texts) < doubting.LEAST_TEXTS:
        note = "too_few"
    elif _too_many(seen):
        note = "too_many"
    yield
    rows: list[NewDoubt] = []
    unjudged: list[str] = []
    if not note:
        y = seen.project.label_set.encode([each.labels for each in seen.texts])
        lane = FastLane([each.text for each in seen.texts])
        yield
        probs = yield from out_of_fold(lane, y, seed=SEED)
        others = [(list(said), np.array(list(said.values()))) for said in seen.opinions.values()]
        found = doubts(probs, y, seed=SEED, others=others)
        most = min(MOST_DOUBTS, int(SHARE * y.size))
        rows = _rows(seen, found, doubt_rows.seen(db, project_id), most=most)
        unjudged = [key for key, well in zip(seen.project.label_set.keys, found.judged, strict=True) if not well]
    now = time.time()
    with writing(db):
        if projects.project(db, project_id).label_set.fingerprint != seen.project.label_set.fingerprint:
            return  # doubts of labels that are no more; the next list is due at once
        doubt_rows.replace(db, project_id, rows, now=now)
        told: dict[str, Any] = {**seen.mark, "n": len(rows), "note": note, "unjudged": unjudged}
        events.append(db, doubting.LIST_MADE, now=now, project_id=project_id, after=told)
    seconds = time.monotonic() - started
    log.info("doubts: %s, %d in %d texts, %.1f s %s", seen.project.key, len(rows), len(seen.texts), seconds, note)


def _too_many(seen: _Seen) -> bool:
    texts = seen.texts
    cells = len(texts) * len(seen.project.label_set)
    return len(texts) > MOST_TEXTS or cells > MOST_CELLS or sum(len(each.text) for each in texts) > MOST_CHARACTERS


def out_of_fold(
    lane: FastLane, y: NDArray, *, seed: int, repeats: int = REPEATS
) -> Generator[None, None, NDArray[np.float64]]:
    """The mean logit of several five-fold answers to all of a lane's texts, as probabilities. Shapes: y (N, K)."""
    at, total = np.arange(len(lane)), np.zeros(np.shape(y))
    for turn in range(repeats):
        steps = lane.unseen_steps(at, y, seed=seed * repeats + turn)
        try:
            while True:
                next(steps)
                yield
        except StopIteration as finished:
            total += logit(np.clip(finished.value.astype(np.float64), 1e-6, 1 - 1e-6))
    return expit(total / repeats)


def _look(db: Database, project_id: int) -> _Seen:
    with reading(db):
        project = projects.project(db, project_id)
        texts = [each for role in ("pool", "gold") for each in settling.label_sets(db, project_id, role)]
        published = round_rows.in_use(db, project_id)
        position = {each.document_id: n for n, each in enumerate(texts)}
        return _Seen(
            project=project, texts=texts, opinions=_opinions(db, project, published, position) if published else {},
            annotation_id=annotation_rows.latest_id(db, project_id), round_id=published.id if published else 0,
        )  # fmt: skip


def _opinions(
    db: Database, project: Project, published: RoundRow, position: Mapping[int, int]
) -> dict[str, dict[int, NDArray[np.float64]]]:
    """What the round's student and teachers say of texts that they had not learned: model → position → (K,)."""
    found: dict[str, dict[int, NDArray[np.float64]]] = {}
    for model in ("student", "teacher"):
        said = answer_rows.peek(db, project.id, published.number, model)
        if said and said["keys"] == project.label_set.keys:
            ids = np.frombuffer(said["documents"], dtype="<i8")
            probs = np.frombuffer(said["probabilities"], dtype="<f4").reshape(len(ids), -1).astype(np.float64)
            found[model] = {position[int(i)]: row for i, row in zip(ids, probs, strict=True) if int(i) in position}
    student = round_rows.current_model(db, project.id, "student")
    known = student and student["round_id"] == published.id and student["fingerprint"] == project.label_set.fingerprint
    if student and known:
        learned = doubt_rows.decided_by(db, project.id, published.snapshot_annotation)
        fresh = {
            position[document_id]: unpacked(blob, len(project.label_set))
            for document_id, blob in round_rows.predictions(db, student["id"]).items()
            if document_id in position and document_id not in learned
        }
        found["student"] = found.get("student", {}) | fresh
    return {model: said for model, said in found.items() if len(said) >= LEAST_SHARED}


def _rows(seen: _Seen, found: Doubts, reviewed: Mapping[tuple[int, str], bool], *, most: int) -> list[NewDoubt]:
    """The first cells of the list, without those that somebody has found right as they are."""
    keys = seen.project.label_set.keys
    rows: list[NewDoubt] = []
    for n, k, given, probability, score in zip(
        found.text, found.label, found.given, found.probability, found.score, strict=True
    ):
        if len(rows) >= most:
            break
        text = seen.texts[n]
        if reviewed.get((text.document_id, keys[k])) != given:
            models = ["linear", *(model for model, said in seen.opinions.items() if n in said)]
            rows.append(
                NewDoubt(
                    document_id=text.document_id, label=keys[k], given=bool(given), probability=float(probability),
                    score=float(score), source="+".join(models),
                )
            )  # fmt: skip
    return rows
