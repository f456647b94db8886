"""Every decision ever made in a project, in order, as plain tuples: read row by row, never held at once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from sqlite_utils import Database

from db.connect import rows


def decisions(db: Database, project_id: int, *, after: int) -> Iterator[tuple[Any, ...]]:
    """Decisions numbered above ``after``, in order, imports left out.

    (person, document, decision, ms, at, characters of the text, suggestions as stored, labels as stored, round id);
    suggestions and labels are None but for labelled decisions on which suggestions were shown.
    """
    yield from db.conn.execute(
        "SELECT a.user_id, a.document_id, a.decision, a.ms, a.created_at, length(d.text), "
        "CASE WHEN a.decision = 'labelled' THEN a.suggestions END, "
        "CASE WHEN a.decision = 'labelled' AND a.suggestions IS NOT NULL THEN a.labels END, a.round_id "
        "FROM annotations a NOT INDEXED CROSS JOIN users u ON u.id = a.user_id "
        "CROSS JOIN documents d ON d.id = a.document_id "
        "WHERE a.id > :after AND a.project_id = :p AND u.role != 'system' ORDER BY a.id",
        {"p": project_id, "after": after},
    )


def cuts(db: Database, project_id: int) -> dict[int, dict[str, float]]:
    """Each round's student's thresholds, by round id."""
    found = rows(db, "SELECT round_id, thresholds FROM models WHERE project_id = :p AND kind = 'student'", p=project_id)
    return {each["round_id"]: json.loads(each["thresholds"]) for each in found}
