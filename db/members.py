"""Who works in which project."""

from __future__ import annotations

from sqlite_utils import Database

from db.connect import execute, row, rows
from db.records import User
from db.users import COLUMNS, as_user


def add(db: Database, project_id: int, user_id: int, *, now: float) -> bool:
    """Whether the person was not a member before."""
    sql = "INSERT OR IGNORE INTO members (project_id, user_id, since) VALUES (:p, :u, :now)"
    return bool(execute(db, sql, p=project_id, u=user_id, now=now).rowcount)


def remove(db: Database, project_id: int, user_id: int) -> bool:
    """Whether the person was a member."""
    return bool(
        execute(db, "DELETE FROM members WHERE project_id = :p AND user_id = :u", p=project_id, u=user_id).rowcount
    )


def belongs(db: Database, project_id: int, user_id: int) -> bool:
    sql = "SELECT 1 FROM members WHERE project_id = :p AND user_id = :u"
    return row(db, sql, p=project_id, u=user_id) is not None


def of_project(db: Database, project_id: int) -> list[User]:
    """The members by name, deactivated ones too."""
    found = rows(
        db,
        f"SELECT {COLUMNS} FROM users WHERE id IN (SELECT user_id FROM members WHERE project_id = :p) "  # noqa: S608
        "AND role != 'system' ORDER BY name",
        p=project_id,
    )
    return [as_user(each) for each in found]


def project_ids(db: Database, user_id: int) -> list[int]:
    found = rows(db, "SELECT project_id FROM members WHERE user_id = :u ORDER BY project_id", u=user_id)
    return [each["project_id"] for each in found]
