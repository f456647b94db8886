"""The append-only audit log; its latest id is the version that caches go by."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sqlite_utils import Database

from db.connect import execute, rows, value


def append(
    db: Database, kind: str, *, now: float, project_id: int | None = None, user_id: int | None = None,
    document_id: int | None = None, before: Any = None, after: Any = None,
) -> int:  # fmt: skip
    """Write down who did what to what, when, before and after."""
    cursor = execute(
        db,
        "INSERT INTO events (project_id, user_id, at, kind, document_id, before, after) "
        "VALUES (:project_id, :user_id, :now, :kind, :document_id, :before, :after)",
        project_id=project_id, user_id=user_id, now=now, kind=kind, document_id=document_id,
        before=None if before is None else json.dumps(before, ensure_ascii=False),
        after=None if after is None else json.dumps(after, ensure_ascii=False),
    )  # fmt: skip
    return int(cursor.lastrowid or 0)


def latest_id(db: Database, project_id: int) -> int:
    return int(value(db, "SELECT coalesce(max(id), 0) FROM events WHERE project_id = :p", p=project_id))


def recent(db: Database, project_id: int, kinds: Sequence[str], *, n: int) -> list[dict[str, Any]]:
    """The latest events of some kinds, newest first: at, who, kind, before, after."""
    found = rows(
        db,
        "SELECT e.at, coalesce(u.name, '') AS who, e.kind, e.before, e.after FROM events e "
        "LEFT JOIN users u ON u.id = e.user_id WHERE e.project_id = :p "
        "AND e.kind IN (SELECT value FROM json_each(:kinds)) ORDER BY e.id DESC LIMIT :n",
        p=project_id, kinds=json.dumps(list(kinds)), n=n,
    )  # fmt: skip
    return [each | {name: json.loads(each[name] or "null") for name in ("before", "after")} for each in found]
