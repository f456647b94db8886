"""The worker's list of doubted labels: planted mistakes come first, and it is made when it is due and not otherwise."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
import pytest
from sqlite_utils import Database

from core.services import adjudicating, annotating, curating, doubting, scheduling, settling
from core.services.curating import ImportOptions
from core.steps import drained
from core.worker import doubting as work
from core.worker import loop
from db import doubts, events
from db import rounds as round_rows
from db.connect import rows, value, writing
from tests.conftest import LABELS, NOW, make_project
from tests.flows.conftest import corpus

N_POOL, N_GOLD = 120, 60


@pytest.fixture
def mistaken(db: Database, people: dict[str, int], tmp_path: Path) -> tuple[Database, int, dict[int, str]]:
    """Labelled pool and gold texts, in each of which three labels are wrong: document → label."""
    project = make_project(db, round_min_labels=20, round_every=10_000)
    found = [{**r, "split": "train"} for r in corpus(N_POOL, 1)] + [{**r, "split": "gold"} for r in corpus(N_GOLD, 2)]
    wrong = {}
    for n in (3, 40, 77, N_POOL + 5, N_POOL + 20, N_POOL + 33):
        name = next(each for each in LABELS if each not in found[n]["labels"] or len(found[n]["labels"]) > 1)
        found[n]["labels"] = sorted({name} ^ set(found[n]["labels"]))
        wrong[found[n]["text"]] = name
    file = tmp_path / "c.jsonl"
    file.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in found), encoding="utf-8")
    curating.run_import(db, project, file, options=ImportOptions(), by=None, now=NOW)
    names = {label: f"k{n}" for n, label in enumerate(LABELS)}
    ids = {each["text"]: each["id"] for each in rows(db, "SELECT id, text FROM documents")}
    return db, project, {ids[text]: names[label] for text, label in wrong.items()}


def worked_off(db: Database, worker: work.Doubting) -> int:
    """Ticks until nothing is left to do."""
    n = 0
    worker._looked = -work.POLL_S
    while worker.tick(db):
        n += 1
    return n


def cells(db: Database, project: int) -> list[tuple[int, str]]:
    return [(each["document_id"], each["label"]) for each in doubts.waiting(db, project)]


def test_planted_mistakes_stand_first_and_no_label_is_changed(mistaken, people) -> None:
    db, project, wrong = mistaken
    before = {role: settling.label_sets(db, project, role) for role in ("pool", "gold")}
    assert worked_off(db, work.Doubting()) > 0
    found = doubting.to_read(db, project, by=people["rae"], n=500)
    assert len(set(wrong.items()) & {(each.document_id, each.label) for each in found.doubts[:8]}) >= 5
    assert {each.gold for each in found.doubts[:8]} == {True, False}
    assert {each.given for each in found.doubts} == {True, False}
    assert 6 < found.n <= work.SHARE * (N_POOL + N_GOLD) * 3
    assert {each.source for each in found.doubts} == {"linear"}
    assert (found.texts, found.note, found.unjudged) == (N_POOL + N_GOLD, "", ())
    assert {role: settling.label_sets(db, project, role) for role in ("pool", "gold")} == before


def test_a_list_is_due_after_so_many_changes_and_not_before(mistaken, people) -> None:
    db, project, _ = mistaken
    worker = work.Doubting()
    assert worked_off(db, worker)
    assert worked_off(db, worker) == 0
    shown = doubting.to_read(db, project, by=people["rae"], n=work.EVERY).doubts
    texts = list(dict.fromkeys(each.document_id for each in shown))[: work.EVERY]
    others = [each.document_id for each in settling.label_sets(db, project, "pool") if each.document_id not in texts]
    for n, document_id in enumerate([*texts, *others][: work.EVERY]):
        assert worked_off(db, worker) == 0, n
        adjudicating.settle(db, project, document_id, ["k0"], by=people["rae"], now=NOW + n)
    assert worked_off(db, worker) > 0
    assert len(events.recent(db, project, [doubting.LIST_MADE], n=9)) == 2


def test_what_a_person_found_right_takes_no_place_in_the_next_list(mistaken, people) -> None:
    db, project, _ = mistaken
    drained(work.make(db, project))
    first = cells(db, project)
    one = doubting.to_read(db, project, by=people["rae"]).doubts[0]
    doubting.keep(db, project, one.document_id, one.label, given=one.given, by=people["rae"], now=NOW)
    drained(work.make(db, project))
    assert rows(db, "SELECT 1 FROM doubts WHERE document_id = :d AND label = :k", d=one.document_id, k=one.label) == []
    assert cells(db, project)[: len(first) - 1] == first[1:]


def test_a_job_ends_a_list_in_the_making_and_nothing_is_written(mistaken, people, tmp_path: Path) -> None:
    db, project, _ = mistaken
    worker = work.Doubting()
    worker._steps = worker._begin(db)
    assert worker._steps is not None
    for _ in range(5):
        next(worker._steps)
    worker.drop()
    assert worker._steps is None
    assert (cells(db, project), doubting.last_list(db, project)) == ([], None)
    assert work.is_due(db, project)
    stopped = work.Doubting(stopping=lambda: True)
    assert stopped.tick(db)
    assert doubting.last_list(db, project) is None, "a worker that is to stop does no more of it"


def test_few_texts_give_no_list_and_too_many_say_so(db, people, tmp_path, monkeypatch, mistaken) -> None:
    _, project, _ = mistaken
    empty = make_project(db, key="empty")
    assert not work.is_due(db, empty)
    drained(work.make(db, empty))
    assert doubting.to_read(db, empty, by=people["rae"]).note == "too_few"
    drained(work.make(db, project))
    assert cells(db, project)
    monkeypatch.setattr(work, "MOST_TEXTS", 50)
    drained(work.make(db, project))
    assert doubting.to_read(db, project, by=people["rae"]).note == "too_many"
    assert cells(db, project) == []


def test_a_failure_is_told_once_for_the_same_labels_and_a_list_of_other_labels_is_not_kept(
    mistaken, people, monkeypatch
) -> None:
    db, project, _ = mistaken
    with monkeypatch.context() as broken:
        broken.setattr(work, "FastLane", lambda texts: 1 / 0)
        worker = work.Doubting()
        with pytest.raises(ZeroDivisionError):
            worked_off(db, worker)
    assert worked_off(db, worker) == 0
    assert worked_off(db, work.Doubting()) > 0
    steps = work.make(db, project)
    next(steps)
    with writing(db):
        db.conn.execute("UPDATE labels SET retired_at = 1 WHERE project_id = ? AND key = 'k2'", (project,))
    n = value(db, "SELECT count(*) FROM events WHERE kind = :k", k=doubting.LIST_MADE)
    drained(steps)
    assert value(db, "SELECT count(*) FROM events WHERE kind = :k", k=doubting.LIST_MADE) == n


def test_a_round_makes_a_list_due_and_its_models_have_a_say_on_what_they_had_not_learned(ready, tmp_path) -> None:
    db, project, who = ready
    db.conn.execute("UPDATE projects SET settings = json_set(settings, '$.round_every', 100000)")
    worker = loop.Worker(db, tmp_path / "models", stopping=lambda: False)
    scheduling.request_round(db, project, by=who["lee"], now=time.time())
    assert worker.tick()
    published = round_rows.last_published(db, project)
    assert published is not None
    fresh = [each.id for each in annotating.next_texts(db, project, who["ann"], n=30, now=time.time())]
    for document_id in fresh:
        op = {"uid": f"u{document_id}", "kind": "save", "document": document_id, "decision": "labelled"}
        annotating.apply(db, project, who["ann"], [{**op, "labels": ["k0"], "ms": 1}], now=time.time())
    assert len(fresh) == 30
    seen = work._look(db, project)
    gold = {each.document_id for each in settling.label_sets(db, project, "gold")}
    said = {seen.texts[n].document_id for n in seen.opinions["student"]}
    assert said == gold | set(fresh)
    assert all(np.isfinite(row).all() and row.shape == (3,) for row in seen.opinions["student"].values())
    assert "teacher" not in seen.opinions, "twenty texts are too few to set one scale by another"
    before = doubting.last_list(db, project)
    worker.doubting._looked = -work.POLL_S
    while not (made := doubting.last_list(db, project)) or made == before:
        worker.tick()
    assert (made["round"], made["texts"]) == (published.id, 90)
    sources = {each["document_id"]: each["source"] for each in doubts.waiting(db, project)}
    assert set(sources.values()) <= {"linear", "linear+student"}
    assert all((source == "linear+student") == (d in said) for d, source in sources.items())
