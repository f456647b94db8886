"""Doubts: labels that look mistaken, as the worker found them last, and those that a person has looked at since."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from db.connect import execute, execute_many, row, rows


@dataclass(frozen=True, kw_only=True)
class NewDoubt:
    """One cell: the text has the label (``given``) or not, and the models have it otherwise."""

    document_id: int
    label: str
    given: bool
    probability: float
    score: float
    source: str


def replace(db: Database, project_id: int, found: Sequence[NewDoubt], *, now: float) -> None:
    """Puts these, the likeliest mistake first, in the place of the list before; what people have looked at stays."""
    execute(db, "DELETE FROM doubts WHERE project_id = :p", p=project_id)
    execute_many(
        db,
        "INSERT INTO doubts (project_id, document_id, label, given, probability, score, source, rank, found_at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            (project_id, d.document_id, d.label, int(d.given), d.probability, d.score, d.source, rank, now)
            for rank, d in enumerate(found)
        ),
    )


def waiting(db: Database, project_id: int) -> list[dict[str, Any]]:
    """Nobody has looked at these as they are, in the order of the list.

    document_id, label, given, probability, score, source.
    """
    found = rows(
        db,
        "SELECT d.document_id, d.label, d.given, d.probability, d.score, d.source FROM doubts d "
        "LEFT JOIN doubts_seen s ON (s.project_id, s.document_id, s.label, s.given) = "
        "(d.project_id, d.document_id, d.label, d.given) WHERE d.project_id = :p AND s.label IS NULL ORDER BY d.rank",
        p=project_id,
    )
    return [{**each, "given": bool(each["given"])} for each in found]


def mark_seen(
    db: Database, project_id: int, document_id: int, label: str, *, given: bool, user_id: int, now: float
) -> bool:
    """Writes down that somebody has looked and leaves it as it is; False where that is known already."""
    cursor = execute(
        db,
        "INSERT INTO doubts_seen (project_id, document_id, label, given, user_id, at) "
        "VALUES (:p, :d, :label, :given, :u, :now) ON CONFLICT (project_id, document_id, label) DO UPDATE SET "
        "given = excluded.given, user_id = excluded.user_id, at = excluded.at WHERE given != excluded.given",
        p=project_id, d=document_id, label=label, given=int(given), u=user_id, now=now,
    )  # fmt: skip
    return cursor.rowcount > 0


def forget_seen(db: Database, project_id: int, document_id: int, label: str) -> bool:
    """False where nobody has looked at it."""
    cursor = execute(
        db, "DELETE FROM doubts_seen WHERE (project_id, document_id, label) = (:p, :d, :label)",
        p=project_id, d=document_id, label=label,
    )  # fmt: skip
    return cursor.rowcount > 0


def seen(db: Database, project_id: int) -> dict[tuple[int, str], bool]:
    """What was looked at: (document, label) → the value that was found right."""
    found = rows(db, "SELECT document_id, label, given FROM doubts_seen WHERE project_id = :p", p=project_id)
    return {(each["document_id"], each["label"]): bool(each["given"]) for each in found}


def texts(db: Database, project_id: int, ids: Iterable[int]) -> dict[int, dict[str, Any]]:
    """Of these documents: id, external_id, text, role, and settled_at where a reviewer has settled one."""
    found = rows(
        db,
        "SELECT d.id, d.external_id, d.text, d.role, j.at AS settled_at FROM json_each(:ids) x "
        "JOIN documents d ON d.id = x.value LEFT JOIN adjudications j ON j.document_id = d.id "
        "WHERE d.project_id = :p",
        p=project_id, ids=json.dumps(list(ids)),
    )  # fmt: skip
    return {each["id"]: each for each in found}


def n_changed_since(db: Database, project_id: int, mark: int, *, most: int) -> int:
    """Labelled decisions and settlements after that number, of pool and gold; no more than ``most`` are counted."""
    found = row(
        db,
        "SELECT (SELECT count(*) FROM (SELECT 1 FROM annotations WHERE project_id = :p AND decision = 'labelled' "
        "AND id > :mark LIMIT :most)) + (SELECT count(*) FROM (SELECT 1 FROM settlements WHERE project_id = :p "
        "AND id > :mark LIMIT :most)) AS n",
        p=project_id, mark=mark, most=most,
    )  # fmt: skip
    return min(int(found["n"]), most) if found else 0


def decided_by(db: Database, project_id: int, mark: int) -> set[int]:
    """Documents that somebody had labelled or settled up to that number: what a round of then may have learned."""
    found = rows(
        db,
        "SELECT document_id FROM annotations WHERE project_id = :p AND decision = 'labelled' AND id <= :mark "
        "UNION SELECT document_id FROM settlements WHERE project_id = :p AND id <= :mark",
        p=project_id, mark=mark,
    )  # fmt: skip
    return {each["document_id"] for each in found}
