"""Doubted labels: seen by reviewers alone, left or settled by a person, and never changed by anything else."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlite_utils import Database

from core.errors import ChangedMeanwhile, NoLabels, NotAllowed, NotMember, UnknownLabel
from core.services import accounts, adjudicating, doubting, labelling, settling
from db import doubts, events
from db.connect import rows, writing
from db.doubts import NewDoubt
from db.errors import NotFound
from tests.conftest import LABELS, NOW, PASSWORD
from tests.core.services.test_settling import decide
from tests.flows.test_click import fill


def listed(db: Database, project: int, *cells: tuple[int, str, bool], note: str = "") -> None:
    """What the worker writes when it has made a list of these, the likeliest first."""
    found = [
        NewDoubt(document_id=d, label=k, given=given, probability=0.1 if given else 0.9, score=0.9 - n / 100,
                 source="linear")
        for n, (d, k, given) in enumerate(cells)
    ]  # fmt: skip
    told = {"annotation": 1, "round": 0, "texts": 40, "n": len(found), "note": note, "unjudged": ["k2"]}
    with writing(db):
        doubts.replace(db, project, found, now=NOW)
        events.append(db, doubting.LIST_MADE, now=NOW, project_id=project, after=told)


def waiting(db: Database, project: int, by: int, **how: object) -> list[tuple[int, str]]:
    found = doubting.to_read(db, project, by=by, **how)  # type: ignore[arg-type]
    return [(each.document_id, each.label) for each in found.doubts]


@pytest.fixture
def house(db: Database, project_id: int, people: dict[str, int], tmp_path: Path) -> tuple[Database, int, int]:
    """Four texts that ann has labelled: k0, k0 and k1, k1, k0; three doubts; rae reviews."""
    fill(db, project_id, tmp_path, n=4)
    for document, labels in enumerate((["k0"], ["k0", "k1"], ["k1"], ["k0"]), start=1):
        decide(db, project_id, people["ann"], document, *labels)
    listed(db, project_id, (2, "k1", True), (1, "k1", False), (3, "k1", True))
    return db, project_id, people["rae"]


def labels_of(db: Database, project: int) -> dict[int, set[str]]:
    return {each.document_id: set(each.labels) for each in settling.label_sets(db, project, "pool")}


def test_the_list_stands_in_its_order_with_what_a_reader_wants_to_know(house) -> None:
    db, project, rae = house
    found = doubting.to_read(db, project, by=rae)
    assert [(each.document_id, each.label, each.given) for each in found.doubts] == [
        (2, "k1", True), (1, "k1", False), (3, "k1", True)
    ]  # fmt: skip
    first, second, third = found.doubts
    assert (first.labels, first.mended, second.mended, third.mended) == (("k0", "k1"), ("k0",), ("k0", "k1"), ())
    assert (first.gold, first.seen, first.probability, second.probability) == (False, None, 0.1, 0.9)
    assert "健康文字" in first.text
    assert (found.n, found.at, found.texts, found.note, found.unjudged) == (3, NOW, 40, "", ("k2",))
    assert waiting(db, project, rae, n=1) == [(2, "k1")]
    assert doubting.to_read(db, project, by=rae, n=0).n == 3
    assert waiting(db, project, rae, label="k0") == []


def test_doubts_of_one_text_stand_together(house) -> None:
    db, project, rae = house
    listed(db, project, (3, "k1", True), (2, "k1", True), (3, "k0", False), (1, "k1", False))
    assert waiting(db, project, rae) == [(3, "k1"), (3, "k0"), (2, "k1"), (1, "k1")]


def test_annotators_and_strangers_see_and_change_nothing(house, people) -> None:
    db, project, _ = house
    stranger = accounts.create_user(db, "sue", PASSWORD, "reviewer", by=None, now=NOW).id
    for who, error in ((people["ann"], NotAllowed), (stranger, NotMember)):
        with pytest.raises(error):
            doubting.to_read(db, project, by=who)
        with pytest.raises(error):
            doubting.keep(db, project, 2, "k1", given=True, by=who, now=NOW)
        with pytest.raises(error):
            doubting.change(db, project, 2, "k1", given=True, labels=["k0"], by=who, now=NOW)
    assert rows(db, "SELECT * FROM doubts_seen") == []
    assert rows(db, "SELECT * FROM adjudications") == []


def test_a_label_found_right_is_gone_from_the_list_and_stays_as_it_was(house) -> None:
    db, project, rae = house
    before = labels_of(db, project)
    for _ in range(2):  # a double click
        doubting.keep(db, project, 2, "k1", given=True, by=rae, now=NOW + 1)
    assert waiting(db, project, rae) == [(1, "k1"), (3, "k1")]
    assert labels_of(db, project) == before
    kept = events.recent(db, project, ["doubt_kept"], n=9)
    assert [(each["who"], each["after"]) for each in kept] == [("rae", {"label": "k1", "given": True})]
    listed(db, project, (2, "k1", True))
    assert waiting(db, project, rae) == [], "nor does it come back with the next list"


def test_what_was_found_right_comes_back_once_it_is_another(house) -> None:
    db, project, rae = house
    doubting.keep(db, project, 2, "k1", given=True, by=rae, now=NOW + 1)
    adjudicating.settle(db, project, 2, ["k0"], by=rae, now=NOW + 2)
    listed(db, project, (2, "k1", False))
    assert waiting(db, project, rae) == [(2, "k1")]


def test_a_change_is_a_settlement_with_its_place_in_the_log(house) -> None:
    db, project, rae = house
    for _ in range(2):  # sent again
        doubting.change(db, project, 1, "k1", given=False, labels=["k1", "k0"], by=rae, now=NOW + 5)
    assert labels_of(db, project)[1] == {"k0", "k1"}
    assert waiting(db, project, rae) == [(2, "k1"), (3, "k1")]
    settled = adjudicating.docket(db, project, by=rae, kind="settled").cases
    assert [(each.document_id, each.settled.labels) for each in settled if each.settled] == [(1, ("k0", "k1"))]
    assert len(events.recent(db, project, ["adjudicated"], n=9)) == 1
    told = events.recent(db, project, ["doubt_settled"], n=9)
    assert [(each["before"], each["after"]) for each in told] == [
        ({"label": "k1", "given": False}, {"labels": ["k0", "k1"]})
    ]
    listed(db, project, (1, "k1", True))
    assert waiting(db, project, rae) == [], "somebody has just decided on it"


def test_settling_with_other_labels_ends_the_doubt_too(house) -> None:
    db, project, rae = house
    doubting.change(db, project, 2, "k1", given=True, labels=["k1", "k2"], by=rae, now=NOW + 5)
    assert labels_of(db, project)[2] == {"k1", "k2"}
    assert waiting(db, project, rae) == [(1, "k1"), (3, "k1")]


def test_taking_the_only_label_away_is_refused(house) -> None:
    db, project, rae = house
    with pytest.raises(NoLabels):
        doubting.change(db, project, 3, "k1", given=True, labels=[], by=rae, now=NOW)
    assert labels_of(db, project)[3] == {"k1"}
    assert (3, "k1") in waiting(db, project, rae)


def test_two_reviewers_do_not_overrule_each_other_unseen_and_a_comment_stays(house, people) -> None:
    db, project, rae = house
    lee = people["lee"]
    adjudicating.settle(db, project, 2, ["k0", "k1"], comment="見指引", by=lee, now=NOW + 1)
    shown = doubting.to_read(db, project, by=rae).doubts[0]
    assert shown.seen == NOW + 1
    with pytest.raises(ChangedMeanwhile):
        doubting.change(db, project, 2, "k1", given=True, labels=["k0"], seen=None, by=rae, now=NOW + 2)
    assert labels_of(db, project)[2] == {"k0", "k1"}
    doubting.change(db, project, 2, "k1", given=True, labels=shown.mended, seen=shown.seen, by=rae, now=NOW + 3)
    assert labels_of(db, project)[2] == {"k0"}
    assert adjudicating.docket(db, project, by=rae, kind="settled").cases[0].settled.comment == "見指引"  # type: ignore[union-attr]


def test_what_was_changed_or_left_out_elsewhere_is_not_shown(house, people) -> None:
    db, project, rae = house
    adjudicating.settle(db, project, 2, ["k0"], by=rae, now=NOW + 1)
    adjudicating.leave_out(db, project, 3, by=rae, now=NOW + 1)
    assert waiting(db, project, rae) == [(1, "k1")]
    labelling.retire(db, project, "k1", by=people["lee"], now=NOW + 2)
    assert waiting(db, project, rae) == []


def test_what_no_page_of_ours_sends_is_refused(house) -> None:
    db, project, rae = house
    with pytest.raises(NotFound):
        doubting.keep(db, project, 99, "k1", given=True, by=rae, now=NOW)
    with pytest.raises(UnknownLabel):
        doubting.keep(db, project, 1, "k9", given=True, by=rae, now=NOW)
    with pytest.raises(UnknownLabel):
        doubting.change(db, project, 1, "k1", given=False, labels=["k9"], by=rae, now=NOW)
    with pytest.raises(NotFound):
        doubting.change(db, project, 99, "k1", given=False, labels=["k1"], by=rae, now=NOW)
    assert rows(db, "SELECT * FROM doubts_seen") == []


def test_before_there_is_a_list_nothing_waits(db, project_id, people) -> None:
    found = doubting.to_read(db, project_id, by=people["rae"])
    assert (found.doubts, found.n, found.at, found.note) == ((), 0, None, "")
    assert len(LABELS) == 3
