"""What an overview asks of now: each question is answered by an index, whatever the project holds."""

from __future__ import annotations

from typing import Any

from sqlite_utils import Database

from db.connect import row, rows, value

SETTLED_LATELY = 50  # settlements looked at for who is at work


def at_work(db: Database, project_id: int, *, since: float, now: float) -> list[dict[str, Any]]:
    """People who hold a text now, or have decided or settled something since then: user_id, who; by name."""
    return rows(
        db,
        "SELECT u.id AS user_id, u.name AS who FROM users u WHERE u.role != 'system' AND u.active = 1 AND ("
        "EXISTS (SELECT 1 FROM leases l INDEXED BY leases_mine WHERE l.project_id = :p AND l.user_id = u.id "
        "AND l.state = 'open' AND l.until > :now) "
        "OR EXISTS (SELECT 1 FROM annotations a INDEXED BY annotations_user WHERE a.project_id = :p "
        "AND a.user_id = u.id AND a.created_at >= :since) "
        "OR u.id IN (SELECT s.user_id FROM (SELECT user_id, at FROM settlements WHERE project_id = :p "
        "ORDER BY id DESC LIMIT :n) s WHERE s.at >= :since)) ORDER BY u.name",
        p=project_id, since=since, now=now, n=SETTLED_LATELY,
    )  # fmt: skip


def n_decided(db: Database, project_id: int, *, since: float) -> int:
    """Decisions that people have made since then, of every kind; imports are nobody's."""
    return int(
        value(
            db,
            "SELECT count(*) FROM users u CROSS JOIN annotations a INDEXED BY annotations_user "
            "ON a.project_id = :p AND a.user_id = u.id AND a.created_at >= :since WHERE u.role != 'system'",
            p=project_id, since=since,
        )
    )  # fmt: skip


def latest_documents(db: Database, project_id: int, *, n: int) -> list[int]:
    """The texts of the project's latest n labelled decisions, newest first; a text as often as it was decided."""
    cursor = db.conn.execute(
        "SELECT document_id FROM annotations INDEXED BY annotations_project "
        "WHERE project_id = ? AND decision = 'labelled' ORDER BY id DESC LIMIT ?",
        (project_id, n),
    )
    return [each[0] for each in cursor]


def n_texts(db: Database, project_id: int, decision: str) -> int:
    """Texts of which that is somebody's present decision."""
    return int(
        value(
            db,
            "SELECT count(DISTINCT document_id) FROM current_annotations INDEXED BY current_annotations_project "
            "WHERE project_id = :p AND decision = :d",
            p=project_id, d=decision,
        )
    )  # fmt: skip


def is_ranked(db: Database, project_id: int) -> bool:
    """Whether a text that still waits has a place in the queue."""
    sql = (
        "SELECT 1 FROM queue q JOIN documents d ON d.id = q.document_id WHERE q.project_id = :p "
        "AND d.state = 'open' ORDER BY q.rank LIMIT 1"
    )
    return row(db, sql, p=project_id) is not None


def student_f1(db: Database, project_id: int) -> list[dict[str, Any]]:
    """The students' F1 on gold in every published round, oldest first: round, scope, f1."""
    return rows(
        db,
        "SELECT r.number AS round, m.scope, m.f1 FROM rounds r JOIN metrics m ON m.round_id = r.id "
        "AND m.model = 'student' AND m.split = 'gold' WHERE r.project_id = :p AND r.state = 'published' "
        "ORDER BY r.number",
        p=project_id,
    )
