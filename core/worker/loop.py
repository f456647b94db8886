"""The background worker: claims jobs, keeps them alive, re-ranks between rounds, and stops when told to.

One worker a database: it holds a lock on a file beside it, which the system lets go of however the worker ends.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from sqlite_utils import Database

from core.config import Runtime
from core.errors import Cancelled, CannotStart, TagtailError
from core.messages import say, sentence
from core.priority import give_way
from core.services import projects, scheduling
from core.worker.doubting import Doubting
from core.worker.fast_lane import FastLanes
from core.worker.restoring import Restorer
from core.worker.rounds import JOB_LEASE_S, GaveWay, LabelsChanged, RoundRunner, Stopped
from db import events, jobs
from db import rounds as round_rows
from db.connect import open_database, writing
from db.errors import DatabaseBusy, LeaseLost, StorageError
from db.records import Job

log = logging.getLogger("tagtail.worker")

POLL_S = 1.0
IDLE_POLL_S = 20.0  # between two looks for work that nobody asked for
MAX_ATTEMPTS = 3  # times that a job may take its worker down before it is given up
NICE = 19


def hold_lock(database: Path) -> IO[str]:
    """The one worker's lock, held until this process ends. Raises CannotStart: another process has it."""
    handle = open(database.with_name("worker.lock"), "a+")  # noqa: SIM115 (held on purpose)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        handle.seek(0)
        holder = handle.read().strip() or "?"
        handle.close()
        raise CannotStart(why=f"worker {holder}", fix="") from None
    handle.truncate(0)
    handle.write(f"pid {os.getpid()}")
    handle.flush()
    return handle


class Worker:
    """One tick at a time: a heartbeat, the fast lane, a job."""

    def __init__(self, db: Database, models: Path, *, stopping: Callable[[], bool]) -> None:
        self.db, self.models, self.stopping = db, models, stopping
        self.lanes = FastLanes(alive=lambda: self._beat(self._doing))
        self._doing = ""
        self.doubting = Doubting(stopping=stopping)
        self._looked = -IDLE_POLL_S

    def tick(self) -> bool:
        """Do what is due; True when a job was run."""
        self._beat("")
        self._fast_lane()
        with writing(self.db):
            round_rows.end_orphans(self.db, now=time.time())
            job = jobs.claim(self.db, lease_s=JOB_LEASE_S, max_attempts=MAX_ATTEMPTS, now=time.time())
            round_rows.end_orphans(self.db, now=time.time())
        if job is None:
            self._look_for_idle_work()
            self._doubts()
            return False
        self.doubting.drop()
        self._run(job)
        return True

    def _look_for_idle_work(self) -> None:
        """Every now and then; what is found is claimed at the next tick, after whatever somebody asks for meanwhile."""
        if time.monotonic() - self._looked < IDLE_POLL_S:
            return
        self._looked = time.monotonic()
        for project in projects.list_projects(self.db):
            if project.settings.round_hours:  # what was due before them is asked for once they have begun
                with writing(self.db):
                    if scheduling.request_if_due(self.db, project, now=time.time()) is not None:
                        return
            if project.settings.deepen:
                with writing(self.db):
                    if scheduling.request_if_idle(self.db, project, now=time.time()) is not None:
                        return

    def _beat(self, doing: str) -> None:
        self._doing = doing
        with writing(self.db):
            jobs.worker_beat(self.db, pid=os.getpid(), doing=doing, now=time.time())

    def _fast_lane(self) -> None:
        """The queue is a convenience: what goes wrong here is told, and must not keep a round from running."""
        try:
            self.lanes.tick(self.db)
        except LeaseLost:
            raise
        except Exception:
            log.exception("fast lane: failed; rounds go on")

    def _doubts(self) -> None:
        """As the queue, a convenience."""
        try:
            self.doubting.tick(self.db)
        except LeaseLost:
            raise
        except Exception:
            log.exception("doubts: failed; all else goes on")

    def _run(self, job: Job) -> None:
        log.info("round job %d: start (attempt %d)", job.id, job.attempts)
        started = time.monotonic()
        kind = Restorer if job.kind == scheduling.RESTORE else RoundRunner
        runner = kind(self.db, job, self.models, stopping=self.stopping, beside=self._beside)
        try:
            runner.run()
            log.info("round %d: done after %.0f s", runner.number, time.monotonic() - started)
            with writing(self.db):  # labels that came meanwhile may make the next one due
                project = projects.project(self.db, job.project_id)
                scheduling.request_if_due(self.db, project, now=time.time())
        except Stopped:
            log.info("round job %d: handed back, the worker is stopping", job.id)
            with writing(self.db):
                jobs.hand_back(self.db, job)
        except LabelsChanged:
            log.info("round job %d: starts over, the label set has changed", job.id)
            with contextlib.suppress(LeaseLost), writing(self.db):
                jobs.hand_back(self.db, job)
        except (Cancelled, GaveWay) as error:
            self._end(job, runner, "cancelled", error)
        except (LeaseLost, DatabaseBusy) as error:
            log.warning("round job %d: %s", job.id, sentence(error, "en"))
        except Exception as error:  # whatever it was: the job ends with a sentence, the worker goes on
            self._end(job, runner, "failed", error)

    def _beside(self) -> None:
        self._beat("round")
        self._fast_lane()

    def _end(self, job: Job, runner: RoundRunner | Restorer, state: str, error: Exception) -> None:
        told = _told(error)
        log.warning("round job %d: %s (%s)", job.id, state, say(told["code"], told["fields"], "en") or told)
        now = time.time()
        with contextlib.suppress(LeaseLost), writing(self.db):
            jobs.finish(self.db, job, state, error=None if isinstance(error, Cancelled) else told, now=now)
            if runner.round_id:
                round_rows.end(self.db, runner.round_id, state, error=told, now=now)
            what = "student_restore" if job.kind == scheduling.RESTORE else "round"
            events.append(self.db, f"{what}_{state}", now=now, project_id=job.project_id, after={"job": job.id})


