"""Current decisions as plain tuples, read row by row: a million of them pass without being held at once."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from typing import Any

from sqlite_utils import Database

from db.connect import rows


def current(
    db: Database, project_id: int, documents: Collection[int] | None = None
) -> Iterator[tuple[int, int, bool, str]]:
    """(document, person, whether the text is gold, labels as stored) of labelled decisions, by document and person.

    ``documents``: of these alone.
    """
    return _stream(
        db,
        "SELECT c.document_id, c.user_id, d.role = 'gold', c.labels FROM current_annotations c "  # noqa: S608
        "JOIN documents d ON d.id = c.document_id WHERE c.project_id = :p AND c.decision = 'labelled' "
        f"{_of('c.document_id', documents)} ORDER BY c.document_id, c.user_id",
        p=project_id, ids=_ids(documents),
    )  # fmt: skip


def settled(
    db: Database, project_id: int, documents: Collection[int] | None = None
) -> Iterator[tuple[int, bool, bool, str]]:
    """(document, whether it is gold, whether it is left out, labels as stored) of adjudications, by document."""
    return _stream(
        db,
        "SELECT j.document_id, d.role = 'gold', j.left_out, j.labels FROM adjudications j "  # noqa: S608
        "JOIN documents d ON d.id = j.document_id WHERE j.project_id = :p "
        f"{_of('j.document_id', documents)} ORDER BY j.document_id",
        p=project_id, ids=_ids(documents),
    )  # fmt: skip


def changed(db: Database, project_id: int, *, after: int) -> list[int]:
    """Documents with a decision or settlement numbered above ``after``."""
    found = rows(
        db,
        "SELECT document_id FROM annotations WHERE project_id = :p AND id > :after "
        "UNION SELECT document_id FROM settlements WHERE project_id = :p AND id > :after",
        p=project_id, after=after,
    )  # fmt: skip
    return [each["document_id"] for each in found]


def _of(column: str, documents: Collection[int] | None) -> str:
    """A condition of its own, or none at all: one that may hold for every row would be tried on every row."""
    wanted = f"AND {column} IN (SELECT value FROM json_each(:ids))"  # noqa: S608 (constant columns)
    return "AND :ids IS NULL" if documents is None else wanted


def _ids(documents: Collection[int] | None) -> str | None:
    return None if documents is None else json.dumps([int(each) for each in documents])


def _stream(db: Database, sql: str, **values: Any) -> Iterator[tuple[Any, ...]]:
    yield from db.conn.execute(sql, values)
