"""Opening the one SQLite file, and the two ways to use it: a read snapshot and a short write."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import sqlite_utils
from sqlite_utils import Database

from db import migrations
from db.errors import NoDatabase, NotFound, translate

BUSY_TIMEOUT_S = 15
IN_MEMORY = Path(":memory:")  # what is opened there is gone when it is closed, and never touches a disk


def open_database(path: Path, *, create: bool = False) -> Database:
    """A connection with our pragmas to an up-to-date database.

    Raises NoDatabase (missing and not ``create``), NewerDatabase (made by newer code), DamagedDatabase, DiskFull.
    """
    if not path.exists() and not create:
        raise NoDatabase(path=str(path))
    try:
        if create:
            path.parent.mkdir(parents=True, exist_ok=True)
        # The timeout comes before WAL: switching the journal needs the lock itself.
        conn = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
        try:
            conn.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_S * 1000}")
            conn.execute("PRAGMA journal_mode=WAL")
            conn.execute("PRAGMA synchronous=FULL")  # an acknowledged click is on disk
            conn.execute("PRAGMA foreign_keys=ON")
            migrations.bring_up_to_date(conn, path)
        except BaseException:
            conn.close()
            raise
    except sqlite3.Error as error:
        raise translate(error) from error
    return sqlite_utils.Database(conn)


@contextlib.contextmanager
def writing(db: Database) -> Iterator[None]:
    """One short write: all of it or nothing. IMMEDIATE, for a deferred read-then-write fails under contention."""
    with _transaction(db, "BEGIN IMMEDIATE"):
        yield


@contextlib.contextmanager
def reading(db: Database) -> Iterator[None]:
    """One snapshot: every query inside sees the same state."""
    with _transaction(db, "BEGIN"):
        yield


@contextlib.contextmanager
def _transaction(db: Database, begin: str) -> Iterator[None]:
    with _translated():
        db.conn.execute(begin)
        try:
            yield
            db.conn.execute("COMMIT")
        except BaseException:
            if db.conn.in_transaction:
                db.conn.execute("ROLLBACK")
            raise


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    """No sqlite3 error leaves this module as one."""
    try:
        yield
    except sqlite3.Error as error:
        raise translate(error) from error
    except OverflowError as error:  # a number that no row can have
        raise NotFound(what="number") from error


def rows(db: Database, sql: str, **values: Any) -> list[dict[str, Any]]:
    """All rows of a query, as dicts."""
    with _translated():
        cursor = db.conn.execute(sql, values)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, each, strict=True)) for each in cursor]


def row(db: Database, sql: str, **values: Any) -> dict[str, Any] | None:
    """The first row of a query, or None."""
    with _translated():
        cursor = db.conn.execute(sql, values)
        found = cursor.fetchone()
        return None if found is None else dict(zip([c[0] for c in cursor.description], found, strict=True))


def value(db: Database, sql: str, **values: Any) -> Any:
    """The first column of the first row, or None."""
    with _translated():
        found = db.conn.execute(sql, values).fetchone()
        return None if found is None else found[0]


def execute(db: Database, sql: str, **values: Any) -> sqlite3.Cursor:
    """One statement inside the caller's ``writing``."""
    with _translated():
        return db.conn.execute(sql, values)


def execute_many(db: Database, sql: str, values: Iterable[Any]) -> None:
    """The same statement for each of many rows, inside the caller's ``writing``."""
    with _translated():
        db.conn.executemany(sql, values)


def location(db: Database) -> Path:
    """The file that this connection is to."""
    return Path(value(db, "SELECT file FROM pragma_database_list WHERE name = 'main'"))


def is_sound(db: Database) -> bool:
    """SQLite's own check of the whole file."""
    return bool(value(db, "PRAGMA integrity_check") == "ok")


def back_up(db: Database, target: Path) -> None:
    """A whole copy while others go on writing; ``target`` gets its name when the copy is complete."""
    beside = target.with_name(target.name + ".part")
    beside.unlink(missing_ok=True)
    with _translated(), contextlib.closing(sqlite3.connect(beside)) as copy:
        db.conn.backup(copy)
    beside.replace(target)
