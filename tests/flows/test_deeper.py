"""A deeper round: on an idle machine alone, once, gone at once when there is other work, and never for the worse."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest
from sqlite_utils import Database

from core import approximations
from core.config import RoundConfig
from core.errors import BadFile, ModelUnavailable, TrainingDiverged
from core.messages import say
from core.services import annotating, curating, reporting, scheduling
from core.worker import loop, rounds
from db import jobs
from db import rounds as round_rows
from db.connect import rows, value, writing
from tests.conftest import NOW

Ready = tuple[Database, int, dict[str, int]]


def change(db: Database, project: int, by: int, **settings: object) -> None:
    now = curating.project(db, project).settings
    curating.update_settings(db, project, replace(now, **settings), by=by, now=NOW)  # type: ignore[arg-type]


def label(db: Database, project: int, by: int, n: int) -> None:
    """Decisions of this moment."""
    for text in annotating.next_texts(db, project, by, n=n, now=time.time()):
        op = {"uid": f"u{text.id}", "kind": "save", "document": text.id, "decision": "labelled", "labels": ["k1"]}
        assert annotating.apply(db, project, by, [op], now=time.time()).acked


def look(db: Database, project: int, *, in_s: float = 0.0) -> int | None:
    """What an idle worker would queue, so many seconds from now."""
    with writing(db):
        return scheduling.request_if_idle(db, curating.project(db, project), now=time.time() + in_s)


@pytest.fixture(autouse=True)
def shallow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Deeper by little, for the sake of time."""
    monkeypatch.setattr(approximations, "DEEPER", {**approximations.DEEPER, "spliced": 4.0, "patience": 1})
    monkeypatch.setattr(approximations, "PUBLISHED", {**approximations.PUBLISHED, "max_epochs": 3})


@pytest.fixture
def trained(ready: Ready, tmp_path: Path) -> Ready:
    """A project that wants deeper rounds, with a normal one just published."""
    db, project, who = ready
    change(db, project, who["lee"], deepen=True, round_every=1000)
    scheduling.request_round(db, project, by=who["lee"], now=time.time())
    worker(db, tmp_path).tick()
    assert [r.state for r in scheduling.rounds(db, project)] == ["published"]
    return ready


def worker(db: Database, tmp_path: Path) -> loop.Worker:
    return loop.Worker(db, tmp_path / "models", stopping=lambda: False)


