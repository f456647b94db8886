"""What a lead has said about a label: one row a version, the latest is shown."""

from __future__ import annotations

from typing import Any

from sqlite_utils import Database

from db.connect import execute, rows


def append(db: Database, project_id: int, label: str, note: str, user_id: int, *, now: float) -> None:
    execute(
        db, "INSERT INTO label_notes (project_id, label, note, user_id, at) VALUES (:p, :label, :note, :u, :now)",
        p=project_id, label=label, note=note, u=user_id, now=now,
    )  # fmt: skip


def latest(db: Database, project_id: int) -> list[dict[str, Any]]:
    """The present note of each label that has had one: label, note, who, at."""
    return rows(
        db,
        "SELECT n.label, n.note, u.name AS who, n.at FROM label_notes n JOIN users u ON u.id = n.user_id "
        "WHERE n.id IN (SELECT max(id) FROM label_notes WHERE project_id = :p GROUP BY label)",
        p=project_id,
    )


def of_label(db: Database, project_id: int, label: str) -> list[dict[str, Any]]:
    """Every version, newest first: label, note, who, at."""
    return rows(
        db,
        "SELECT n.label, n.note, u.name AS who, n.at FROM label_notes n JOIN users u ON u.id = n.user_id "
        "WHERE n.project_id = :p AND n.label = :label ORDER BY n.id DESC",
        p=project_id, label=label,
    )  # fmt: skip
