"""Leases: while one is open and has not run out, nobody beyond the document's overlap is given the same text."""

from __future__ import annotations

import json
from typing import Any

from sqlite_utils import Database

from db.connect import execute, row, rows, value

# A document with room for :user: fewer others have decided on it, or hold it now, than are to label it.
_ROOM = """
  d.overlap > (SELECT count(*) FROM current_annotations c WHERE c.document_id = d.id AND c.user_id != :user
               AND c.decision != 'skipped')
            + (SELECT count(*) FROM leases l WHERE l.document_id = d.id AND l.user_id != :user AND l.state = 'open'
               AND l.until > :now AND NOT EXISTS (SELECT 1 FROM current_annotations c WHERE c.document_id = d.id
                                                  AND c.user_id = l.user_id AND c.decision != 'skipped'))
"""
# One that :user may be given: with room, undecided by them and not on their desk. What they skipped is decided by them.
_FREE = f"""
  d.project_id = :p AND d.state = 'open' AND d.role = :role
  AND NOT EXISTS (SELECT 1 FROM current_annotations c WHERE c.document_id = d.id AND c.user_id = :user)
  AND NOT EXISTS (SELECT 1 FROM leases l WHERE l.document_id = d.id AND l.user_id = :user AND l.state = 'open')
  AND {_ROOM}
"""  # noqa: S608 (constant text)


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


def has_room(db: Database, document_id: int, user_id: int, *, now: float) -> bool:
    """Whether one more than all others, who have decided on this document or hold it now, are to label it."""
    sql = f"SELECT 1 FROM documents d WHERE d.id = :d AND {_ROOM}"  # noqa: S608 (constant text)
    return value(db, sql, d=document_id, user=user_id, now=now) is not None


def free_ranked(db: Database, project_id: int, user_id: int, *, now: float) -> int | None:
    """The best-ranked document that this person may be given."""
    return _first(
        db,
        "SELECT d.id FROM queue q JOIN documents d ON d.id = q.document_id "  # noqa: S608 (constant text)
        f"WHERE q.project_id = :p AND {_FREE} ORDER BY q.rank LIMIT 1",
        p=project_id, role="pool", user=user_id, now=now,
    )  # fmt: skip


def free_skipped(db: Database, project_id: int, user_id: int, *, role: str, now: float) -> int | None:
    """A document that others have skipped and this person may be given."""
    return _first(
        db,
        "SELECT d.id FROM current_annotations s INDEXED BY current_annotations_project "  # noqa: S608 (constant text)
        "CROSS JOIN documents d ON d.id = s.document_id "
        f"WHERE s.project_id = :p AND s.decision = 'skipped' AND {_FREE} ORDER BY s.document_id LIMIT 1",
        p=project_id, role=role, user=user_id, now=now,
    )  # fmt: skip


def free_shuffled(db: Database, project_id: int, user_id: int, *, role: str, after: int, now: float) -> int | None:
    """The first document in the shuffled order, after that place, that this person may be given."""
    return _first(
        db,
        "SELECT d.id FROM documents d INDEXED BY documents_open "  # noqa: S608 (constant text)
        f"WHERE d.shuffle > :after AND {_FREE} ORDER BY d.shuffle LIMIT 1",
        p=project_id, role=role, user=user_id, after=after, now=now,
    )  # fmt: skip


def reached(db: Database, project_id: int, user_id: int, *, role: str) -> int:
    """Where this person's way through the shuffled order has got to; -1 at first.

    It is the place of the latest text that neither its rank nor a colleague's skip had brought.
    """
    found = value(
        db,
        "SELECT d.shuffle FROM (SELECT id, document_id FROM annotations INDEXED BY annotations_by_user "
        "WHERE user_id = :u AND project_id = :p AND supersedes IS NULL ORDER BY id DESC LIMIT 100) a "
        "JOIN documents d ON d.id = a.document_id WHERE d.role = :role "
        "AND NOT EXISTS (SELECT 1 FROM queue q WHERE q.project_id = :p AND q.document_id = d.id) "
        "AND NOT EXISTS (SELECT 1 FROM current_annotations c WHERE c.document_id = d.id AND c.user_id != :u "
        "AND c.decision = 'skipped') ORDER BY a.id DESC LIMIT 1",
        p=project_id, u=user_id, role=role,
    )  # fmt: skip
    return -1 if found is None else int(found)


def _first(db: Database, sql: str, **values: Any) -> int | None:
    found = row(db, sql, **values)
    return int(found["id"]) if found else None


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


def release_everywhere(db: Database, user_id: int) -> dict[int, int]:
    """Give back all that this person holds in any project: how many, by project."""
    found = rows(
        db, "SELECT project_id, count(*) AS n FROM leases WHERE user_id = :u AND state = 'open' GROUP BY project_id",
        u=user_id,
    )  # fmt: skip
    return {each["project_id"]: release_all(db, each["project_id"], user_id) for each in found}


def release_project(db: Database, project_id: int) -> int:
    """Give back all that anybody holds in a project; says how many."""
    sql = "UPDATE leases SET state = 'released' WHERE project_id = :p AND state = 'open'"
    return execute(db, sql, p=project_id).rowcount


def close_all(db: Database, document_id: int) -> None:
    """Take a document from every desk."""
    execute(db, "UPDATE leases SET state = 'released' WHERE document_id = :d AND state = 'open'", d=document_id)


def by_person(db: Database, project_id: int) -> list[dict[str, Any]]:
    """Who holds documents: user_id, who, n, since, until."""
    return rows(
        db,
        "SELECT l.user_id, u.name AS who, count(*) AS n, min(l.leased_at) AS since, max(l.until) AS until "
        "FROM leases l JOIN users u ON u.id = l.user_id WHERE l.project_id = :p AND l.state = 'open' "
        "GROUP BY l.user_id ORDER BY since",
        p=project_id,
    )


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
