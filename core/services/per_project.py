"""What is kept in memory of each project: for the latest few, and apart for files that share a number."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from sqlite_utils import Database

from db.connect import location

T = TypeVar("T")

MOST = 8  # projects


class PerProject(Generic[T]):
    """One value a project, made when it is first asked for; the one that was asked for least lately goes first."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._kept: dict[tuple[Path, int, int], T] = {}
        self._guard = threading.Lock()

    def of(self, db: Database, project_id: int) -> T:
        path = location(db)
        key = (path, path.stat().st_ino if path.exists() else 0, project_id)
        with self._guard:
            found = self._kept.pop(key) if key in self._kept else self._make()
            self._kept[key] = found  # the latest comes last
            while len(self._kept) > MOST:
                del self._kept[next(iter(self._kept))]
            return found

    def forget(self) -> None:
        """As after a restart."""
        with self._guard:
            self._kept.clear()