def _told(error: Exception) -> dict[str, Any]:
    """An error as it is kept with its round: code and fields, to be said in the reader's language."""
    if isinstance(error, GaveWay):
        return {"code": scheduling.GAVE_WAY, "fields": {}}
    if isinstance(error, TagtailError | StorageError):
        return {"code": error.code, "fields": {k: str(v) for k, v in error.fields.items()}}
    return {"code": "Unforeseen", "fields": {"why": sentence(error, "en")}}


def main(runtime: Runtime) -> int:
    """Run until SIGTERM or Ctrl-C. Raises CannotStart (a second worker), StorageError (no usable database)."""
    stop = {"asked": False}

    def ask(signum: int, frame: object) -> None:
        stop["asked"] = True

    signal.signal(signal.SIGTERM, ask)
    signal.signal(signal.SIGINT, ask)
    db = open_database(runtime.database)
    lock = hold_lock(runtime.database)
    give_way(NICE)
    log.info("worker %d: ready on %s", os.getpid(), runtime.database)
    with writing(db):
        orphans = jobs.free_orphans(db)
    if orphans:
        log.info("worker: %d unfinished job of a worker that died comes back", orphans)
    worker = Worker(db, runtime.models, stopping=lambda: stop["asked"])
    while not stop["asked"]:
        try:
            busy = worker.tick()
        except DatabaseBusy as error:
            log.warning("worker: %s", sentence(error, "en"))
            busy = False
        if not busy:
            _sleep(POLL_S, lambda: stop["asked"])
    db.close()
    lock.close()
    log.info("worker %d: stopped", os.getpid())
    return 0


def _sleep(seconds: float, stopping: Callable[[], bool]) -> None:
    until = time.monotonic() + seconds
    while not stopping() and time.monotonic() < until:
        time.sleep(0.1)
