"""Connections that wait for their next use, for whoever opens the database many times a second.

Opening one reads the schema, and a fresh one has to prepare every statement anew: together more work than most
questions. Closing the last one moves the whole WAL into the file. So a few stay open between uses.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlite_utils import Database

from db import migrations
from db.connect import open_database

MOST = 8


@dataclass(frozen=True)
class _Idle:
    """A connection in no transaction, and which file it is to: a path can come to mean another one."""

    path: Path
    inode: int
    db: Database


class Pool:
    """Up to ``MOST`` idle connections; more may be in use, each by one caller at a time."""

    def __init__(self) -> None:
        self._idle: list[_Idle] = []
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def use(self, path: Path) -> Iterator[Database]:
        """A connection as ``open_database`` gives one, and with what that raises.

        It is kept afterwards unless something went wrong or a transaction is still open.
        """
        taken = self._take(path) or _Idle(path, 0, open_database(path))
        try:
            yield taken.db
        except BaseException:
            taken.db.close()
            raise
        self._put_back(taken)

    def _take(self, path: Path) -> _Idle | None:
        with self._lock:
            found = next((each for each in reversed(self._idle) if each.path == path), None)
            if found is None:
                return None
            self._idle.remove(found)
        if _is_of_today(found):
            return found
        found.db.close()
        return None

    def _put_back(self, used: _Idle) -> None:
        inode = _inode(used.path)
        if inode is None or used.inode not in (0, inode) or used.db.conn.in_transaction:
            used.db.close()
            return
        with self._lock:
            self._idle.append(_Idle(used.path, inode, used.db))
            gone = self._idle.pop(0) if len(self._idle) > MOST else None
        if gone is not None:
            gone.db.close()

    def close(self) -> None:
        """Closes what is idle."""
        with self._lock:
            gone, self._idle = self._idle, []
        for each in gone:
            each.db.close()


def _inode(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except OSError:
        return None


def _is_of_today(idle: _Idle) -> bool:
    """Whether the path still means this file and no newer code has changed its schema."""
    if _inode(idle.path) != idle.inode:
        return False
    try:
        return migrations.version(idle.db.conn) == len(migrations.STEPS)
    except sqlite3.Error:
        return False
