"""Leases: while one is open and has not run out, nobody beyond the document's overlap is given the same text."""

from __future__ import annotations

import json
from typing import Any

from sqlite_utils import Database

from db.connect import execute, row, rows, value

# A document that :user may be given: undecided by them, not leased to them, and with room left in its overlap.
_FREE = """
  d.project_id = :p AND d.state = 'open' AND d.role = :role
  AND NOT EXISTS (SELECT 1 FROM current_annotations c WHERE c.document_id = d.id AND c.user_id = :user)
  AND NOT EXISTS (SELECT 1 FROM leases l WHERE l.document_id = d.id AND l.user_id = :user AND l.state = 'open')
  AND d.overlap > (SELECT count(*) FROM current_annotations c WHERE c.document_id = d.id AND c.decision != 'skipped')
                + (SELECT count(*) FROM leases l WHERE l.document_id = d.id AND l.state = 'open' AND l.until > :now
                   AND NOT EXISTS (SELECT 1 FROM current_annotations c WHERE c.document_id = d.id
                                   AND c.user_id = l.user_id AND c.decision != 'skipped'))
"""


def mine(db: Database, project_id: int, user_id: int) -> list[dict[str, Any]]:
    """My open leases, reopened texts first, then oldest first: id, document_id, text, role, state, reopened, chosen."""
    found = rows(
        db,
        "SELECT l.id, l.document_id, l.until, l.reopened, l.chosen, d.text, d.role, d.state, d.overlap FROM leases l "
        "JOIN documents d ON d.id = l.document_id WHERE l.project_id = :p AND l.user_id = :u AND l.state = 'open' "
        "ORDER BY l.reopened DESC, CASE WHEN l.reopened = 1 THEN -l.id ELSE l.id END",
        p=project_id, u=user_id,
    )  # fmt: skip
    return [{**each, "chosen": tuple(json.loads(each["chosen"]))} for each in found]


def others_hold(db: Database, document_id: int, user_id: int, *, now: float) -> int:
    """How many other people hold a live lease on this document."""
    return int(
        value(
            db,
            "SELECT count(*) FROM leases WHERE document_id = :d AND user_id != :u AND state = 'open' AND until > :now",
            d=document_id, u=user_id, now=now,
        )
    )  # fmt: skip


def free_ranked(db: Database, project_id: int, user_id: int, *, n: int, now: float) -> list[int]:
    """The best-ranked documents that this person may be given."""
    found = rows(
        db,
        "SELECT d.id FROM queue q JOIN documents d ON d.id = q.document_id "  # noqa: S608 (constant text)
        f"WHERE q.project_id = :p AND {_FREE} ORDER BY q.rank LIMIT :n",
        p=project_id, role="pool", user=user_id, n=n, now=now,
    )  # fmt: skip
    return [each["id"] for each in found]


def free_shuffled(db: Database, project_id: int, user_id: int, *, role: str, n: int, now: float) -> list[int]:
    """Documents that this person may be given, in the shuffled order."""
    found = rows(
        db,
        "SELECT d.id FROM documents d INDEXED BY documents_open "  # noqa: S608 (constant text)
        f"WHERE {_FREE} ORDER BY d.shuffle LIMIT :n",
        p=project_id, role=role, user=user_id, n=n, now=now,
    )  # fmt: skip
    return [each["id"] for each in found]


def lease(
    db: Database, project_id: int, document_id: int, user_id: int, *, until: float, now: float,
    chosen: tuple[str, ...] | None = None,
) -> int:  # fmt: skip
    """Give a document to a person; ``chosen`` marks one that comes back to them with what they had chosen."""
    execute(
        db, "UPDATE leases SET state = 'closed' WHERE document_id = :d AND user_id = :u AND state = 'open'",
        d=document_id, u=user_id,
    )  # fmt: skip
    cursor = execute(
        db,
        "INSERT INTO leases (project_id, document_id, user_id, leased_at, until, reopened, chosen) "
        "VALUES (:p, :d, :u, :now, :until, :reopened, :chosen)",
        p=project_id, d=document_id, u=user_id, now=now, until=until, reopened=int(chosen is not None),
        chosen=json.dumps(chosen or (), ensure_ascii=False),
    )  # fmt: skip
    return int(cursor.lastrowid or 0)


def renew(db: Database, lease_id: int, *, until: float) -> None:
    execute(db, "UPDATE leases SET until = :until WHERE id = :id", until=until, id=lease_id)


def close(db: Database, document_id: int, user_id: int, *, state: str = "closed") -> None:
    execute(
        db, "UPDATE leases SET state = :state WHERE document_id = :d AND user_id = :u AND state = 'open'",
        d=document_id, u=user_id, state=state,
    )  # fmt: skip


def release_all(db: Database, project_id: int, user_id: int) -> int:
    """Give back all that this person holds; says how many."""
    cursor = execute(
        db, "UPDATE leases SET state = 'released' WHERE project_id = :p AND user_id = :u AND state = 'open'",
        p=project_id, u=user_id,
    )  # fmt: skip
    return cursor.rowcount


def holds(db: Database, document_id: int, user_id: int) -> bool:
    """Whether this person has this document at hand, lapsed or not."""
    sql = "SELECT 1 FROM leases WHERE document_id = :d AND user_id = :u AND state = 'open'"
    return row(db, sql, d=document_id, u=user_id) is not None


def ever_held(db: Database, document_id: int, user_id: int) -> bool:
    return (
        row(db, "SELECT 1 FROM leases WHERE document_id = :d AND user_id = :u LIMIT 1", d=document_id, u=user_id)
        is not None
    )


def n_ever(db: Database, project_id: int, user_id: int) -> int:
    return int(value(db, "SELECT count(*) FROM leases WHERE project_id = :p AND user_id = :u", p=project_id, u=user_id))
