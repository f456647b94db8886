"""A label set that changes while a student of the old one is there, or just being trained. Real training, small."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from sqlite_utils import Database

from core.services import annotating, labelling, projects, reporting, scheduling
from core.worker import loop
from core.worker.fast_lane import FastLanes
from core.worker.rounds import LabelsChanged
from db import rounds
from db.connect import row, value, writing
from tests.conftest import NOW
from tests.flows.test_round import claimed, runner

LEE = "lee"


def test_a_student_of_other_labels_is_outdated_and_a_round_becomes_due(
    ready: tuple[Database, int, dict[str, int]],
) -> None:
    db, project_id, people = ready
    before = projects.project(db, project_id)
    assert not scheduling.is_outdated(db, before)
    labelling.retire(db, project_id, "k0", by=people[LEE], now=NOW)
    assert scheduling.status(db, project_id, now=NOW).state == "idle"  # without a student nothing is due
    labelling.bring_back(db, project_id, "k0", by=people[LEE], now=NOW)
    with writing(db):
        job = scheduling._enqueue(db, project_id, by=None, now=NOW)
        round_id, _ = rounds.begin(db, project_id, job, snapshot_annotation=0, config="{}", code_version="t", now=NOW)
        rounds.set_current_model(
            db, project_id, round_id, kind="student", path="p", sha256="s", thresholds={}, now=NOW,
            fingerprint=before.label_set.fingerprint,
        )  # fmt: skip
        db.conn.execute("UPDATE jobs SET state = 'done'")
        rounds.set_fast_lane(db, project_id, annotation_id=9, n_labelled=9, seconds=1, now=NOW)
    labelling.edit(db, project_id, "k0", {"zh": "新名"}, by=people[LEE], now=NOW)
    assert not scheduling.is_outdated(db, projects.project(db, project_id))
    labelling.merge(db, project_id, "k0", "k1", by=people[LEE], now=NOW)
    assert scheduling.is_outdated(db, projects.project(db, project_id))
    assert scheduling.status(db, project_id, now=NOW).state == "queued"
    assert rounds.fast_lane(db, project_id) is None


def test_a_round_for_labels_that_are_no_more_starts_over_and_publishes_the_new_set(ready, tmp_path: Path) -> None:
    db, project_id, people = ready
    scheduling.request_round(db, project_id, by=people[LEE], now=time.time())
    turns = {"n": 0}

    def merge_in_the_middle() -> bool:
        turns["n"] += 1
        if turns["n"] == 4:
            labelling.merge(db, project_id, "k0", "k1", by=people[LEE], now=time.time())
        return False

    worker = loop.Worker(db, tmp_path / "models", stopping=merge_in_the_middle)
    assert worker.tick()
    assert value(db, "SELECT count(*) FROM models") == 0
    assert row(db, "SELECT state, attempts FROM jobs") == {"state": "queued", "attempts": 0}
    assert not list((tmp_path / "models").rglob("student.*"))
    assert worker.tick()
    model = rounds.current_model(db, project_id, "student")
    assert model is not None
    assert set(model["thresholds"]) == {"k1", "k2"}
    assert not scheduling.is_outdated(db, projects.project(db, project_id))
    assert [each.number for each in rounds.all_rounds(db, project_id)] == [1]
    scopes = {m.scope for m in reporting.overview(db, project_id).metrics}
    assert {"k1", "k2", "macro"} <= scopes
    assert "k0" not in scopes


def test_labels_that_change_between_training_and_publication_publish_nothing(
    ready, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    db, project_id, people = ready
    running = runner(db, claimed(db, project_id, people[LEE]), tmp_path)
    bundle = running._bundle

    def and_a_label_is_added(*args) -> None:
        bundle(*args)
        labelling.add(db, project_id, {"zh": "丁"}, by=people[LEE], now=time.time())

    monkeypatch.setattr(running, "_bundle", and_a_label_is_added)
    with pytest.raises(LabelsChanged):
        running.run()
    assert rounds.current_model(db, project_id, "student") is None
    assert not [each for each in (tmp_path / "models").rglob("*") if each.is_file()]


def test_suggestions_of_another_label_set_are_not_shown_and_the_queue_is_ranked_anew(ready, tmp_path: Path) -> None:
    db, project_id, people = ready
    runner(db, claimed(db, project_id, people[LEE]), tmp_path).run()
    project = projects.project(db, project_id)
    text = annotating.next_texts(db, project_id, people["ann"], n=1, now=time.time())[0]
    assert annotating.suggested(db, project, text.id) is not None
    labelling.retire(db, project_id, "k2", by=people[LEE], now=time.time())
    assert annotating.suggested(db, projects.project(db, project_id), text.id) is None
    assert scheduling.status(db, project_id, now=time.time()).state == "queued"
    with writing(db):
        db.conn.execute("UPDATE jobs SET state = 'cancelled' WHERE state = 'queued'")
    loop.Worker(db, tmp_path / "models", stopping=lambda: False).tick()
    reasons = {each.reason["label"] for each in reporting.overview(db, project_id).queue_head}
    assert reasons <= {"k0", "k1"}
    labelling.bring_back(db, project_id, "k2", by=people[LEE], now=time.time())
    assert annotating.suggested(db, projects.project(db, project_id), text.id) is not None  # its own set again


def test_a_ranking_that_labels_have_overtaken_is_not_kept(ready, monkeypatch: pytest.MonkeyPatch) -> None:
    db, project_id, people = ready
    lanes = FastLanes()
    state = lanes._state

    def and_a_label_goes(*given):
        found = state(*given)
        if "k2" in projects.project(db, project_id).label_set.keys:
            labelling.retire(db, project_id, "k2", by=people[LEE], now=NOW)
        return found

    monkeypatch.setattr(lanes, "_state", and_a_label_goes)
    assert lanes.tick(db) == 0
    assert rounds.queue_head(db, project_id, n=1) == []
    assert lanes.tick(db) == 1
    assert {each["reason"]["label"] for each in rounds.queue_head(db, project_id, n=99)} <= {"k0", "k1"}
