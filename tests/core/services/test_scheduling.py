"""When a round is due: decisions and settlements count alike, each once."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest
from sqlite_utils import Database

from core.messages import say
from core.services import adjudicating, curating, scheduling
from core.services.curating import ImportOptions
from core.worker import loop
from db import annotations as annotation_rows
from db import jobs
from tests.conftest import NOW, make_project
from tests.core.services.test_settling import decide
from tests.flows.test_click import fill

POOL, GOLD = tuple(range(1, 13)), (13, 14)


@pytest.fixture
def trainable(db: Database, people: dict[str, int], tmp_path: Path) -> int:
    """Twelve labelled pool texts (1 to 12) and two labelled gold texts; a round is due after three changes."""
    project = make_project(db, round_min_labels=10, round_every=3)
    lines = [{"text": f"第{n}段", "labels": ["甲"], "split": "train" if n in POOL else "gold"} for n in (*POOL, *GOLD)]
    file = tmp_path / "labelled.jsonl"
    file.write_text("".join(json.dumps(each, ensure_ascii=False) + "\n" for each in lines), encoding="utf-8")
    curating.run_import(db, project, file, options=ImportOptions(), by=None, now=NOW)
    looked(db, project)
    return project


def looked(db: Database, project: int) -> int:
    """A round that looked at everything and was cancelled; the mark up to which it looked."""
    mark = annotation_rows.latest_id(db, project)
    job = jobs.enqueue(db, project, "round", dedupe_key=f"{mark}", payload={"annotation": mark}, by=None, now=NOW)
    jobs.request_cancel(db, job, now=NOW)
    return mark


def settle(db: Database, project: int, document: int, by: int, label: str = "k1") -> None:
    adjudicating.settle(db, project, document, [label], by=by, now=NOW)


def test_settling_makes_a_round_due_as_labelling_does(db, trainable, people) -> None:
    settle(db, trainable, 1, people["rae"])
    settle(db, trainable, 2, people["rae"])
    assert jobs.live(db, trainable, "round") is None
    settle(db, trainable, 3, people["rae"])
    assert jobs.live(db, trainable, "round") is not None


def test_reopening_counts_and_gold_and_replays_do_not(db, trainable, people) -> None:
    settle(db, trainable, 1, people["rae"])
    settle(db, trainable, 1, people["rae"])
    for document in GOLD:
        settle(db, trainable, document, people["rae"])
    adjudicating.reopen(db, trainable, 1, by=people["rae"], now=NOW)
    assert jobs.live(db, trainable, "round") is None
    adjudicating.settle(db, trainable, 1, ["k2"], by=people["rae"], now=NOW)
    assert jobs.live(db, trainable, "round") is not None


def test_decisions_and_settlements_stand_on_one_line(db, trainable, people, tmp_path: Path) -> None:
    mark = annotation_rows.latest_id(db, trainable)
    settle(db, trainable, 1, people["rae"])
    assert annotation_rows.n_labelled_since(db, trainable, mark) == 1
    mark = looked(db, trainable)
    assert annotation_rows.n_labelled_since(db, trainable, mark) == 0, "what a round has seen is not new to it"
    fill(db, trainable, tmp_path, n=1)
    decide(db, trainable, people["ann"], 15, "k0")
    settle(db, trainable, 15, people["rae"])
    assert annotation_rows.n_labelled_since(db, trainable, mark) == 2
    assert annotation_rows.latest_id(db, trainable) == mark + 2
    assert annotation_rows.n_labelled_since(db, trainable, mark, most=1) == 2, "one of each kind"


def test_another_projects_changes_do_not_count(db, trainable, people) -> None:
    other = make_project(db, key="other")
    settle(db, trainable, 1, people["rae"])
    assert annotation_rows.n_labelled_since(db, other, 0) == 0
    assert annotation_rows.latest_id(db, other) == 0
    assert scheduling.readiness(db, trainable).since_last == 1


def test_outside_its_hours_no_round_begins_by_itself_and_a_lead_still_starts_one(db, trainable, people) -> None:
    settings = curating.project(db, trainable).settings
    by_day = replace(settings, round_hours="08:00-20:00")  # NOW is 21:33 in UTC+8
    curating.update_settings(db, trainable, by_day, by=people["lee"], now=NOW)
    for document in (1, 2, 3):
        settle(db, trainable, document, people["rae"])
    assert jobs.live(db, trainable, "round") is None
    assert scheduling.readiness(db, trainable).hours == "08:00-20:00"
    job = scheduling.request_round(db, trainable, by=people["lee"], now=NOW)
    scheduling.cancel(db, job, by=people["lee"], now=NOW)


def test_what_became_due_before_its_hours_begins_with_them(db, trainable, people, tmp_path) -> None:
    settings = curating.project(db, trainable).settings
    closed, opened = (hours_around(time.time(), inside=one) for one in (False, True))
    curating.update_settings(db, trainable, replace(settings, round_hours=closed), by=people["lee"], now=NOW)
    for document in (1, 2, 3):
        adjudicating.settle(db, trainable, document, ["k1"], by=people["rae"], now=time.time())
    worker = loop.Worker(db, tmp_path / "models", stopping=lambda: False)
    assert not worker.tick()
    assert jobs.live(db, trainable, "round") is None
    curating.update_settings(db, trainable, replace(settings, round_hours=opened), by=people["lee"], now=NOW)
    worker = loop.Worker(db, tmp_path / "models", stopping=lambda: False)
    assert not worker.tick(), "it looks for work"
    assert jobs.live(db, trainable, "round") is not None


def hours_around(now: float, *, inside: bool) -> str:
    """Six hours with that moment in their middle, or six that begin three hours after it."""
    start = (int(now // 3600) + 8 + (-3 if inside else 3)) % 24
    return f"{start:02d}:00-{(start + 6) % 24:02d}:00"


def test_labels_that_nobody_has_given_are_named_up_to_ten_for_either_reader(db, people) -> None:
    few = make_project(db, key="few", labels=("甲", "乙"))
    [(code, fields)] = scheduling.readiness(db, few).warnings
    assert "甲、乙。" in (say(code, fields, "zh") or "")
    assert "label 0, label 1." in (say(code, fields, "en") or "")
    many = make_project(db, key="many", labels=tuple(f"第{n}類" for n in range(1200)))
    [(code, fields)] = scheduling.readiness(db, many).warnings
    said = say(code, fields, "zh") or ""
    assert "第9類 … (1,200)" in said
    assert "第10類" not in said
    assert "label 9 … (1,200)" in (say(code, fields, "en") or "")
