"""What a lead looks at: each figure is computed here and nowhere else, inside one read snapshot."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from core.labels import Label
from core.services import curating
from db import annotations as annotation_rows
from db import documents, events, past, rounds
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
    """One consistent look at a project; counts are texts, ``cooccurrence`` is K × K over labelled pool texts.

    ``round`` is the one whose student is in use, ``metrics`` are its figures, ``history`` those of all rounds.
    """

    project: curating.Project
    labels: tuple[Label, ...]
    n_pool: int
    n_labelled: int
    n_gold: int
    n_gold_labelled: int
    n_skipped: int
    n_flagged: int
    label_counts: tuple[int, ...]
    gold_counts: tuple[int, ...]
    cooccurrence: tuple[tuple[int, ...], ...]
    per_day: tuple[tuple[str, str, int], ...]
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
        project = curating.project(db, project_id)
        pool = curating.label_sets(db, project_id, "pool")
        gold = curating.label_sets(db, project_id, "gold")
        y_pool = project.label_set.encode([each.labels for each in pool]).astype(int)
        y_gold = project.label_set.encode([each.labels for each in gold]).astype(int)
        counts = documents.counts(db, project_id)
        decided = annotation_rows.decision_counts(db, project_id)
        published = rounds.in_use(db, project_id)
        history = rounds.metrics(db, project_id)
        head = rounds.queue_head(db, project_id, n=20)
        return Overview(
            project=project,
            labels=project.label_set.labels,
            n_pool=counts["pool"]["documents"],
            n_labelled=len(pool),
            n_gold=counts["gold"]["documents"],
            n_gold_labelled=len(gold),
            n_skipped=sum(n for (_, decision), n in decided.items() if decision == "skipped"),
            n_flagged=sum(n for (_, decision), n in decided.items() if decision == "flagged"),
            label_counts=tuple(int(n) for n in y_pool.sum(axis=0)),
            gold_counts=tuple(int(n) for n in y_gold.sum(axis=0)),
            cooccurrence=tuple(tuple(int(n) for n in line) for line in y_pool.T @ y_pool),
            per_day=tuple(past.per_day(db, project_id)),
            round=published,
            metrics=tuple(each for each in history if published and each.round == published.number),
            history=tuple(history),
            queue_head=tuple(QueueHead(**{k: v for k, v in each.items() if k != "source"}) for each in head),
        )


def student_bundle(db: Database, project_id: int) -> Path | None:
    """The published zip of the current student, if there is one on disk; its path is kept relative to the database."""
    model = rounds.current_model(db, project_id, "student")
    if model is None:
        return None
    bundle = location(db).parent / "models" / model["path"] / "student.zip"
    return bundle if bundle.exists() else None
