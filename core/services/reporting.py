"""What a lead looks at: each figure is computed here and nowhere else, inside one read snapshot."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from core.labels import Label
from core.services import projects
from core.services.standing import standing
from db import annotations as annotation_rows
from db import documents, events, rounds
from db.connect import location, reading
from db.records import Metric, RoundRow


@dataclass(frozen=True, kw_only=True)
class QueueHead:
    document_id: int
    score: float
    reason: dict[str, Any]
    text: str


@dataclass(frozen=True, kw_only=True)
class Overview:
    """One consistent look at a project; counts are texts.

    ``round`` is the one whose student is in use, ``metrics`` are its figures, ``history`` those of all rounds.
    """

    project: projects.Project
    labels: tuple[Label, ...]
    n_pool: int
    n_labelled: int
    n_gold: int
    n_gold_labelled: int
    n_skipped: int
    n_flagged: int
    label_counts: tuple[int, ...]
    gold_counts: tuple[int, ...]
    round: RoundRow | None
    metrics: tuple[Metric, ...]
    history: tuple[Metric, ...]
    queue_head: tuple[QueueHead, ...]


def version(db: Database, project_id: int) -> int:
    """Changes whenever an overview of this project would."""
    return events.latest_id(db, project_id)


def overview(db: Database, project_id: int) -> Overview:
    """Everything the dashboard shows."""
    with reading(db):
        project = projects.project(db, project_id)
        now = standing(db, project_id)
        counts = documents.counts(db, project_id)
        published = rounds.in_use(db, project_id)
        history = _history(db, project_id)
        head = rounds.queue_head(db, project_id, n=20)
        return Overview(
            project=project,
            labels=project.label_set.labels,
            n_pool=counts["pool"]["documents"],
            n_labelled=len(now.counting(gold=False)),
            n_gold=counts["gold"]["documents"],
            n_gold_labelled=len(now.counting(gold=True)),
            n_skipped=annotation_rows.n_documents(db, project_id, "skipped"),
            n_flagged=annotation_rows.n_documents(db, project_id, "flagged"),
            label_counts=tuple(now.support(gold=False).tolist()),
            gold_counts=tuple(now.support(gold=True).tolist()),
            round=published,
            metrics=tuple(each for each in history if published and each.round == published.number),
            history=history,
            queue_head=tuple(QueueHead(**{k: v for k, v in each.items() if k != "source"}) for each in head),
        )


_kept: dict[tuple[Path, int, int], tuple[Any, tuple[Metric, ...]]] = {}
_KEPT = 8  # projects


def _history(db: Database, project_id: int) -> tuple[Metric, ...]:
    """The figures of all rounds; read anew when a round has been published, for nothing else changes them."""
    path = location(db)
    key = (path, path.stat().st_ino if path.exists() else 0, project_id)
    mark = rounds.published(db, project_id)
    found = _kept.pop(key, None)
    if found is None or found[0] != mark:
        found = (mark, tuple(rounds.metrics(db, project_id)))
    _kept[key] = found  # the latest comes last
    while len(_kept) > _KEPT:
        _kept.pop(next(iter(_kept)), None)
    return found[1]


def student_bundle(db: Database, project_id: int) -> Path | None:
    """The published zip of the current student, if there is one on disk; its path is kept relative to the database."""
    model = rounds.current_model(db, project_id, "student")
    if model is None:
        return None
    bundle = location(db).parent / "models" / model["path"] / "student.zip"
    return bundle if bundle.exists() else None
