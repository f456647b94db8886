"""Links by which somebody joins or sets a new password; only the hash of a link's token is here."""

from __future__ import annotations

from typing import Any

from sqlite_utils import Database

from db.connect import execute, row, rows

_OPEN = "i.used_at IS NULL AND i.withdrawn_at IS NULL AND i.expires_at > :now"
_SELECT = (
    "SELECT i.id, i.token_hash, i.kind, i.role, i.project_id, i.user_id, i.created_by, i.created_at, i.expires_at, "
    "u.name AS who, c.name AS made_by FROM invitations i JOIN users c ON c.id = i.created_by "
    "LEFT JOIN users u ON u.id = i.user_id "
)


def insert(
    db: Database, *, token_hash: str, kind: str, role: str, project_id: int | None, user_id: int | None, by: int,
    expires_at: float, now: float,
) -> int:  # fmt: skip
    cursor = execute(
        db,
        "INSERT INTO invitations (token_hash, kind, role, project_id, user_id, created_by, created_at, expires_at) "
        "VALUES (:token_hash, :kind, :role, :project_id, :user_id, :by, :now, :expires_at)",
        token_hash=token_hash, kind=kind, role=role, project_id=project_id, user_id=user_id, by=by, now=now,
        expires_at=expires_at,
    )  # fmt: skip
    return int(cursor.lastrowid or 0)


def usable(db: Database, token_hash: str, *, now: float) -> dict[str, Any] | None:
    """The invitation of that hash, if it is neither used nor withdrawn nor over."""
    return row(db, f"{_SELECT} WHERE i.token_hash = :hash AND {_OPEN}", hash=token_hash, now=now)


def peek_open(db: Database, invitation_id: int, *, now: float) -> dict[str, Any] | None:
    return row(db, f"{_SELECT} WHERE i.id = :id AND {_OPEN}", id=invitation_id, now=now)


def open_joins(db: Database, project_id: int, *, now: float) -> list[dict[str, Any]]:
    """A project's links that still work, newest first."""
    sql = f"{_SELECT} WHERE i.kind = 'join' AND i.project_id = :p AND {_OPEN} ORDER BY i.id DESC"
    return rows(db, sql, p=project_id, now=now)


def open_resets(db: Database, *, now: float) -> list[dict[str, Any]]:
    return rows(db, f"{_SELECT} WHERE i.kind = 'reset' AND {_OPEN} ORDER BY i.id DESC", now=now)


def use(db: Database, invitation_id: int, user_id: int, *, now: float) -> None:
    execute(
        db, "UPDATE invitations SET used_at = :now, used_by = :u WHERE id = :id", now=now, u=user_id, id=invitation_id
    )


def withdraw(db: Database, invitation_id: int, *, now: float) -> None:
    execute(db, "UPDATE invitations SET withdrawn_at = :now WHERE id = :id", now=now, id=invitation_id)


def withdraw_resets(db: Database, user_id: int, *, now: float) -> None:
    """End every open reset link of one person."""
    still = "used_at IS NULL AND withdrawn_at IS NULL"
    sql = f"UPDATE invitations SET withdrawn_at = :now WHERE user_id = :u AND {still}"  # noqa: S608 (constant text)
    execute(db, sql, now=now, u=user_id)
