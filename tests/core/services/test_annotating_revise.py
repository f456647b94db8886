"""Changing an old decision: a new version of it, until a reviewer has settled the text."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlite_utils import Database

from core.services import adjudicating, annotating
from db.connect import rows, value
from tests.conftest import NOW, make_project
from tests.core.services.test_settling import decide
from tests.flows.test_click import fill, save


def revise(uid: str, document: int, *labels: str, decision: str = "labelled", comment: str = "") -> dict:
    return {**save(uid, document, *labels, decision=decision), "kind": "revise", "comment": comment}


def do(db: Database, project: int, user: int, *ops: dict, now: float = NOW) -> list[str]:
    """The codes of what was refused."""
    return [each.code for each in annotating.apply(db, project, user, list(ops), now=now).refused]


@pytest.fixture
def ann(db: Database, project_id: int, people: dict[str, int], tmp_path: Path) -> int:
    fill(db, project_id, tmp_path, n=3)
    decide(db, project_id, people["ann"], 1, "k0")
    return people["ann"]


def test_a_revision_is_a_new_version_and_the_old_one_stays(db, project_id, ann) -> None:
    assert do(db, project_id, ann, revise("r1", 1, "k1", "k2", comment="想過了")) == []
    log = rows(db, "SELECT id, labels, supersedes, comment FROM annotations ORDER BY id")
    assert [(each["labels"], each["comment"]) for each in log] == [('["k0"]', ""), ('["k1", "k2"]', "想過了")]
    assert log[1]["supersedes"] == log[0]["id"]
    assert rows(db, "SELECT annotation_id, labels FROM current_annotations") == [
        {"annotation_id": log[1]["id"], "labels": '["k1", "k2"]'}
    ]
    assert value(db, "SELECT before || after FROM events WHERE kind = 'revised'") == '["k0"]["k1", "k2"]'


def test_sent_again_it_is_one_version_and_does_not_undo_a_later_one(db, project_id, ann) -> None:
    ops = [revise("r1", 1, "k1"), revise("r2", 1, "k2")]
    assert do(db, project_id, ann, *ops, *ops, ops[0]) == []
    assert value(db, "SELECT count(*) FROM annotations") == 3
    assert value(db, "SELECT labels FROM current_annotations") == '["k2"]'


def test_only_my_own_present_decision_can_be_changed(db, project_id, people, ann) -> None:
    assert do(db, project_id, people["bob"], revise("b1", 1, "k1")) == ["NotFound"]
    assert do(db, project_id, ann, revise("a1", 2, "k1"), revise("a2", 99, "k1")) == ["NotFound", "NotFound"]
    assert do(db, project_id, ann, {"uid": "u", "kind": "undo", "target": f"{ann}-1"}) == []
    assert do(db, project_id, ann, revise("a3", 1, "k1")) == ["NotFound"], "it is on the desk, to be saved"
    assert value(db, "SELECT count(*) FROM current_annotations") == 0


def test_what_is_wrong_with_it_is_said_and_changes_nothing(db, project_id, ann) -> None:
    wrong = [revise("a", 1), revise("b", 1, "kX"), {**revise("c", 1, "k1"), "decision": "undone"}]
    assert do(db, project_id, ann, *wrong) == ["NoLabels", "UnknownLabel", "BadOp"]
    assert value(db, "SELECT labels FROM current_annotations") == '["k0"]'


def test_a_settled_text_can_neither_be_changed_nor_taken_back(db, project_id, people, ann) -> None:
    adjudicating.settle(db, project_id, 1, ["k2"], by=people["rae"], now=NOW)
    undo = {"uid": "u", "kind": "undo", "target": f"{ann}-1"}
    assert do(db, project_id, ann, revise("r1", 1, "k1"), undo) == ["Settled", "Settled"]
    adjudicating.reopen(db, project_id, 1, by=people["rae"], now=NOW)
    assert do(db, project_id, ann, revise("r2", 1, "k1")) == []


def test_a_decision_that_becomes_a_skip_lets_the_text_go_on(db, project_id, people, ann) -> None:
    assert do(db, project_id, ann, revise("r1", 1, decision="skipped")) == []
    assert value(db, "SELECT state FROM documents WHERE id = 1") == "open"
    assert annotating.next_texts(db, project_id, people["bob"], n=1, now=NOW)[0].id == 1


def test_a_skip_becomes_a_decision_unless_a_colleague_has_the_text(db, project_id, people, ann) -> None:
    decide(db, project_id, ann, 2, decision="skipped")
    decide(db, project_id, ann, 3, decision="skipped")
    held = annotating.next_texts(db, project_id, people["bob"], n=1, now=NOW)
    other = 5 - held[0].id
    assert do(db, project_id, ann, revise("r1", held[0].id, "k1")) == ["TakenMeanwhile"]
    assert do(db, project_id, ann, revise("r2", other, "k1")) == []
    assert value(db, f"SELECT state FROM documents WHERE id = {other}") == "done"


def test_changing_yesterdays_work_is_no_work_of_today(db, project_id, ann) -> None:
    tomorrow = NOW + 86_400
    assert do(db, project_id, ann, revise("r1", 1, "k1"), now=tomorrow) == []
    seen = annotating.progress(db, project_id, ann, now=tomorrow)
    assert (seen.today, seen.total) == (0, 1)
    assert annotating.progress(db, project_id, ann, now=NOW).today == 1


def test_what_i_have_done_does_not_wait_for_me_while_it_waits_for_others(db, people, tmp_path: Path) -> None:
    project = make_project(db, key="two", overlap=2)
    fill(db, project, tmp_path, n=3)
    decide(db, project, people["ann"], 1, "k0")
    assert annotating.progress(db, project, people["ann"], now=NOW).waiting == 2
    assert annotating.progress(db, project, people["bob"], now=NOW).waiting == 3
