"""People and their sessions."""

from __future__ import annotations

from typing import Any

from sqlite_utils import Database

from db.connect import execute, row, rows, value
from db.records import User

COLUMNS = "id, name, role, active, lang"


def as_user(found: dict[str, Any]) -> User:
    return User(
        id=found["id"], name=found["name"], role=found["role"], active=bool(found["active"]), lang=found["lang"]
    )


def peek(db: Database, user_id: int) -> User | None:
    found = row(db, f"SELECT {COLUMNS} FROM users WHERE id = :id", id=user_id)  # noqa: S608 (constant columns)
    return as_user(found) if found else None


def by_name(db: Database, name: str) -> tuple[User, str] | None:
    """The user of that name and the password hash."""
    found = row(db, f"SELECT {COLUMNS}, password_hash FROM users WHERE name = :name", name=name)  # noqa: S608
    return (as_user(found), found["password_hash"]) if found else None


def all_people(db: Database) -> list[User]:
    found = rows(db, f"SELECT {COLUMNS} FROM users WHERE role != 'system' ORDER BY name")  # noqa: S608
    return [as_user(each) for each in found]


def count_active(db: Database, role: str) -> int:
    return int(value(db, "SELECT count(*) FROM users WHERE role = :role AND active = 1", role=role))


def insert(db: Database, *, name: str, role: str, password_hash: str, lang: str, now: float) -> int:
    cursor = execute(
        db,
        "INSERT INTO users (name, role, password_hash, lang, active, created_at) "
        "VALUES (:name, :role, :password_hash, :lang, :active, :now)",
        name=name, role=role, password_hash=password_hash, lang=lang, active=int(role != "system"), now=now,
    )  # fmt: skip
    return int(cursor.lastrowid or 0)


def update(db: Database, user_id: int, **values: Any) -> None:
    """Set columns of one user; the names come from our own code, never from a request."""
    assignments = ", ".join(f"{name} = :{name}" for name in values)
    execute(db, f"UPDATE users SET {assignments} WHERE id = :id", id=user_id, **values)  # noqa: S608


def start_session(db: Database, user_id: int, *, token_hash: str, expires_at: float, now: float) -> None:
    execute(db, "DELETE FROM sessions WHERE expires_at < :now", now=now)
    execute(
        db,
        "INSERT INTO sessions (token_hash, user_id, created_at, expires_at) "
        "VALUES (:token_hash, :user_id, :now, :until)",
        token_hash=token_hash, user_id=user_id, now=now, until=expires_at,
    )  # fmt: skip


def session(db: Database, token_hash: str, *, now: float) -> tuple[User, float] | None:
    """The active user of a live session and when it ends."""
    found = row(
        db,
        f"SELECT {', '.join('u.' + c.strip() for c in COLUMNS.split(','))}, s.expires_at FROM sessions s "  # noqa: S608
        "JOIN users u ON u.id = s.user_id "
        "WHERE s.token_hash = :token_hash AND s.expires_at >= :now AND u.active = 1",
        token_hash=token_hash, now=now,
    )  # fmt: skip
    return (as_user(found), found["expires_at"]) if found else None


def prolong_session(db: Database, token_hash: str, *, expires_at: float) -> None:
    execute(db, "UPDATE sessions SET expires_at = :until WHERE token_hash = :hash", until=expires_at, hash=token_hash)


def end_session(db: Database, token_hash: str) -> None:
    execute(db, "DELETE FROM sessions WHERE token_hash = :hash", hash=token_hash)


def end_sessions(db: Database, user_id: int) -> None:
    execute(db, "DELETE FROM sessions WHERE user_id = :id", id=user_id)


def record_failure(db: Database, *, client: str, name: str, now: float, keep_s: float) -> None:
    execute(db, "DELETE FROM sign_in_failures WHERE at < :old", old=now - keep_s)
    execute(
        db, "INSERT INTO sign_in_failures (client, name, at) VALUES (:client, :name, :now)",
        client=client, name=name, now=now,
    )  # fmt: skip


def failures(db: Database, *, client: str, name: str, since: float) -> list[float]:
    """When sign-in failed for this name, or from this client, oldest first."""
    found = rows(
        db,
        "SELECT at FROM sign_in_failures WHERE (client = :client OR name = :name) AND at >= :since ORDER BY at",
        client=client, name=name, since=since,
    )  # fmt: skip
    return [each["at"] for each in found]


def forget_failures(db: Database, *, name: str) -> None:
    execute(db, "DELETE FROM sign_in_failures WHERE name = :name", name=name)
