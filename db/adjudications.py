"""Adjudications: the label set that a reviewer has settled a text with; each text has one at most."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sqlite_utils import Database

from db.connect import execute, row, rows, value
from db.numbering import NEXT


def put(
    db: Database, project_id: int, document_id: int, *, labels: tuple[str, ...], left_out: bool = False, comment: str,
    user_id: int, now: float,
) -> None:  # fmt: skip
    """Settles a document with these labels, or (``left_out``) as one that counts nowhere."""
    _note(db, project_id, document_id, user_id=user_id, now=now)
    execute(
        db,
        "INSERT INTO adjudications (document_id, project_id, labels, left_out, comment, user_id, at) "
        "VALUES (:d, :p, :labels, :left_out, :comment, :u, :now) ON CONFLICT (document_id) DO UPDATE SET "
        "labels = excluded.labels, left_out = excluded.left_out, comment = excluded.comment, "
        "user_id = excluded.user_id, at = excluded.at",
        d=document_id, p=project_id, labels=json.dumps(labels, ensure_ascii=False), left_out=int(left_out),
        comment=comment, u=user_id, now=now,
    )  # fmt: skip


def remove(db: Database, project_id: int, document_id: int, *, user_id: int, now: float) -> None:
    _note(db, project_id, document_id, user_id=user_id, now=now)
    execute(db, "DELETE FROM adjudications WHERE document_id = :d", d=document_id)


def _note(db: Database, project_id: int, document_id: int, *, user_id: int, now: float) -> None:
    """Counts a change of what a document is settled with, in the order of all decisions."""
    execute(
        db,
        "INSERT INTO settlements (id, project_id, document_id, user_id, at) "  # noqa: S608 (constant text)
        f"VALUES ({NEXT}, :p, :d, :u, :now)",
        p=project_id, d=document_id, u=user_id, now=now,
    )  # fmt: skip


def peek(db: Database, document_id: int) -> dict[str, Any] | None:
    """labels, left_out, comment, user_id, who, at."""
    found = row(
        db,
        "SELECT j.labels, j.left_out, j.comment, j.user_id, u.name AS who, j.at FROM adjudications j "
        "JOIN users u ON u.id = j.user_id WHERE j.document_id = :d",
        d=document_id,
    )
    if found is None:
        return None
    return {**found, "labels": tuple(json.loads(found["labels"])), "left_out": bool(found["left_out"])}


def exists(db: Database, document_id: int) -> bool:
    return value(db, "SELECT 1 FROM adjudications WHERE document_id = :d", d=document_id) is not None


def label_sets(db: Database, project_id: int, role: str, *, texts: bool = True) -> list[dict[str, Any]]:
    """Every adjudicated document of a role: document_id, external_id, text (or none), labels; none of one left out."""
    found = rows(
        db,
        "SELECT d.id AS document_id, d.external_id, j.labels, CASE WHEN :texts THEN d.text ELSE '' END AS text "
        "FROM adjudications j JOIN documents d ON d.id = j.document_id "
        "WHERE j.project_id = :p AND d.role = :role ORDER BY d.id",
        p=project_id, role=role, texts=int(texts),
    )  # fmt: skip
    return [{**each, "labels": tuple(json.loads(each["labels"]))} for each in found]


def disputed(db: Database, project_id: int) -> list[dict[str, Any]]:
    """Labelled decisions on texts that are not settled and on which two people's labels differ as they were written.

    document_id, user_id, labels; by document.
    """
    return _decided(
        db,
        "SELECT c.document_id, c.user_id, c.labels FROM current_annotations c WHERE c.project_id = :p "
        "AND c.decision = 'labelled' AND c.document_id IN (SELECT document_id FROM current_annotations "
        "WHERE project_id = :p AND decision = 'labelled' GROUP BY document_id "
        "HAVING count(*) > 1 AND min(labels) < max(labels)) "
        "AND NOT EXISTS (SELECT 1 FROM adjudications j WHERE j.document_id = c.document_id) "
        "ORDER BY c.document_id, c.user_id",
        p=project_id,
    )


def read_twice(db: Database, project_id: int) -> list[dict[str, Any]]:
    """Labelled decisions on texts that two people or more have labelled: document_id, user_id, who, labels, settled.

    Texts that were settled as left out are not among them.
    """
    found = rows(
        db,
        "SELECT c.document_id, c.user_id, u.name AS who, c.labels, j.labels AS settled FROM current_annotations c "
        "JOIN users u ON u.id = c.user_id LEFT JOIN adjudications j ON j.document_id = c.document_id "
        "WHERE c.project_id = :p AND c.decision = 'labelled' AND c.document_id IN (SELECT document_id "
        "FROM current_annotations WHERE project_id = :p AND decision = 'labelled' GROUP BY document_id "
        "HAVING count(*) > 1) AND coalesce(j.left_out, 0) = 0 ORDER BY c.document_id, c.user_id",
        p=project_id,
    )
    names = ("labels", "settled")
    return [
        {**each, **{name: None if each[name] is None else tuple(json.loads(each[name])) for name in names}}
        for each in found
    ]


def left_out(db: Database, project_id: int) -> set[int]:
    """The documents that were settled as left out."""
    found = rows(db, "SELECT document_id FROM adjudications WHERE project_id = :p AND left_out = 1", p=project_id)
    return {each["document_id"] for each in found}


def flagged(db: Database, project_id: int) -> list[dict[str, Any]]:
    """Flags on texts that are not settled, newest first: document_id, user_id, labels."""
    return _decided(
        db,
        "SELECT c.document_id, c.user_id, c.labels FROM current_annotations c WHERE c.project_id = :p "
        "AND c.decision = 'flagged' AND NOT EXISTS (SELECT 1 FROM adjudications j "
        "WHERE j.document_id = c.document_id) ORDER BY c.annotation_id DESC",
        p=project_id,
    )


def settled(db: Database, project_id: int) -> list[dict[str, Any]]:
    """Adjudications, newest first: document_id, user_id, labels."""
    return _decided(
        db,
        "SELECT document_id, user_id, labels FROM adjudications WHERE project_id = :p ORDER BY at DESC, document_id",
        p=project_id,
    )


def choices(db: Database, ids: Sequence[int]) -> dict[int, list[dict[str, Any]]]:
    """Who says what now of each of these texts, skips left out: user_id, who, decision, labels, comment, at."""
    found: dict[int, list[dict[str, Any]]] = {}
    for each in _decided(
        db,
        "SELECT c.document_id, c.user_id, u.name AS who, c.decision, c.labels, a.comment, a.created_at AS at "
        "FROM json_each(:ids) x JOIN current_annotations c ON c.document_id = x.value "
        "JOIN annotations a ON a.id = c.annotation_id JOIN users u ON u.id = c.user_id "
        "WHERE c.decision != 'skipped' ORDER BY c.document_id, c.user_id",
        ids=json.dumps(list(ids)),
    ):
        found.setdefault(each.pop("document_id"), []).append(each)
    return found


def _decided(db: Database, sql: str, **values: Any) -> list[dict[str, Any]]:
    return [{**each, "labels": tuple(json.loads(each["labels"]))} for each in rows(db, sql, **values)]
