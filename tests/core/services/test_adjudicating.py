"""Adjudication: the worst disagreements first, settled once, taken back whole."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from sqlite_utils import Database

from core.errors import ChangedMeanwhile, NoLabels, NotAllowed, Settled, UnknownLabel
from core.services import adjudicating, agreeing, annotating, reviewing
from db.connect import rows, value
from db.errors import NotFound
from tests.conftest import NOW, make_project
from tests.core.services.test_settling import decide
from tests.flows.test_click import fill, save

A, B, AB, C = (frozenset(each) for each in ("a", "b", "ab", "c"))


@pytest.fixture
def two(db: Database, people: dict[str, int], tmp_path: Path) -> int:
    """Four texts for two: 1 agreed, 2 apart by one label, 3 wholly apart, 4 flagged by ann."""
    project = make_project(db, key="two", overlap=2)
    fill(db, project, tmp_path, n=4)
    for name, sets in (("ann", ("k0", "k0", "k0")), ("bob", ("k0", "k0 k1", "k1"))):
        for document, labels in enumerate(sets, start=1):
            decide(db, project, people[name], document, *labels.split())
    held = annotating.next_texts(db, project, people["ann"], n=4, now=NOW)
    assert [each.id for each in held] == [4]
    flag = {**save("flag", 4, "k2", decision="flagged"), "comment": "不完整"}
    assert annotating.apply(db, project, people["ann"], [flag], now=NOW).acked
    return project


def ids(db: Database, project: int, by: int, **how: object) -> list[int]:
    return [each.document_id for each in adjudicating.docket(db, project, by=by, **how).cases]  # type: ignore[arg-type]


def test_disagreements_come_worst_first_and_agreement_not_at_all(db, two, people) -> None:
    found = adjudicating.docket(db, two, by=people["rae"])
    assert [(each.document_id, round(each.distance, 3)) for each in found.cases] == [(3, 1.0), (2, 0.667)]
    assert (found.n, found.counts) == (2, {"open": 2, "flagged": 1, "settled": 0})
    assert {(each.who, each.labels) for each in found.cases[1].choices} == {("ann", ("k0",)), ("bob", ("k0", "k1"))}


def test_a_label_filters_and_a_flag_comes_with_its_reason(db, two, people) -> None:
    assert ids(db, two, people["rae"], label="k1") == [3, 2]
    assert ids(db, two, people["rae"], label="k2") == []
    case = adjudicating.docket(db, two, by=people["rae"], kind="flagged").cases[0]
    assert (case.document_id, case.choices[0].comment, case.choices[0].labels) == (4, "不完整", ("k2",))


def test_severity_rises_with_distance_people_and_rarity() -> None:
    usual = Counter(a=50, b=50, c=1)
    assert adjudicating.severity([A, B], usual) > adjudicating.severity([A, AB], usual)
    assert adjudicating.severity([A, A, B, B], usual) > adjudicating.severity([A, A, B], usual)
    assert adjudicating.severity([A, C], usual) > adjudicating.severity([A, B], usual)
    assert adjudicating.severity([A, A], usual) == 0


def test_settling_ends_it_leaves_every_desk_and_is_in_the_log(db, two, people) -> None:
    held = annotating.next_texts(db, two, people["bob"], n=1, now=NOW)
    assert [each.id for each in held] == [4]
    adjudicating.settle(db, two, 4, ["k1"], comment="可判", by=people["rae"], now=NOW)
    assert annotating.next_texts(db, two, people["bob"], n=4, now=NOW) == []
    assert value(db, "SELECT state FROM documents WHERE id = 4") == "done"
    assert ids(db, two, people["rae"], kind="flagged") == []
    case = adjudicating.docket(db, two, by=people["rae"], kind="settled").cases[0]
    assert case.settled == adjudicating.Settlement(labels=("k1",), comment="可判", who="rae", at=NOW)
    assert rows(db, "SELECT user_id, document_id, after FROM events WHERE kind = 'adjudicated'") == [
        {"user_id": people["rae"], "document_id": 4, "after": '{"labels": ["k1"], "comment": "可判"}'}
    ]
    with pytest.raises(Settled):
        reviewing.put_back(db, two, 4, by=people["rae"], now=NOW)


def test_sent_again_is_once_and_two_reviewers_do_not_overrule_each_other_unseen(db, two, people) -> None:
    for _ in range(2):
        adjudicating.settle(db, two, 3, ["k1"], by=people["rae"], now=NOW)
    assert value(db, "SELECT count(*) FROM events WHERE kind = 'adjudicated'") == 1
    with pytest.raises(ChangedMeanwhile) as refused:
        adjudicating.settle(db, two, 3, ["k2"], by=people["lee"], now=NOW + 1)
    assert refused.value.fields == {"who": "rae"}
    adjudicating.settle(db, two, 3, ["k2"], seen=NOW, by=people["lee"], now=NOW + 1)
    assert value(db, "SELECT labels FROM adjudications") == '["k2"]'


def test_reopening_brings_the_disagreement_back_and_keeps_what_was(db, two, people) -> None:
    adjudicating.settle(db, two, 3, ["k1"], comment="先這樣", by=people["rae"], now=NOW)
    assert ids(db, two, people["rae"]) == [2]
    adjudicating.reopen(db, two, 3, by=people["lee"], now=NOW)
    assert ids(db, two, people["rae"]) == [3, 2]
    assert value(db, "SELECT before FROM events WHERE kind = 'adjudication_reopened'") == (
        '{"labels": ["k1"], "comment": "先這樣", "who": "rae"}'
    )
    with pytest.raises(NotFound):
        adjudicating.reopen(db, two, 3, by=people["lee"], now=NOW)


def test_what_is_refused_writes_nothing(db, two, people, tmp_path: Path) -> None:
    other = make_project(db, key="other")
    fill(db, other, tmp_path, n=1)
    untouched = int(value(db, "SELECT max(id) FROM documents"))
    for project, document, labels, by, error in (
        (two, 3, ["k1"], "ann", NotAllowed),
        (two, 3, [], "rae", NoLabels),
        (two, 3, ["kX"], "rae", UnknownLabel),
        (other, 3, ["k1"], "rae", NotFound),
        (other, untouched, ["k1"], "rae", NotFound),
    ):
        with pytest.raises(error):
            adjudicating.settle(db, project, document, labels, by=people[by], now=NOW)
    assert value(db, "SELECT count(*) FROM adjudications") == 0
    with pytest.raises(NotAllowed):
        adjudicating.docket(db, two, by=people["ann"])


def test_agreement_before_and_after(db, two, people) -> None:
    before = agreeing.agreement(db, two, by=people["rae"])
    # k1: texts 00, 01, 01. 2 unlike texts of 3; ones 2, noughts 4 of 6: alpha = 1 - 5·2 / (2·4)
    assert (before.n, before.settled, before.labels[1].before) == (3, 0, pytest.approx(1 - 10 / 8))
    assert (before.before, [each.before for each in before.labels]) == (
        before.after,
        [each.after for each in before.labels],
    )
    for document in (2, 3):
        adjudicating.settle(db, two, document, ["k1"], by=people["rae"], now=NOW)
    after = agreeing.agreement(db, two, by=people["rae"])
    assert (after.settled, after.after, after.labels[1].after) == (2, 1.0, 1.0)
    assert after.before == before.before < 1
    assert after.labels[2].before is None, "nobody chose it: nothing can be said"
    assert [(each.names, each.n) for each in after.pairs] == [(("ann", "bob"), 3)]
    # ann k0: 111, bob: 110 → by chance 1·2/3, seen 2/3: kappa 0. ann k1: 000, bob 011 → 0 as well.
    assert after.pairs[0].kappa == (pytest.approx(0), pytest.approx(0), None)
    with pytest.raises(NotAllowed):
        agreeing.agreement(db, two, by=people["ann"])
