"""Adjudications: the label set that a reviewer has settled a text with; each text has one at most."""

from __future__ import annotations

import json
from typing import Any

from sqlite_utils import Database

from db.connect import execute, row, rows, value


def put(
    db: Database, project_id: int, document_id: int, *, labels: tuple[str, ...], comment: str, user_id: int, now: float
) -> None:
    execute(
        db,
        "INSERT INTO adjudications (document_id, project_id, labels, comment, user_id, at) "
        "VALUES (:d, :p, :labels, :comment, :u, :now) ON CONFLICT (document_id) DO UPDATE SET "
        "labels = excluded.labels, comment = excluded.comment, user_id = excluded.user_id, at = excluded.at",
        d=document_id, p=project_id, labels=json.dumps(labels, ensure_ascii=False), comment=comment, u=user_id, now=now,
    )  # fmt: skip


def remove(db: Database, document_id: int) -> None:
    execute(db, "DELETE FROM adjudications WHERE document_id = :d", d=document_id)


def peek(db: Database, document_id: int) -> dict[str, Any] | None:
    """labels, comment, user_id, who, at."""
    found = row(
        db,
        "SELECT j.labels, j.comment, j.user_id, u.name AS who, j.at FROM adjudications j "
        "JOIN users u ON u.id = j.user_id WHERE j.document_id = :d",
        d=document_id,
    )
    return {**found, "labels": tuple(json.loads(found["labels"]))} if found else None


def exists(db: Database, document_id: int) -> bool:
    return value(db, "SELECT 1 FROM adjudications WHERE document_id = :d", d=document_id) is not None


def label_sets(db: Database, project_id: int, role: str, *, texts: bool = True) -> list[dict[str, Any]]:
    """Every adjudicated document of a role: document_id, external_id, text (or none), labels."""
    found = rows(
        db,
        "SELECT d.id AS document_id, d.external_id, j.labels, CASE WHEN :texts THEN d.text ELSE '' END AS text "
        "FROM adjudications j JOIN documents d ON d.id = j.document_id "
        "WHERE j.project_id = :p AND d.role = :role ORDER BY d.id",
        p=project_id, role=role, texts=int(texts),
    )  # fmt: skip
    return [{**each, "labels": tuple(json.loads(each["labels"]))} for each in found]
