"""Background jobs: queued once per dedupe key, claimed under a lease, kept alive by heartbeats, fenced by a token.

A job whose lease ran out (its worker was killed) can be claimed again; whatever the dead worker still tries to write
fails its fence, because the new claim has another token.
"""

from __future__ import annotations

import json
import secrets
from typing import Any

from sqlite_utils import Database

from db.connect import execute, row
from db.errors import LeaseLost
from db.records import Job

_LIVE = "state IN ('queued', 'running')"


def _job(found: dict[str, Any]) -> Job:
    return Job(
        id=found["id"], project_id=found["project_id"], kind=found["kind"], state=found["state"],
        payload=json.loads(found["payload"]), progress=json.loads(found["progress"]),
        cancel_requested=bool(found["cancel_requested"]), attempts=found["attempts"], token=found["token"],
        error=json.loads(found["error"]) if found["error"] else None, created_at=found["created_at"],
        started_at=found["started_at"], finished_at=found["finished_at"],
    )  # fmt: skip


def enqueue(
    db: Database, project_id: int, kind: str, *, dedupe_key: str, payload: dict[str, Any], by: int | None, now: float
) -> int:
    """Queue a job, or return the live one of the same key."""
    live = row(db, f"SELECT id FROM jobs WHERE dedupe_key = :k AND {_LIVE}", k=dedupe_key)  # noqa: S608
    if live:
        return int(live["id"])
    cursor = execute(
        db,
        "INSERT INTO jobs (project_id, kind, dedupe_key, payload, requested_by, created_at) "
        "VALUES (:p, :kind, :key, :payload, :by, :now)",
        p=project_id, kind=kind, key=dedupe_key, payload=json.dumps(payload), by=by, now=now,
    )  # fmt: skip
    return int(cursor.lastrowid or 0)


def peek(db: Database, job_id: int) -> Job | None:
    found = row(db, "SELECT * FROM jobs WHERE id = :id", id=job_id)
    return _job(found) if found else None


def latest(db: Database, project_id: int, kind: str) -> Job | None:
    found = row(
        db, "SELECT * FROM jobs WHERE project_id = :p AND kind = :k ORDER BY id DESC LIMIT 1", p=project_id, k=kind
    )
    return _job(found) if found else None


def live(db: Database, project_id: int, kind: str) -> Job | None:
    found = row(
        db, f"SELECT * FROM jobs WHERE project_id = :p AND kind = :k AND {_LIVE} LIMIT 1",  # noqa: S608
        p=project_id, k=kind,
    )  # fmt: skip
    return _job(found) if found else None


def waits(db: Database, kind: str) -> bool:
    """Whether a job of that kind is queued, of whichever project."""
    return row(db, "SELECT id FROM jobs WHERE kind = :k AND state = 'queued' LIMIT 1", k=kind) is not None


def claim(db: Database, *, lease_s: float, max_attempts: int, now: float) -> Job | None:
    """Take the oldest job that waits, or whose worker has gone silent; a job that killed too many workers fails."""
    execute(
        db,
        "UPDATE jobs SET state = 'failed', finished_at = :now, error = :error "
        "WHERE state = 'running' AND lease_until < :now AND attempts >= :most",
        now=now, most=max_attempts, error=json.dumps({"code": "WorkerDied", "fields": {"attempts": max_attempts}}),
    )  # fmt: skip
    execute(
        db,
        "UPDATE jobs SET state = 'cancelled', finished_at = :now "
        "WHERE cancel_requested = 1 AND (state = 'queued' OR (state = 'running' AND lease_until < :now))",
        now=now,
    )
    found = row(
        db,
        "SELECT * FROM jobs WHERE state = 'queued' OR (state = 'running' AND lease_until < :now) ORDER BY id LIMIT 1",
        now=now,
    )
    if not found:
        return None
    token = secrets.token_hex(8)
    execute(
        db,
        "UPDATE jobs SET state = 'running', token = :token, lease_until = :until, attempts = attempts + 1, "
        "started_at = :now, progress = '{}' WHERE id = :id",
        token=token, until=now + lease_s, now=now, id=found["id"],
    )  # fmt: skip
    return peek(db, found["id"])


def beat(db: Database, job: Job, *, progress: dict[str, Any], lease_s: float, now: float) -> bool:
    """Keep the lease and tell how far it is; True when somebody asked to cancel. Raises LeaseLost."""
    check_fence(db, job)
    execute(
        db, "UPDATE jobs SET lease_until = :until, progress = :progress WHERE id = :id",
        until=now + lease_s, progress=json.dumps(progress, ensure_ascii=False), id=job.id,
    )  # fmt: skip
    found = row(db, "SELECT cancel_requested FROM jobs WHERE id = :id", id=job.id)
    return bool(found and found["cancel_requested"])


def check_fence(db: Database, job: Job) -> None:
    """Raises LeaseLost: the job has been claimed again, finished or cancelled meanwhile."""
    found = row(db, "SELECT token, state FROM jobs WHERE id = :id", id=job.id)
    if not found or found["token"] != job.token or found["state"] != "running":
        raise LeaseLost(what=f"job {job.id}")


def finish(db: Database, job: Job, state: str, *, error: dict[str, Any] | None = None, now: float) -> None:
    check_fence(db, job)
    execute(
        db, "UPDATE jobs SET state = :state, error = :error, finished_at = :now WHERE id = :id",
        state=state, error=json.dumps(error, ensure_ascii=False) if error else None, now=now, id=job.id,
    )  # fmt: skip


def free_orphans(db: Database) -> int:
    """For a worker that has just got the one lock: whoever ran these jobs is dead. Says how many."""
    return execute(db, "UPDATE jobs SET lease_until = 0 WHERE state = 'running'").rowcount


def hand_back(db: Database, job: Job) -> None:
    """A worker that is told to stop puts its job back, without counting the attempt."""
    check_fence(db, job)
    execute(
        db, "UPDATE jobs SET state = 'queued', token = '', lease_until = 0, attempts = attempts - 1 WHERE id = :id",
        id=job.id,
    )  # fmt: skip


def request_cancel(db: Database, job_id: int, *, now: float) -> None:
    """A waiting job is cancelled at once; a running one is asked to stop."""
    execute(db, "UPDATE jobs SET cancel_requested = 1 WHERE id = :id", id=job_id)
    execute(
        db, "UPDATE jobs SET state = 'cancelled', finished_at = :now WHERE id = :id AND state = 'queued'",
        id=job_id, now=now,
    )  # fmt: skip


def worker_beat(db: Database, *, pid: int, doing: str, now: float) -> None:
    execute(
        db,
        "INSERT INTO workers (id, pid, started_at, beat_at, doing) VALUES (1, :pid, :now, :now, :doing) "
        "ON CONFLICT (id) DO UPDATE SET started_at = CASE WHEN pid = excluded.pid THEN started_at "
        "ELSE excluded.beat_at "
        "END, pid = excluded.pid, beat_at = excluded.beat_at, doing = excluded.doing",
        pid=pid, now=now, doing=doing,
    )  # fmt: skip


def worker(db: Database) -> dict[str, Any] | None:
    return row(db, "SELECT pid, started_at, beat_at, doing FROM workers WHERE id = 1")
