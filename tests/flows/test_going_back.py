"""Going back: an earlier student answers and ranks again, whole or not at all, and the next round replaces it."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sqlite_utils import Database

from core.errors import NotAllowed, OtherLabels, RoundRunning, StudentGone
from core.models import neighbours
from core.services import annotating, curating, going_back, labelling, reporting, scheduling
from core.train.predict import load_student
from core.worker import loop, rounds
from db import jobs
from db import rounds as round_rows
from db.connect import rows, value, writing
from tests.conftest import NOW

Ready = tuple[Database, int, dict[str, int]]


def worker(db: Database, tmp_path: Path, **given: object) -> loop.Worker:
    return loop.Worker(db, tmp_path / "models", **{"stopping": lambda: False, **given})  # type: ignore[arg-type]


def run_round(db: Database, project: int, by: int, tmp_path: Path) -> None:
    scheduling.request_round(db, project, by=by, now=time.time())
    assert worker(db, tmp_path).tick()


def label(db: Database, project: int, by: int, n: int) -> None:
    for text in annotating.next_texts(db, project, by, n=n, now=time.time()):
        op = {"uid": f"u{text.id}", "kind": "save", "document": text.id, "decision": "labelled", "labels": ["k1"]}
        assert annotating.apply(db, project, by, [op], now=time.time()).acked


def state(db: Database) -> list[list[dict]]:
    """All that a student in use is known by."""
    return [
        rows(db, "SELECT id, current FROM models ORDER BY id"),
        rows(db, "SELECT model_id, document_id, probabilities FROM predictions ORDER BY document_id"),
        rows(db, "SELECT document_id, rank, score, round_id FROM queue ORDER BY rank"),
    ]


@pytest.fixture
def twice(ready: Ready, tmp_path: Path) -> Ready:
    """Two published rounds, some labels between them."""
    db, project, who = ready
    settings = curating.project(db, project).settings
    curating.update_settings(db, project, replace(settings, round_every=1000), by=who["lee"], now=NOW)
    run_round(db, project, who["lee"], tmp_path)
    label(db, project, who["ann"], 4)
    run_round(db, project, who["lee"], tmp_path)
    return ready


def test_the_earlier_student_answers_ranks_and_is_named(twice: Ready, tmp_path: Path) -> None:
    db, project, who = twice
    assert [(e.number, e.hindrance) for e in going_back.earlier(db, project)] == [(2, "in_use"), (1, "")]
    label(db, project, who["ann"], 2)
    job = going_back.request(db, project, 1, by=who["lee"], now=time.time())
    assert going_back.request(db, project, 1, by=who["lee"], now=time.time()) == job, "asking twice is asking once"
    waiting = going_back.under_way(db, project)
    assert waiting is not None
    assert (waiting.number, waiting.state) == (1, "queued")
    assert worker(db, tmp_path).tick()
    assert going_back.under_way(db, project) is None
    seen = reporting.overview(db, project)
    assert seen.round is not None
    assert seen.round.number == 1
    assert {m.round for m in seen.metrics} == {1}
    assert {m.round for m in seen.history} == {1, 2}
    current = round_rows.current_model(db, project, "student")
    assert current is not None
    student = load_student(tmp_path / "models" / current["path"])
    texts = {r["id"]: r["text"] for r in rows(db, "SELECT id, text FROM documents WHERE role='pool' AND state='open'")}
    stored = round_rows.predictions(db, current["id"])
    assert stored.keys() == texts.keys(), "the texts that wait now"
    said = student.probabilities(list(texts.values())).astype("<f2")
    for document, probs in zip(texts, said, strict=True):
        np.testing.assert_allclose(np.frombuffer(stored[document], "<f2"), probs, atol=2e-3)
    assert list(current["thresholds"].values()) == pytest.approx(list(student.thresholds))
    assert value(db, "SELECT count(*) FROM predictions WHERE model_id != :m", m=current["id"]) == 0
    first = rows(db, "SELECT r.number FROM queue q JOIN rounds r ON r.id = q.round_id ORDER BY rank LIMIT 1")
    assert first == [{"number": 1}]
    assert value(db, "SELECT count(*) FROM events WHERE kind = 'student_restored'") == 1
    assert scheduling.status(db, project, now=time.time()).in_use == seen.round


def test_it_comes_back_with_its_neighbours_and_its_calibration(
    ready: Ready, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(neighbours, "MARGIN", -1.0)  # they are asked whatever validation gains
    db, project, who = ready
    settings = curating.project(db, project).settings
    asked = replace(settings, round_every=1000, round=replace(settings.round, calibration="platt", neighbours="auto"))
    curating.update_settings(db, project, asked, by=who["lee"], now=NOW)
    run_round(db, project, who["lee"], tmp_path)
    curating.update_settings(db, project, replace(asked, round=settings.round), by=who["lee"], now=NOW)
    first = round_rows.current_model(db, project, "student")
    assert first is not None
    assert load_student(tmp_path / "models" / first["path"]).revision.neighbours is not None
    before = round_rows.predictions(db, first["id"])
    run_round(db, project, who["lee"], tmp_path)
    going_back.request(db, project, 1, by=who["lee"], now=time.time())
    assert worker(db, tmp_path).tick()
    after = round_rows.predictions(db, first["id"])
    assert after.keys() == before.keys()
    for document, probs in before.items():
        np.testing.assert_allclose(np.frombuffer(after[document], "<f2"), np.frombuffer(probs, "<f2"), atol=2e-3)


def test_the_next_round_replaces_it(twice: Ready, tmp_path: Path) -> None:
    db, project, who = twice
    going_back.request(db, project, 1, by=who["lee"], now=time.time())
    worker(db, tmp_path).tick()
    run_round(db, project, who["lee"], tmp_path)
    present = round_rows.in_use(db, project)
    assert present is not None
    assert present.number == 3
    assert [(e.number, e.hindrance) for e in going_back.earlier(db, project)] == [(3, "in_use"), (2, ""), (1, "")]


def test_nothing_is_deepened_while_an_earlier_student_is_in_use(twice: Ready, tmp_path: Path) -> None:
    db, project, who = twice
    settings = curating.project(db, project).settings
    curating.update_settings(db, project, replace(settings, deepen=True), by=who["lee"], now=NOW)

    def idle() -> int | None:
        with writing(db):
            return scheduling.request_if_idle(db, curating.project(db, project), now=time.time() + 99_999)

    deep = idle()
    assert deep is not None
    going_back.request(db, project, 1, by=who["lee"], now=time.time())
    one = worker(db, tmp_path)
    assert one.tick()
    given_up = jobs.peek(db, deep)
    assert given_up is not None
    assert (given_up.state, given_up.error) == ("cancelled", {"code": "GaveWay", "fields": {}})
    assert one.tick()
    present = round_rows.in_use(db, project)
    assert present is not None
    assert present.number == 1
    assert idle() is None


def test_who_may_and_what_may_not_come_back(twice: Ready, tmp_path: Path) -> None:
    db, project, who = twice
    with pytest.raises(NotAllowed):
        going_back.request(db, project, 1, by=who["rae"], now=NOW)
    with pytest.raises(StudentGone):
        going_back.request(db, project, 7, by=who["lee"], now=NOW)
    assert going_back.request(db, project, 2, by=who["lee"], now=NOW) is None, "it is in use"
    job = scheduling.request_round(db, project, by=who["lee"], now=NOW)
    with pytest.raises(RoundRunning):
        going_back.request(db, project, 1, by=who["lee"], now=NOW)
    scheduling.cancel(db, job, by=who["lee"], now=NOW)
    path = next(each.path for each in going_back.earlier(db, project) if each.number == 1)
    (tmp_path / "models" / path / "student.zip").unlink()
    assert going_back.earlier(db, project)[1].hindrance == "gone"
    with pytest.raises(StudentGone):
        going_back.request(db, project, 1, by=who["lee"], now=NOW)


def test_another_label_set_keeps_it_away_even_when_it_changes_on_the_way(twice: Ready, tmp_path: Path) -> None:
    db, project, who = twice
    going_back.request(db, project, 1, by=who["lee"], now=time.time())
    before = state(db)
    labelling.add(db, project, {"zh": "丁", "en": "nine"}, by=who["lee"], now=time.time())
    with writing(db):
        queued = jobs.live(db, project, scheduling.KIND)
        if queued:
            jobs.request_cancel(db, queued.id, now=time.time())
    assert worker(db, tmp_path).tick()
    assert state(db)[:2] == before[:2], "the fast lane has its own queue for the new labels"
    failure = going_back.last_failure(db, project)
    assert failure is not None
    assert failure[0] == "OtherLabels"
    with pytest.raises(OtherLabels):
        going_back.request(db, project, 1, by=who["lee"], now=time.time())


@pytest.mark.parametrize("how", ["changed", "cancelled", "stopped"])
def test_what_goes_wrong_leaves_the_present_student(twice: Ready, tmp_path: Path, how: str) -> None:
    db, project, who = twice
    job_id = going_back.request(db, project, 1, by=who["lee"], now=time.time())
    before = state(db)
    found = going_back.find(db, project, 1)
    turns = {"n": 0}

    def stopping() -> bool:
        turns["n"] += 1
        if how == "cancelled" and turns["n"] == 1:
            scheduling.cancel(db, job_id or 0, by=who["lee"], now=time.time())
        return how == "stopped"

    if how == "changed":
        with open(tmp_path / "models" / found.path / "student.zip", "ab") as file:
            file.write(b"x")
    worker(db, tmp_path, stopping=stopping).tick()
    job = jobs.peek(db, job_id or 0)
    assert job is not None
    assert job.state == {"changed": "failed", "cancelled": "cancelled", "stopped": "queued"}[how]
    assert state(db) == before
    assert (going_back.last_failure(db, project) or ("",))[0] == ("ModelUnavailable" if how == "changed" else "")
    if how == "stopped":
        assert worker(db, tmp_path).tick(), "it comes back with the worker"
        present = round_rows.in_use(db, project)
        assert present is not None
        assert present.number == 1


def test_old_students_go_and_say_so(twice: Ready, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    db, project, who = twice
    monkeypatch.setattr(rounds, "KEEP_ROUNDS", 1)
    run_round(db, project, who["lee"], tmp_path)
    assert [e.hindrance for e in going_back.earlier(db, project)] == ["in_use", "gone", "gone"]
