"""What a text counts as: adjudicated, else by the project's rule, in today's labels."""

from __future__ import annotations

import dataclasses
import itertools
import json
from pathlib import Path

import pytest
from sqlite_utils import Database

from core.errors import ChangedMeanwhile, NotAllowed
from core.labels import UNSETTLED, settle
from core.services import adjudicating, agreeing, annotating, curating, looking_back, projects, settling
from db.connect import rows, value
from db.errors import NotFound
from tests.conftest import NOW, make_project
from tests.flows.test_click import fill, save


def decide(db: Database, project: int, user: int, document: int, *labels: str, decision: str = "labelled") -> None:
    """That person's decision on that text, which they must be able to get."""
    held = {each.id for each in annotating.next_texts(db, project, user, n=50, now=NOW)}
    assert document in held
    op = save(f"{user}-{document}", document, *labels, decision=decision)
    result = annotating.apply(db, project, user, [op], now=NOW)
    assert not result.refused


def counted(db: Database, project: int) -> dict[int, set[str]]:
    return {each.document_id: set(each.labels) for each in settling.label_sets(db, project, "pool")}


A, B, AB = frozenset("a"), frozenset("b"), frozenset("ab")


@pytest.mark.parametrize(
    ("sets", "majority", "union", "leave_out"),
    [
        ([A], A, A, A),
        ([A, A], A, A, A),
        ([A, AB], A, AB, None),
        ([A, B], None, AB, None),
        ([A, B, A], A, AB, None),
        ([AB, AB, B], AB, AB, None),
    ],
)
def test_the_three_rules(sets, majority, union, leave_out) -> None:
    assert [settle(sets, rule) or None for rule in UNSETTLED] == [majority, union, leave_out]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [("majority", {1: {"k0"}}), ("union", {1: {"k0", "k1"}, 2: {"k0", "k1"}}), ("leave_out", {})],
)
def test_a_project_counts_unsettled_texts_by_its_rule(db, people, tmp_path: Path, rule, expected) -> None:
    project = make_project(db, overlap=2, unsettled=rule)
    fill(db, project, tmp_path, n=2)
    for name, first, second in (("ann", ["k0"], ["k0"]), ("bob", ["k0", "k1"], ["k1"])):
        decide(db, project, people[name], 1, *first)
        decide(db, project, people[name], 2, *second)
    assert counted(db, project) == expected


def test_what_is_settled_goes_before_any_rule_also_where_nobody_has_labelled(db, people, tmp_path: Path) -> None:
    project = make_project(db, overlap=2)
    fill(db, project, tmp_path, n=2)
    decide(db, project, people["ann"], 1, "k0")
    decide(db, project, people["bob"], 1, "k0")
    decide(db, project, people["ann"], 2, decision="flagged")
    for document, label in ((1, "k2"), (2, "k1")):
        adjudicating.settle(db, project, document, [label], by=people["rae"], now=NOW)
    assert counted(db, project) == {1: {"k2"}, 2: {"k1"}}


def test_export_has_the_settled_labels(db, project_id, people, tmp_path: Path) -> None:
    fill(db, project_id, tmp_path, n=1)
    decide(db, project_id, people["ann"], 1, "k0")
    adjudicating.settle(db, project_id, 1, ["k1", "k2"], by=people["rae"], now=NOW)
    lines = b"".join(curating.export_labels(db, project_id, format="jsonl", now=NOW)).decode().splitlines()
    assert [json.loads(line)["labels"] for line in lines] == [["乙", "丙"]]


def test_settings_with_a_rule_that_there_is_not_are_refused(db, project_id) -> None:
    now = projects.project(db, project_id).settings
    with pytest.raises(Exception, match="unsettled"):
        dataclasses.replace(now, unsettled="loudest")
    with pytest.raises(Exception, match="lease_max_s"):
        dataclasses.replace(now, lease_min_s=600, lease_max_s=300)


def exported(db: Database, project: int, include: str) -> list[dict]:
    found = b"".join(curating.export_labels(db, project, format="jsonl", include=include, now=NOW))
    return [json.loads(line) for line in found.decode().splitlines()]


def test_a_text_that_is_left_out_counts_nowhere_until_it_is_reopened(db, people, tmp_path: Path) -> None:
    project = make_project(db, overlap=2)
    fill(db, project, tmp_path, n=2)
    for document, name in itertools.product((1, 2), ("ann", "bob")):
        decide(db, project, people[name], document, "k0")
    adjudicating.leave_out(db, project, 1, comment="不是健康文字", by=people["rae"], now=NOW)
    assert counted(db, project) == {2: {"k0"}}
    assert agreeing.agreement(db, project, by=people["rae"]).n == 1
    assert [each["text"] for each in exported(db, project, "labelled")] == ["第1段健康文字"]
    assert [(each["labels"], each.get("left_out")) for each in exported(db, project, "all")] == [
        (None, True),
        (["甲"], None),
    ]
    assert [each.get("left_out") for each in exported(db, project, "decisions")] == [True, True, None, None]
    case = adjudicating.docket(db, project, by=people["rae"], kind="settled").cases[0]
    assert case.settled == adjudicating.Settlement(labels=(), left_out=True, comment="不是健康文字", who="rae", at=NOW)
    adjudicating.reopen(db, project, 1, by=people["rae"], now=NOW)
    assert counted(db, project) == {1: {"k0"}, 2: {"k0"}}
    log = rows(db, "SELECT before, after FROM events WHERE kind LIKE 'adjudic%' ORDER BY id")
    assert json.loads(log[0]["after"]) == {"labels": [], "comment": "不是健康文字", "left_out": True}
    assert json.loads(log[1]["before"])["left_out"] is True


def test_leaving_out_is_a_reviewers_is_once_and_overrules_nobody_unseen(db, project_id, people, tmp_path: Path) -> None:
    fill(db, project_id, tmp_path, n=2)
    decide(db, project_id, people["ann"], 1, "k0")
    with pytest.raises(NotAllowed):
        adjudicating.leave_out(db, project_id, 1, by=people["ann"], now=NOW)
    with pytest.raises(NotFound):
        adjudicating.leave_out(db, project_id, 2, by=people["rae"], now=NOW)
    for _ in range(2):
        adjudicating.leave_out(db, project_id, 1, by=people["rae"], now=NOW)
    assert value(db, "SELECT count(*) FROM settlements") == 1
    with pytest.raises(ChangedMeanwhile):
        adjudicating.settle(db, project_id, 1, ["k1"], by=people["lee"], now=NOW + 1)
    adjudicating.settle(db, project_id, 1, ["k1"], seen=NOW, by=people["lee"], now=NOW + 1)
    assert counted(db, project_id) == {1: {"k1"}}


def test_its_annotator_is_told_that_a_text_was_left_out_and_is_not_held_against_it(db, people, tmp_path: Path) -> None:
    project = make_project(db, overlap=2)
    fill(db, project, tmp_path, n=1)
    decide(db, project, people["ann"], 1, "k0")
    adjudicating.leave_out(db, project, 1, comment="太短", by=people["rae"], now=NOW)
    found = looking_back.one(db, project, people["ann"], 1)
    assert (found.past.left_out, found.past.settled, found.past.agrees, found.settled_comment) == (
        True, None, None, "太短",
    )  # fmt: skip
    assert looking_back.history(db, project, people["ann"], differs=True) == []
    assert looking_back.my_agreement(db, project, people["ann"]).n == 0
