"""What the dashboard asks of rounds and of the queue: sums and single series, never all rows of a table."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from sqlite_utils import Database

from db.connect import rows, value
from db.records import Metric


def of_scope(db: Database, project_id: int, scope: str) -> list[Metric]:
    """What every published round measured of a label or an aggregate on gold, oldest round first."""
    found = rows(
        db,
        # The models by name: with them the table's key leads to each figure, without them through all of them.
        "SELECT r.number AS round, m.model, m.split, m.scope, m.precision, m.recall, m.f1, m.support, m.threshold, "
        "m.low, m.high, m.n FROM rounds r CROSS JOIN metrics m ON m.round_id = r.id WHERE r.project_id = :p "
        "AND r.state = 'published' AND m.model IN ('student', 'standalone', 'teacher', 'linear') "
        "AND m.split = 'gold' AND m.scope = :s ORDER BY r.number, m.model",
        p=project_id, s=scope,
    )  # fmt: skip
    return [Metric(**each) for each in found]


def measured(db: Database, project_id: int, scopes: Sequence[str]) -> set[str]:
    """Those of the scopes of which some published round measured the student on gold."""
    found = rows(
        db,
        "SELECT s.value AS scope FROM json_each(:scopes) s WHERE EXISTS (SELECT 1 FROM rounds r CROSS JOIN metrics m "
        "ON m.round_id = r.id WHERE r.project_id = :p AND r.state = 'published' AND m.model = 'student' "
        "AND m.split = 'gold' AND m.scope = s.value)",
        p=project_id, scopes=json.dumps(list(scopes), ensure_ascii=False),
    )  # fmt: skip
    return {each["scope"] for each in found}


def answered_before(db: Database, project_id: int, number: int, model: str) -> int | None:
    """The last published round before this one of which the model's answers were kept."""
    found: Any = value(
        db,
        "SELECT r.number FROM rounds r WHERE r.project_id = :p AND r.state = 'published' AND r.number < :n "
        "AND EXISTS (SELECT 1 FROM answers a WHERE a.round_id = r.id AND a.model = :m) ORDER BY r.number DESC LIMIT 1",
        p=project_id, n=number, m=model,
    )  # fmt: skip
    return None if found is None else int(found)


def queue(db: Database, project_id: int) -> Iterator[tuple[int, str, str]]:
    """Each text of the queue, whether it still waits or not: (document, reason as stored, source)."""
    cursor = db.conn.execute("SELECT document_id, reason, source FROM queue WHERE project_id = ?", (project_id,))
    yield from cursor


def queue_ends(db: Database, project_id: int) -> tuple[int, int, int]:
    """What a look at an index says of the queue: how many texts, the lowest number and the highest."""
    sql = (
        "SELECT (SELECT count(*) FROM queue WHERE project_id = :p), "
        "coalesce((SELECT min(document_id) FROM queue WHERE project_id = :p), 0), "
        "coalesce((SELECT max(document_id) FROM queue WHERE project_id = :p), 0)"
    )
    found: tuple[int, int, int] = db.conn.execute(sql, {"p": project_id}).fetchone()
    return found
