"""Jobs: one live of a key, leased, fenced, given up after too many deaths. No sleeps: time is an argument."""

from __future__ import annotations

import pytest
from sqlite_utils import Database

from db import jobs
from db.connect import writing
from db.errors import LeaseLost
from tests.conftest import NOW


def enqueue(db: Database, project_id: int) -> int:
    with writing(db):
        return jobs.enqueue(db, project_id, "round", dedupe_key=f"round:{project_id}", payload={}, by=None, now=NOW)


def claim(db: Database, now: float, attempts: int = 3) -> jobs.Job | None:
    with writing(db):
        return jobs.claim(db, lease_s=60, max_attempts=attempts, now=now)


def test_asking_twice_is_asking_once(db: Database, project_id: int) -> None:
    assert enqueue(db, project_id) == enqueue(db, project_id)


def test_a_claimed_job_is_nobody_elses_until_its_lease_runs_out(db: Database, project_id: int) -> None:
    enqueue(db, project_id)
    first = claim(db, NOW)
    assert first is not None
    assert claim(db, NOW + 59) is None
    second = claim(db, NOW + 61)
    assert second is not None
    assert (second.id, second.attempts) == (first.id, 2)
    with pytest.raises(LeaseLost), writing(db):
        jobs.beat(db, first, progress={}, lease_s=60, now=NOW + 62)
    with pytest.raises(LeaseLost), writing(db):
        jobs.finish(db, first, "done", now=NOW + 62)


def test_a_beat_keeps_the_lease_and_brings_the_wish_to_cancel(db: Database, project_id: int) -> None:
    job_id = enqueue(db, project_id)
    job = claim(db, NOW)
    assert job is not None
    with writing(db):
        assert not jobs.beat(db, job, progress={"stage": "teachers"}, lease_s=60, now=NOW + 50)
    assert claim(db, NOW + 100) is None
    with writing(db):
        jobs.request_cancel(db, job_id, now=NOW + 100)
        assert jobs.beat(db, job, progress={"stage": "teachers"}, lease_s=60, now=NOW + 101)
    kept = jobs.peek(db, job_id)
    assert kept is not None
    assert kept.progress == {"stage": "teachers"}


def test_a_job_that_takes_its_worker_down_again_and_again_is_given_up(db: Database, project_id: int) -> None:
    job_id = enqueue(db, project_id)
    for turn in range(3):
        assert claim(db, NOW + 100 * turn) is not None
    assert claim(db, NOW + 400) is None
    job = jobs.peek(db, job_id)
    assert job is not None
    assert (job.state, job.error and job.error["code"]) == ("failed", "WorkerDied")


def test_a_waiting_job_is_cancelled_at_once_and_a_dead_workers_when_it_is_found(db: Database, project_id: int) -> None:
    job_id = enqueue(db, project_id)
    with writing(db):
        jobs.request_cancel(db, job_id, now=NOW)
    assert jobs.peek(db, job_id).state == "cancelled"  # type: ignore[union-attr]
    other = enqueue(db, project_id)
    claim(db, NOW)
    with writing(db):
        jobs.request_cancel(db, other, now=NOW)
    assert claim(db, NOW + 61) is None
    assert jobs.peek(db, other).state == "cancelled"  # type: ignore[union-attr]


def test_a_job_handed_back_is_free_and_does_not_count(db: Database, project_id: int) -> None:
    enqueue(db, project_id)
    job = claim(db, NOW)
    assert job is not None
    with writing(db):
        jobs.hand_back(db, job)
    again = claim(db, NOW + 1)
    assert again is not None
    assert again.attempts == 1
