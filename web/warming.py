"""Reads what leads will ask for before one of them asks: after a start the log of decisions is in no memory yet."""

from __future__ import annotations

import contextlib
import ctypes
import logging
import threading
import time
from contextlib import closing
from pathlib import Path

from core.errors import TagtailError
from core.services.projects import list_projects
from core.services.standing import standing
from core.services.worklog import worklog
from db.connect import open_database, reading
from db.errors import StorageError

log = logging.getLogger("tagtail.web")
MOST = 8  # projects, the latest first: as many as are kept in memory


class Warming:
    """One thread that reads project after project.

    At the priority of the others: one of lower priority that holds the interpreter would keep them all waiting.
    """

    def __init__(self, database: Path) -> None:
        self._database = database
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="warming", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """After the project that is at hand."""
        self._stopping.set()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Whether all is read, within the time."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        began = time.monotonic()
        try:
            with closing(open_database(self._database)) as db:
                for project in reversed(list_projects(db)[-MOST:]):
                    for read in (standing, worklog):
                        if self._stopping.is_set():
                            return
                        with reading(db):
                            read(db, project.id)
            _give_back()
            log.info("warm after %.1f s", time.monotonic() - began)
        except (TagtailError, StorageError) as error:
            log.warning("warming: %s", error)  # a look then reads it by itself


def _give_back() -> None:
    """What reading a million rows took and no longer needs goes back to the system, where its C library can do that."""
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)
