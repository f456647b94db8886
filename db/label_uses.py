"""How often labels stand in people's present decisions, by the keys that those decisions bear."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from sqlite_utils import Database

from db.connect import row, rows

_COUNTS = (
    "count(DISTINCT c.document_id || ':' || c.user_id) AS decisions, count(DISTINCT c.document_id) AS texts, "
    "count(DISTINCT CASE WHEN u.role != 'system' THEN c.user_id END) AS people, "
    "count(DISTINCT CASE WHEN d.role = 'gold' THEN d.id END) AS gold "
    "FROM current_annotations c JOIN documents d ON d.id = c.document_id JOIN users u ON u.id = c.user_id, "
    "json_each(c.labels) j WHERE c.project_id = :p AND c.decision = 'labelled'"
)


def together(db: Database, project_id: int, keys: Iterable[str]) -> dict[str, Any]:
    """decisions, texts, people and gold texts that bear any of the keys."""
    found = row(
        db, f"SELECT {_COUNTS} AND j.value IN (SELECT value FROM json_each(:keys))",  # noqa: S608 (constant)
        p=project_id, keys=json.dumps(list(keys), ensure_ascii=False),
    )  # fmt: skip
    return found or {}


def each(db: Database, project_id: int) -> list[dict[str, Any]]:
    """label, decisions, texts, people and gold texts, for every key that some decision bears."""
    return rows(db, f"SELECT j.value AS label, {_COUNTS} GROUP BY j.value", p=project_id)
