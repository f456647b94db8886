"""A label set that changes: what past decisions count as, what is refused, and what comes back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sqlite_utils import Database

from core.errors import BadLabel, ChangedMeanwhile, NotAllowed
from core.services import annotating, curating, labelling, projects
from core.services.curating import ImportOptions
from db import events
from db.connect import open_database, rows, value
from db.errors import NotFound
from tests.conftest import NOW, make_project

LEE = "lee"


def keys(db: Database, project_id: int) -> tuple[str, ...]:
    return projects.project(db, project_id).label_set.keys


def save(db: Database, project_id: int, user_id: int, labels: list[str], uid: str) -> annotating.ApplyResult:
    text = annotating.next_texts(db, project_id, user_id, n=1, now=NOW)[0]
    op = {"uid": uid, "kind": "save", "document": text.id, "decision": "labelled", "labels": labels}
    return annotating.apply(db, project_id, user_id, [op], now=NOW)


def counted(db: Database, project_id: int) -> list[str]:
    """The label set of each text that has one, as training sees it."""
    return sorted(" ".join(sorted(each.labels)) for each in curating.label_sets(db, project_id, "pool"))


@pytest.fixture
def waiting(db: Database, project_id: int, tmp_path: Path) -> int:
    """The project with five texts that wait."""
    file = tmp_path / "waiting.jsonl"
    lines = [json.dumps({"text": f"等待的第 {n} 篇。"}, ensure_ascii=False) for n in range(5)]
    file.write_text("\n".join(lines), encoding="utf-8")
    curating.run_import(db, project_id, file, options=ImportOptions(), by=None, now=NOW)
    return project_id


def test_words_colour_and_digit_change_and_the_key_stays(
    db: Database, path: Path, people: dict[str, int], project_id: int
) -> None:
    before = projects.project(db, project_id).label_set.fingerprint
    wanted = {
        "zh": " 甲種 ", "en": "Kind A", "definition": "第一種。", "examples": ["例一", "", "例一", "例 二"],
        "counter_examples": ["不是"], "keywords": ["血壓"], "colour": "#8E63C7", "hotkey": "9",
    }  # fmt: skip
    label = labelling.edit(db, project_id, "k0", wanted, by=people[LEE], now=NOW)
    assert (label.key, label.zh, label.examples, label.colour, label.hotkey) == (
        "k0", "甲種", ("例一", "例 二"), "#8e63c7", "9",
    )  # fmt: skip
    again = open_database(path)
    assert projects.project(again, project_id).label_set.labels[0] == label
    again.close()
    assert projects.project(db, project_id).label_set.fingerprint == before
    change = labelling.changes(db, project_id)[0]
    assert (change.who, change.kind, change.before["zh"], change.after["zh"]) == (LEE, "label_changed", "甲", "甲種")
    labelling.edit(db, project_id, "k0", wanted, by=people[LEE], now=NOW)
    assert len(labelling.changes(db, project_id)) == 1  # the same again is no change


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"zh": " "}, "empty"),
        ({"zh": "乙"}, "taken"),
        ({"en": "LABEL 2"}, "taken"),
        ({"zh": "甲|乙"}, "characters"),
        ({"zh": "長" * 41}, "long"),
        ({"definition": "長" * 2001}, "long"),
        ({"keywords": ["詞" + str(n) for n in range(101)]}, "many"),
        ({"colour": "red"}, "colour"),
        ({"colour": "#ffff00"}, "faint"),
        ({"colour": "#101010"}, "faint"),
        ({"hotkey": "0"}, "hotkey"),
        ({"hotkey": "2"}, "hotkey_taken"),
        ({"key": "other"}, "field"),
    ],
)
def test_what_would_make_labels_hard_to_tell_apart_is_refused_and_nothing_is_written(
    db: Database, people: dict[str, int], project_id: int, changes: dict[str, Any], why: str
) -> None:
    before = projects.project(db, project_id)
    with pytest.raises(BadLabel) as caught:
        labelling.edit(db, project_id, "k0", {"definition": "新的", **changes}, by=people[LEE], now=NOW)
    assert caught.value.fields["why"] == why
    assert projects.project(db, project_id) == before


def test_only_a_lead_of_the_project_may_change_it(db: Database, people: dict[str, int], project_id: int) -> None:
    for change in (
        lambda by: labelling.edit(db, project_id, "k0", {"zh": "新"}, by=by, now=NOW),
        lambda by: labelling.add(db, project_id, {"zh": "新"}, by=by, now=NOW),
        lambda by: labelling.move(db, project_id, "k0", 1, by=by, now=NOW),
        lambda by: labelling.retire(db, project_id, "k0", by=by, now=NOW),
        lambda by: labelling.merge(db, project_id, "k0", "k1", by=by, now=NOW),
        lambda by: labelling.bring_back(db, project_id, "k0", by=by, now=NOW),
        lambda by: labelling.note(db, project_id, "k0", "話", by=by, now=NOW),
        lambda by: labelling.set_guideline(db, project_id, "新", seen="", by=by, now=NOW),
    ):
        with pytest.raises(NotAllowed):
            change(people["ann"])
    assert labelling.changes(db, project_id) == []


def test_the_order_on_the_board_is_another_than_that_of_models(
    db: Database, people: dict[str, int], project_id: int
) -> None:
    def board() -> list[str]:
        return [label.key for label in projects.project(db, project_id).label_set.on_board]

    labelling.move(db, project_id, "k2", -1, by=people[LEE], now=NOW)
    assert board() == ["k0", "k2", "k1"]
    labelling.move(db, project_id, "k0", 99, by=people[LEE], now=NOW)
    assert board() == ["k2", "k1", "k0"]
    labelling.move(db, project_id, "k2", -1, by=people[LEE], now=NOW)  # it is the first already
    assert board() == ["k2", "k1", "k0"]
    assert keys(db, project_id) == ("k0", "k1", "k2")
    assert len(labelling.changes(db, project_id)) == 2
    added = labelling.add(db, project_id, {"zh": "丁"}, by=people[LEE], now=NOW)
    assert board()[-1] == added.key
    with pytest.raises(NotFound):
        labelling.move(db, project_id, "nothing", 1, by=people[LEE], now=NOW)


def test_a_new_label_has_a_key_a_colour_and_a_digit_of_its_own(
    db: Database, people: dict[str, int], project_id: int
) -> None:
    one = labelling.add(db, project_id, {"zh": "飲食", "en": "Food & drink"}, by=people[LEE], now=NOW)
    two = labelling.add(db, project_id, {"zh": "運動"}, by=people[LEE], now=NOW)
    assert (one.key, one.hotkey, two.key, two.hotkey) == ("food_drink", "4", "運動", "5")
    assert one.colour != two.colour
    assert keys(db, project_id) == ("k0", "k1", "k2", "food_drink", "運動")
    with pytest.raises(BadLabel, match="taken"):
        labelling.add(db, project_id, {"zh": "飲食"}, by=people[LEE], now=NOW)


def test_merging_maps_past_decisions_and_bringing_back_gives_them_their_meaning_again(
    db: Database, people: dict[str, int], waiting: int
) -> None:
    save(db, waiting, people["ann"], ["k1"], "a1")
    save(db, waiting, people["ann"], ["k0", "k1"], "a2")
    log = rows(db, "SELECT id, labels FROM annotations ORDER BY id")

    labelling.merge(db, waiting, "k1", "k2", by=people[LEE], now=NOW)
    assert keys(db, waiting) == ("k0", "k2")
    assert counted(db, waiting) == ["k0 k2", "k2"]
    labelling.merge(db, waiting, "k2", "k0", by=people[LEE], now=NOW)  # a chain
    assert counted(db, waiting) == ["k0", "k0"]
    labelling.bring_back(db, waiting, "k2", by=people[LEE], now=NOW)
    assert counted(db, waiting) == ["k0 k2", "k2"]
    labelling.bring_back(db, waiting, "k1", by=people[LEE], now=NOW)
    assert counted(db, waiting) == ["k0 k1", "k1"]
    assert rows(db, "SELECT id, labels FROM annotations ORDER BY id") == log
    assert [each.kind for each in labelling.changes(db, waiting)] == [
        "label_brought_back", "label_brought_back", "label_merged", "label_merged",
    ]  # fmt: skip


def test_retiring_leaves_a_label_out_until_it_comes_back(db: Database, people: dict[str, int], waiting: int) -> None:
    save(db, waiting, people["ann"], ["k1"], "a1")
    save(db, waiting, people["ann"], ["k0", "k1"], "a2")
    labelling.retire(db, waiting, "k1", by=people[LEE], now=NOW)
    assert counted(db, waiting) == ["k0"]
    labelling.edit(db, waiting, "k2", {"hotkey": "2"}, by=people[LEE], now=NOW)  # the digit is free meanwhile
    labelling.bring_back(db, waiting, "k1", by=people[LEE], now=NOW)
    assert counted(db, waiting) == ["k0 k1", "k1"]
    label = projects.project(db, waiting).label_set.labels[1]
    assert (label.key, label.hotkey, label.gone) == ("k1", "", False)


def test_what_cannot_go_or_come_back_is_said(db: Database, people: dict[str, int], project_id: int) -> None:
    def refused(why: str, change: Any, *args: Any) -> None:
        with pytest.raises(BadLabel) as caught:
            change(db, project_id, *args, by=people[LEE], now=NOW)
        assert caught.value.fields["why"] == why

    refused("into", labelling.merge, "k0", "k0")
    refused("into", labelling.merge, "k0", "nothing")
    refused("used", labelling.bring_back, "k0")
    labelling.retire(db, project_id, "k0", by=people[LEE], now=NOW)
    refused("gone", labelling.retire, "k0")
    refused("into", labelling.merge, "k1", "k0")
    refused("gone_taken", labelling.add, {"zh": "甲"})
    labelling.merge(db, project_id, "k1", "k2", by=people[LEE], now=NOW)
    refused("last", labelling.retire, "k2")
    with pytest.raises(NotFound):
        labelling.retire(db, project_id, "nothing", by=people[LEE], now=NOW)


def test_a_click_made_before_a_merge_is_saved_as_it_was_meant_then(
    db: Database, people: dict[str, int], waiting: int
) -> None:
    text = annotating.next_texts(db, waiting, people["ann"], n=1, now=NOW)[0]
    op = {"uid": "late", "kind": "save", "document": text.id, "decision": "labelled", "labels": ["k1", "k0"]}
    labelling.merge(db, waiting, "k1", "k2", by=people[LEE], now=NOW)
    assert annotating.apply(db, waiting, people["ann"], [op], now=NOW).acked == ("late",)
    assert json.loads(value(db, "SELECT labels FROM annotations")) == ["k0", "k1"]
    assert counted(db, waiting) == ["k0 k2"]


def test_a_text_that_comes_back_has_todays_labels_chosen(db: Database, people: dict[str, int], waiting: int) -> None:
    save(db, waiting, people["ann"], ["k0", "k1"], "a1")
    annotating.apply(db, waiting, people["ann"], [{"uid": "u1", "kind": "undo", "target": "a1"}], now=NOW)
    labelling.merge(db, waiting, "k1", "k2", by=people[LEE], now=NOW)
    labelling.retire(db, waiting, "k0", by=people[LEE], now=NOW)
    assert annotating.next_texts(db, waiting, people["ann"], n=1, now=NOW)[0].chosen == ("k2",)


def test_notes_have_a_history_and_can_be_taken_back(db: Database, people: dict[str, int], project_id: int) -> None:
    labelling.note(db, project_id, "k0", " 只看成人。 ", by=people[LEE], now=NOW)
    labelling.note(db, project_id, "k0", "只看成人。", by=people["ada"], now=NOW + 1)  # the same
    labelling.note(db, project_id, "k1", "另一句", by=people[LEE], now=NOW + 2)
    labelling.note(db, project_id, "k0", "也看兒童。", by=people["ada"], now=NOW + 3)
    found = labelling.notes(db, project_id)
    assert (found["k0"].text, found["k0"].who, found["k0"].at) == ("也看兒童。", "ada", NOW + 3)
    labelling.note(db, project_id, "k0", "", by=people[LEE], now=NOW + 4)
    assert set(labelling.notes(db, project_id)) == {"k1"}
    assert [each.text for each in labelling.note_history(db, project_id, "k0")] == ["", "也看兒童。", "只看成人。"]
    with pytest.raises(BadLabel, match="long"):
        labelling.note(db, project_id, "k0", "長" * 2001, by=people[LEE], now=NOW)


def test_a_guideline_is_not_overwritten_by_one_who_has_not_seen_it(
    db: Database, people: dict[str, int], project_id: int
) -> None:
    labelling.set_guideline(db, project_id, "# 第一版\r\n內容 ", seen="", by=people[LEE], now=NOW)
    first = projects.project(db, project_id).guideline
    assert first == "# 第一版\n內容"
    labelling.set_guideline(db, project_id, "第二版", seen=first, by=people["ada"], now=NOW + 1)
    with pytest.raises(ChangedMeanwhile) as caught:
        labelling.set_guideline(db, project_id, "第三版", seen=first, by=people[LEE], now=NOW + 2)
    assert caught.value.fields == {"who": "ada"}
    assert projects.project(db, project_id).guideline == "第二版"
    history = labelling.changes(db, project_id, ("guideline_set",))
    assert [(each.who, each.after) for each in history] == [("ada", "第二版"), (LEE, first)]


def test_projects_have_label_sets_of_their_own(db: Database, people: dict[str, int], project_id: int) -> None:
    other = make_project(db, key="other")
    labelling.merge(db, project_id, "k0", "k1", by=people["ada"], now=NOW)
    labelling.edit(db, project_id, "k1", {"zh": "新"}, by=people["ada"], now=NOW)
    assert keys(db, other) == ("k0", "k1", "k2")
    assert projects.project(db, other).label_set.labels[1].zh == "乙"
    assert events.recent(db, other, labelling.KINDS, n=9) == []


def test_an_edit_of_several_things_is_one_or_none(
    db: Database, path: Path, people: dict[str, int], project_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def state() -> tuple[Any, ...]:
        again = open_database(path)
        found = projects.project(again, project_id).label_set
        last = value(again, "SELECT max(id) FROM events")
        said = {key: each.text for key, each in labelling.notes(again, project_id).items()}
        again.close()
        return found.labels, said, last

    def fails(*_: object, **__: object) -> None:
        raise KeyboardInterrupt  # as a kill between two writes

    whole = {"changes": {"zh": "新名", "colour": "#8e63c7"}, "steps": 2, "said": "看第二段"}
    before = state()
    with monkeypatch.context() as broken:
        broken.setattr("db.label_notes.append", fails)
        with pytest.raises(KeyboardInterrupt):
            labelling.edit(db, project_id, "k0", **whole, by=people[LEE], now=NOW)  # type: ignore[arg-type]
    with pytest.raises(BadLabel):
        labelling.edit(
            db, project_id, "k0", {"zh": "新名"}, steps=2, said="長" * (labelling.MAX_NOTE + 1), by=people[LEE], now=NOW
        )
    assert state() == before
    label = labelling.edit(db, project_id, "k0", **whole, by=people[LEE], now=NOW)  # type: ignore[arg-type]
    assert (label.zh, label.colour, label.place) == ("新名", "#8e63c7", 2)
    assert state()[1] == {"k0": "看第二段"}
    kinds = rows(db, "SELECT kind FROM events WHERE id > :id ORDER BY id", id=before[2])
    assert [each["kind"] for each in kinds] == ["label_changed", "labels_ordered", "label_noted"]