def run_queued(db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One job, and nothing that an idle worker would add to it."""
    monkeypatch.setattr(loop, "IDLE_POLL_S", 1e9)
    assert worker(db, tmp_path).tick()


def figures(db: Database, project: int) -> dict[int, float]:
    found = rows(
        db,
        "SELECT r.number, m.f1 FROM metrics m JOIN rounds r ON r.id = m.round_id "
        "WHERE m.model = 'student' AND m.split = 'valid' AND m.scope = 'macro'",
    )
    return {each["number"]: each["f1"] for each in found}


def test_only_an_idle_machine_deepens_and_only_where_it_is_wanted(trained: Ready) -> None:
    db, project, who = trained
    label(db, project, who["ann"], 1)
    assert look(db, project) is None, "somebody has just labelled"
    change(db, project, who["lee"], deepen=False)
    assert look(db, project, in_s=9999) is None, "nobody wants it"
    change(db, project, who["lee"], deepen=True, deepen_after_s=60)
    job_id = look(db, project, in_s=120)
    job = jobs.peek(db, job_id or 0)
    assert job is not None
    assert job.kind == scheduling.KIND, "labels that made no round due are trained on first"


def test_a_deeper_round_is_told_from_a_normal_one_and_is_not_repeated(
    trained: Ready, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    db, project, _ = trained
    monkeypatch.setattr(rounds.RoundRunner, "_is_as_good", as_good(True))
    assert look(db, project) is not None
    assert look(db, project) is None, "one at a time"
    status = scheduling.status(db, project, now=time.time())
    assert (status.state, status.deeper) == ("queued", True)
    run_queued(db, tmp_path, monkeypatch)
    newest, first = scheduling.rounds(db, project)
    assert (newest.kind, newest.state, first.kind) == ("deeper", "published", "round")
    assert (newest.config["spliced"], newest.config["patience"]) == (4.0, 1)
    assert newest.warnings[-1][0] == "DeeperTaken"
    seen = reporting.overview(db, project)
    assert seen.round is not None
    assert seen.round.number == 2
    card = reporting.student_bundle(db, project)
    assert card is not None
    assert look(db, project, in_s=9999) is None, "the present round is a deeper one"


def as_good(answer: bool):
    """What validation would say."""

    def said(self: rounds.RoundRunner, result: object) -> bool:
        self.compared = {"deeper": "0.500", "present": "0.600", "number": 1}
        return answer

    return said


def test_one_that_is_no_better_is_recorded_and_set_aside(
    trained: Ready, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    db, project, _ = trained
    before = reporting.student_bundle(db, project)
    ranking = rows(db, "SELECT document_id, rank FROM queue ORDER BY rank")
    monkeypatch.setattr(rounds.RoundRunner, "_is_as_good", as_good(False))
    look(db, project)
    run_queued(db, tmp_path, monkeypatch)
    newest = scheduling.rounds(db, project)[0]
    assert (newest.kind, newest.state, newest.number) == ("deeper", "cancelled", 2)
    assert newest.error == {
        "code": "DeeperNotBetter",
        "fields": {"deeper": "0.500", "present": "0.600", "number": 1},
    }
    assert newest.timings["teachers"] > 0
    assert set(figures(db, project)) == {1, 2}, "its figures are kept"
    assert reporting.student_bundle(db, project) == before
    assert rows(db, "SELECT document_id, rank FROM queue ORDER BY rank") == ranking
    assert len(list((tmp_path / "models").glob("*/*"))) == 1
    assert look(db, project, in_s=9999) is None, "never again for the same round"
    status = scheduling.status(db, project, now=time.time())
    assert (status.state, status.last_error) == ("idle", None)


def test_validation_macro_f1_decides(trained: Ready, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    db, project, _ = trained
    look(db, project)
    run_queued(db, tmp_path, monkeypatch)
    found = figures(db, project)
    newest = scheduling.rounds(db, project)[0]
    assert newest.state == ("published" if found[2] >= found[1] else "cancelled")


@pytest.mark.parametrize("when", ["before", "during"])
def test_a_normal_round_that_is_asked_for_goes_first(
    trained: Ready, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    db, project, who = trained
    deep = look(db, project)
    turns = {"n": 0}

    def ask() -> bool:
        turns["n"] += 1
        if turns["n"] == 3:
            scheduling.request_round(db, project, by=who["lee"], now=time.time())
        return False

    if when == "before":
        scheduling.request_round(db, project, by=who["lee"], now=time.time())
    monkeypatch.setattr(loop, "IDLE_POLL_S", 1e9)
    running = loop.Worker(db, tmp_path / "models", stopping=ask if when == "during" else lambda: False)
    assert running.tick()
    job = jobs.peek(db, deep or 0)
    assert job is not None
    assert (job.state, job.error) == ("cancelled", {"code": "GaveWay", "fields": {}})
    assert len(list((tmp_path / "models").glob("*/*"))) == 1, "the present student alone"
    status = scheduling.status(db, project, now=time.time())
    assert (status.state, status.deeper) == ("queued", False)
    assert running.tick()
    published = round_rows.last_published(db, project)
    assert published is not None
    assert published.kind == "round"
    assert look(db, project, in_s=9999) is not None, "what gave way is tried again"


def test_labels_that_come_in_between_make_a_waiting_one_stand_back(
    trained: Ready, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    db, project, who = trained
    look(db, project)
    label(db, project, who["ann"], 1)
    run_queued(db, tmp_path, monkeypatch)
    assert len(scheduling.rounds(db, project)) == 1
    assert value(db, "SELECT json_extract(error, '$.code') FROM jobs ORDER BY id DESC LIMIT 1") == "GaveWay"


def test_a_lead_who_stops_one_is_not_asked_again(trained: Ready) -> None:
    db, project, who = trained
    job_id = look(db, project)
    scheduling.cancel(db, job_id or 0, by=who["lee"], now=time.time())
    assert look(db, project, in_s=9999) is None


def test_a_worker_deepens_by_itself(trained: Ready, tmp_path: Path) -> None:
    db, project, _ = trained
    idle = worker(db, tmp_path)
    assert not idle.tick(), "it looks for work"
    assert idle.tick(), "and does it"
    assert scheduling.rounds(db, project)[0].kind == "deeper"
    assert not idle.tick()


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ModelUnavailable(name="ckip", why="pip install -r requirements-ckip.txt"), "ModelUnavailable"),
        (BadFile(name="mine.bin", why="missing"), "BadFile"),
        (TrainingDiverged(lr=1.0), "TrainingDiverged"),
    ],
)
def test_a_round_that_cannot_be_trained_says_what_to_do_and_the_one_before_stays(
    trained: Ready, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, code: str
) -> None:
    db, project, who = trained

    def fails(*given: object, **more: object):
        raise error
        yield

    monkeypatch.setattr(rounds, "run_round", fails)
    scheduling.request_round(db, project, by=who["lee"], now=time.time())
    run_queued(db, tmp_path, monkeypatch)
    failed, before = scheduling.rounds(db, project)
    assert failed.error is not None
    assert (failed.state, failed.error["code"], before.state) == ("failed", code, "published")
    status = scheduling.status(db, project, now=time.time())
    assert status.last_error is not None
    assert status.last_error[0] == code
    assert status.last_published is not None
    assert status.last_published.number == 1
    assert reporting.student_bundle(db, project) is not None


def test_a_vectors_file_that_has_gone_fails_the_round_and_is_named(
    ready: Ready, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    db, project, who = ready
    file = tmp_path / "mine.txt"
    file.write_text("1 8\n血 1 2 3 4 5 6 7 8\n", encoding="utf-8")
    config = curating.project(db, project).settings.round
    change(db, project, who["lee"], round=replace(config, vectors_file=str(file)))
    file.unlink()
    scheduling.request_round(db, project, by=who["lee"], now=time.time())
    run_queued(db, tmp_path, monkeypatch)
    failed = scheduling.rounds(db, project)[0]
    assert failed.error is not None
    assert (failed.state, failed.error["code"]) == ("failed", "BadFile")
    assert "mine.txt" in (say("BadFile", failed.error["fields"], "en") or "")
    assert not list((tmp_path / "models").glob("*/*"))


def test_a_config_is_stored_with_its_round(trained: Ready) -> None:
    db, project, _ = trained
    (only,) = scheduling.rounds(db, project)
    told = curating.project(db, project)
    config = told.settings.round.settled(len(told.label_set))
    assert config.label_model == "flat", "what auto has come to is stored, not that it was left open"
    assert only.config == json.loads(config.to_json())
    assert RoundConfig.from_mapping(only.config) == config
