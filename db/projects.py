"""Projects, their label sets and their settings."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sqlite_utils import Database

from db.connect import execute, execute_many, row, rows


def insert(db: Database, *, key: str, name: str, name_en: str, guideline: str, settings: str, now: float) -> int:
    cursor = execute(
        db,
        "INSERT INTO projects (key, name, name_en, guideline, settings, created_at) "
        "VALUES (:key, :name, :name_en, :guideline, :settings, :now)",
        key=key, name=name, name_en=name_en, guideline=guideline, settings=settings, now=now,
    )  # fmt: skip
    return int(cursor.lastrowid or 0)


def insert_labels(db: Database, project_id: int, labels: Sequence[dict[str, Any]]) -> None:
    """``labels`` in their canonical order: key, zh, en, definition, definition_en, examples, colour, hotkey."""
    execute_many(
        db,
        "INSERT INTO labels (project_id, key, position, zh, en, definition, definition_en, examples, colour, hotkey) "
        "VALUES (:project_id, :key, :position, :zh, :en, :definition, :definition_en, :examples, :colour, :hotkey)",
        [
            {**label, "examples": json.dumps(label["examples"], ensure_ascii=False), "project_id": project_id,
             "position": position}
            for position, label in enumerate(labels)
        ],
    )  # fmt: skip


def everything(db: Database) -> list[dict[str, Any]]:
    return rows(db, "SELECT id, key, name, name_en, guideline, settings FROM projects ORDER BY id")


def peek(db: Database, project_id: int) -> dict[str, Any] | None:
    return row(db, "SELECT id, key, name, name_en, guideline, settings FROM projects WHERE id = :id", id=project_id)


def labels(db: Database, project_id: int) -> list[dict[str, Any]]:
    found = rows(
        db,
        "SELECT key, zh, en, definition, definition_en, examples, colour, hotkey FROM labels "
        "WHERE project_id = :id ORDER BY position",
        id=project_id,
    )
    return [{**each, "examples": tuple(json.loads(each["examples"]))} for each in found]


def set_settings(db: Database, project_id: int, settings: str) -> None:
    execute(db, "UPDATE projects SET settings = :settings WHERE id = :id", settings=settings, id=project_id)


def set_overlap(db: Database, project_id: int, overlap: int) -> None:
    """A new overlap holds for every pool text that is still open."""
    execute(
        db, "UPDATE documents SET overlap = :overlap WHERE project_id = :id AND state = 'open'",
        overlap=overlap, id=project_id,
    )  # fmt: skip
    execute(
        db,
        "UPDATE documents SET state = 'done' WHERE project_id = :id AND state = 'open' AND overlap <= (SELECT count(*) "
        "FROM current_annotations c WHERE c.document_id = documents.id AND c.decision != 'skipped')",
        id=project_id,
    )
