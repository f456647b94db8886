"""An earlier round's student in place of the present one: which can come back, and the wish for it.

Its answers to the pool are not kept, so it has to read the pool again before anything uses it: that is the worker's
(``core.worker.restoring``). Until it is done, and whenever it fails, the present student stays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from sqlite_utils import Database

from core.errors import Archived, OtherLabels, RoundRunning, StudentGone
from core.services import membership, projects, scheduling
from core.services.scheduling import RESTORE
from db import events, jobs
from db import rounds as round_rows
from db.connect import location, reading, writing
from db.records import Job

Hindrance = Literal["", "in_use", "gone", "other_labels"]


@dataclass(frozen=True, kw_only=True)
class Earlier:
    """A published round's student, and what keeps it from coming back: nothing, in use, gone, or of other labels.

    ``path`` is its folder, relative to that of all models.
    """

    model_id: int
    round_id: int
    number: int
    path: str
    sha256: str
    hindrance: Hindrance


@dataclass(frozen=True, kw_only=True)
class UnderWay:
    """A wish that is not fulfilled yet; ``done`` of ``total`` texts read."""

    job_id: int
    number: int
    state: str
    done: int
    total: int


def earlier(db: Database, project_id: int) -> tuple[Earlier, ...]:
    """Every published round's student, newest first."""
    fingerprint = projects.project(db, project_id).label_set.fingerprint
    return tuple(_earlier(db, found, fingerprint) for found in round_rows.students(db, project_id))


def _earlier(db: Database, found: dict[str, Any], fingerprint: str) -> Earlier:
    hindrance: Hindrance = ""
    if found["current"]:
        hindrance = "in_use"
    elif not (location(db).parent / "models" / found["path"] / "student.zip").is_file():
        hindrance = "gone"
    elif found["fingerprint"] != fingerprint:
        hindrance = "other_labels"
    return Earlier(
        model_id=found["id"], round_id=found["round_id"], number=found["number"], path=found["path"],
        sha256=found["sha256"], hindrance=hindrance,
    )  # fmt: skip


def find(db: Database, project_id: int, number: int) -> Earlier:
    """That round's student as it can be used now. Raises StudentGone, OtherLabels."""
    found = next((each for each in earlier(db, project_id) if each.number == number), None)
    if found is None or found.hindrance == "gone":
        raise StudentGone(number=number)
    if found.hindrance == "other_labels":
        raise OtherLabels(number=number)
    return found


def request(db: Database, project_id: int, number: int, *, by: int, now: float) -> int | None:
    """Queue the return of that round's student: the job, or None where it is in use already.

    Raises NotAllowed, Archived, StudentGone, OtherLabels, and RoundRunning: a round, or another return, is not over.
    """
    with writing(db):
        membership.require_member(db, project_id, by, "lead")
        if projects.project(db, project_id).archived_at is not None:
            raise Archived(need="member")
        found = find(db, project_id, number)
        live = jobs.live(db, project_id, RESTORE)
        if live and live.payload["number"] == number:
            return live.id
        if live or jobs.live(db, project_id, scheduling.KIND):
            raise RoundRunning()
        if found.hindrance == "in_use":
            return None
        job_id = jobs.enqueue(
            db, project_id, RESTORE, dedupe_key=f"{RESTORE}:{project_id}", payload={"number": number}, by=by, now=now
        )
        after = {"job": job_id, "round": number}
        events.append(db, "student_restore_requested", now=now, project_id=project_id, user_id=by, after=after)
        return job_id


def under_way(db: Database, project_id: int) -> UnderWay | None:
    """The return that waits or is being carried out."""
    job = jobs.live(db, project_id, RESTORE)
    if job is None:
        return None
    told = job.progress if job.state == "running" else {}
    return UnderWay(
        job_id=job.id, number=job.payload["number"], state="cancelling" if job.cancel_requested else job.state,
        done=told.get("done", 0), total=told.get("total", 0),
    )  # fmt: skip


def last_failure(db: Database, project_id: int) -> tuple[str, dict[str, Any]] | None:
    """Why the latest return did not happen, while nothing newer has been published or brought back."""
    with reading(db):
        job = jobs.latest(db, project_id, RESTORE)
        if job is None or job.state != "failed" or not job.error or _outlived(db, project_id, job):
            return None
        return job.error["code"], job.error.get("fields", {})


def _outlived(db: Database, project_id: int, job: Job) -> bool:
    published = round_rows.last_published(db, project_id)
    return bool(published and job.finished_at and (published.finished_at or 0.0) > job.finished_at)
