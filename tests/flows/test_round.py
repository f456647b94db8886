"""A round's way: whole or not at all, whatever is killed, cancelled or claimed again. Real training, small."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import f1_score
from sqlite_utils import Database

from core.config import RoundConfig
from core.errors import Cancelled, TooFewLabels
from core.services import annotating, curating, reporting, scheduling, settling
from core.worker import loop
from core.worker.rounds import RoundRunner, Stopped
from db import answers, jobs, rounds
from db.connect import open_database, rows, value, writing
from db.errors import LeaseLost
from db.records import Job
from tests.conftest import NOW
from tests.flows.conftest import SMALL

ROOT = Path(__file__).resolve().parents[2]


def claimed(db: Database, project: int, by: int) -> Job:
    scheduling.request_round(db, project, by=by, now=time.time())
    with writing(db):
        job = jobs.claim(db, lease_s=60, max_attempts=3, now=time.time())
    assert job is not None
    return job


def runner(db: Database, job: Job, tmp_path: Path, **more: object) -> RoundRunner:
    return RoundRunner(db, job, tmp_path / "models", **{"stopping": lambda: False, "beside": lambda: None, **more})  # type: ignore[arg-type]


def folders(tmp_path: Path) -> list[Path]:
    return [p for p in (tmp_path / "models").rglob("*") if p.is_file()]


def test_a_round_publishes_figures_a_student_and_a_ranking(ready, tmp_path: Path) -> None:
    db, project, who = ready
    runner(db, claimed(db, project, who["lee"]), tmp_path).run()
    seen = reporting.overview(db, project)
    assert seen.round is not None
    assert (seen.round.number, seen.round.n_train + seen.round.n_valid, seen.round.n_gold) == (1, 40, 20)
    assert seen.round.config["label_model"] == "flat", "so few labels have no tree"
    on_gold = {(m.model, m.scope) for m in seen.metrics if m.split == "gold"}
    for model in ("teacher", "standalone", "student", "linear", "svm"):
        assert {(model, "k0"), (model, "k1"), (model, "k2"), (model, "macro"), (model, "micro")} <= on_gold
    assert all(0 <= m.low <= m.f1 <= m.high <= 1 for m in seen.metrics if m.low is not None)
    assert seen.queue_head
    assert set(seen.queue_head[0].reason) == {"label", "probability", "threshold", "random", "words", "source"}
    assert value(db, "SELECT count(*) FROM predictions") == 30
    assert reporting.student_bundle(db, project) is not None
    assert scheduling.status(db, project, now=time.time()).state == "idle"
    first = annotating.next_texts(db, project, who["ann"], n=1, now=time.time())[0]
    assert first.id == seen.queue_head[0].document_id


def test_what_the_models_said_of_gold_is_kept_and_gives_the_published_figures_again(ready, tmp_path: Path) -> None:
    db, project, who = ready
    runner(db, claimed(db, project, who["lee"]), tmp_path).run()
    figures = {(m.model, m.scope): m for m in rounds.metrics(db, project, number=1) if m.split == "gold"}
    assert answers.models(db, project, 1) == ("linear", "standalone", "student", "teacher")
    for model in answers.models(db, project, 1):
        found = answers.peek(db, project, 1, model)
        assert found is not None
        shape = (len(found["documents"]) // 8, len(found["keys"]))
        truth = np.frombuffer(found["truth"], "u1").reshape(shape)
        probs = np.frombuffer(found["probabilities"], "<f4").reshape(shape)
        gold = {each.document_id: each.labels for each in settling.label_sets(db, project, "gold")}
        assert [gold[int(n)] for n in np.frombuffer(found["documents"], "<i8")] == [
            {key for key, one in zip(found["keys"], line, strict=True) if one} for line in truth
        ]
        for k, key in enumerate(found["keys"]):
            figure = figures[model, key]
            assert figure.f1 == pytest.approx(f1_score(truth[:, k], probs[:, k] >= figure.threshold, zero_division=0))


def test_answers_of_old_rounds_go_but_for_the_students(db: Database, project_id: int) -> None:
    one = np.ones((1, 1))
    with writing(db):
        for number in range(1, answers.OTHERS_KEPT + 3):
            db.conn.execute(
                "INSERT INTO jobs (id, project_id, kind, dedupe_key, created_at) VALUES (?, ?, 'round', ?, 0)",
                (number, project_id, str(number)),
            )
            at, _ = rounds.begin(
                db, project_id, number, snapshot_annotation=0, config="{}", code_version="", now=float(number)
            )
            rounds.publish(db, at, n_train=1, n_valid=1, n_gold=1, timings={}, warnings=[], now=float(number))
            for model in ("student", "teacher"):
                answers.keep(db, at, model, answers.Answers(documents=[1], keys=("a",), truth=one, probs=one))
        answers.prune(db, project_id)
    assert answers.models(db, project_id, 2) == ("student",)
    assert answers.models(db, project_id, 3) == ("student", "teacher")


@pytest.mark.parametrize(("how", "error"), [("cancel", Cancelled), ("stop", Stopped), ("taken", LeaseLost)])
def test_a_round_that_is_broken_off_publishes_nothing_and_leaves_nothing(ready, tmp_path, how, error) -> None:
    db, project, who = ready
    job = claimed(db, project, who["lee"])
    turns = {"n": 0}

    def interfere() -> bool:
        turns["n"] += 1
        if turns["n"] == 4 and how == "cancel":
            scheduling.cancel(db, job.id, by=who["lee"], now=time.time())
        if turns["n"] == 4 and how == "taken":
            with writing(db):
                jobs.claim(db, lease_s=60, max_attempts=3, now=time.time() + 999)
        return turns["n"] >= 4 and how == "stop"

    running = runner(db, job, tmp_path, stopping=interfere)
    with pytest.raises(error):
        running.run()
    assert turns["n"] >= 4
    assert folders(tmp_path) == []
    assert value(db, "SELECT count(*) FROM metrics") == value(db, "SELECT count(*) FROM queue") == 0
    assert rounds.last_published(db, project) is None


def test_the_worker_turns_each_end_into_a_state_that_people_see(ready, tmp_path: Path) -> None:
    db, project, who = ready
    worker = loop.Worker(db, tmp_path / "models", stopping=lambda: False)
    scheduling.request_round(db, project, by=who["lee"], now=time.time())
    assert worker.tick()
    status = scheduling.status(db, project, now=time.time())
    assert (status.worker_alive, status.state, status.last_error) == (True, "idle", None)
    with writing(db):
        db.conn.execute("DELETE FROM current_annotations WHERE document_id > 8 AND document_id <= 40")
        jobs.enqueue(db, project, "round", dedupe_key=f"round:{project}", payload={}, by=None, now=time.time())
    assert worker.tick()
    status = scheduling.status(db, project, now=time.time())
    assert status.last_error == ("TooFewLabels", {"have": "8", "need": "20"})
    assert status.last_published is not None
    assert status.last_published.number == 1, "the round before stays current"


def test_too_few_labels_and_no_gold_are_said_before_anything_is_queued(db, people, project_id) -> None:
    with pytest.raises(TooFewLabels) as caught:
        scheduling.request_round(db, project_id, by=people["lee"], now=NOW)
    assert caught.value.fields == {"have": 0, "need": 40}
    assert value(db, "SELECT count(*) FROM jobs") == 0


def test_a_few_labels_re_rank_the_queue_between_rounds(ready, tmp_path: Path) -> None:
    db, project, who = ready
    worker = loop.Worker(db, tmp_path / "models", stopping=lambda: False)
    worker.tick()
    assert {r["source"] for r in rows(db, "SELECT source FROM queue")} == {"linear"}
    before = value(db, "SELECT annotation_id FROM fast_lane")
    worker.tick()
    assert value(db, "SELECT annotation_id FROM fast_lane") == before, "nothing new, nothing done"
    for n, text in enumerate(annotating.next_texts(db, project, who["ann"], n=3, now=time.time())):
        op = {"uid": f"u{n}", "kind": "save", "document": text.id, "decision": "labelled", "labels": ["k1"]}
        annotating.apply(db, project, who["ann"], [op], now=time.time())
    worker.tick()
    assert value(db, "SELECT annotation_id FROM fast_lane") > before
    assert value(db, "SELECT count(*) FROM queue") == 27


def _worker(path: Path) -> subprocess.Popen[str]:
    env = {**os.environ, "DATA_DIR": str(path.parent), "TAGTAIL_LANG": "en"}
    return subprocess.Popen(
        [sys.executable, "-m", "core", "worker"], cwd=ROOT, env=env, text=True, stderr=subprocess.PIPE
    )  # fmt: skip


def _until(what, *, process: subprocess.Popen[str], limit_s: float = 120) -> None:
    """Wait for a state; a limit only so that a broken product fails instead of hanging."""
    end = time.monotonic() + limit_s
    while not what():
        assert process.poll() is None, process.stderr.read() if process.stderr else ""
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_worker_killed_in_mid_round_is_followed_by_one_that_finishes_the_job(ready, path: Path) -> None:
    db, project, who = ready
    slow = RoundConfig.from_mapping({**SMALL, "max_epochs": 1000, "patience": 1000})
    settings = curating.project(db, project).settings
    curating.update_settings(
        db, project, type(settings)(**{**vars(settings), "round": slow}), by=who["lee"], now=NOW
    )  # fmt: skip
    job_id = scheduling.request_round(db, project, by=who["lee"], now=time.time())
    first = _worker(path)
    try:
        _until(lambda: scheduling.status(db, project, now=time.time()).stage == "teachers", process=first)
        first.send_signal(signal.SIGSTOP)  # or its round may be over before the second has started
        second = subprocess.run(
            [sys.executable, "-m", "core", "worker"], cwd=ROOT, text=True, capture_output=True, check=False,
            env={**os.environ, "DATA_DIR": str(path.parent), "TAGTAIL_LANG": "en"},
        )  # fmt: skip
        assert second.returncode == 3
        assert "already running" in second.stderr
    finally:
        first.send_signal(signal.SIGKILL)
        first.wait()
        if first.stderr:
            first.stderr.close()
    assert value(db, "SELECT count(*) FROM metrics") == 0
    curating.update_settings(
        db, project, type(settings)(**vars(settings)), by=who["lee"], now=NOW
    )  # fmt: skip
    third = _worker(path)
    try:
        _until(lambda: rounds.last_published(db, project) is not None, process=third)
        third.send_signal(signal.SIGTERM)
        assert third.wait(timeout=30) == 0
    finally:
        if third.poll() is None:
            third.kill()
        if third.stderr:
            third.stderr.close()
    job = jobs.peek(db, job_id)
    assert job is not None
    assert (job.state, job.attempts) == ("done", 2)
    assert [r.state for r in scheduling.rounds(db, project)] == ["published"]
    left = list((path.parent / "models").glob("*/*"))
    assert len(left) == 1, "what the dead worker began is gone"
    reopened = open_database(path)
    assert reporting.student_bundle(reopened, project) is not None
    reopened.close()
