"""The Data page: what a file would do, importing it, and the settings."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.services import annotating, curating, reporting, reviewing
from pages.shared.importing import free_key
from tests.conftest import make_project
from tests.pages.conftest import House
from tests.pages.filling import fill

Said = Callable[[AppTest], str]


def _lines(*rows: dict) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def _numbers(page: AppTest) -> dict[str, str]:
    return {each.label: each.value for each in page.metric}


def _chosen(house: House, name: str, content: bytes) -> AppTest:
    page = house.page("data", "lead").run()
    page.file_uploader[0].upload(name, content).run()
    return page


GOOD = _lines(
    {"id": "a", "text": "多喝水，早點睡。", "labels": ["甲"]},
    {"id": "b", "text": "飯後服用，一天三次。", "labels": ["乙", "甲"], "split": "gold"},
    {"id": "c", "text": "多喝水，早點睡。"},
)
MIXED = GOOD + _lines({"text": ""}, {"text": "沒有這個標籤。", "labels": ["丁"]}) + b"{broken\n"


@pytest.mark.parametrize("name", ["good.jsonl", "good.jsonl.gz"])
def test_a_file_is_explained_before_it_is_imported(house: House, texts_of: Said, name: str) -> None:
    page = _chosen(house, name, gzip.compress(GOOD) if name.endswith("gz") else GOOD)
    texts_of(page)
    numbers = _numbers(page)
    assert (numbers["總列數"], numbers["會新增"], numbers["重複"], numbers["成為金標準"]) == (
        "3",
        "2",
        "1",
        "1",
    )
    with house.open() as db:
        assert reporting.overview(db, house.project_id).n_pool == 0  # nothing is written yet


def test_importing_says_what_came_in_and_empties_the_form(house: House, texts_of: Said) -> None:
    page = _chosen(house, "good.jsonl", GOOD)
    page.button(key="import_go").click().run()
    assert "新增 2 篇" in texts_of(page)
    assert _numbers(page)["文本池"] == "1"
    assert "總列數" not in _numbers(page)


def test_bad_rows_are_listed_with_what_to_do_and_stop_the_import(house: House, texts_of: Said) -> None:
    page = _chosen(house, "mixed.jsonl", MIXED)
    assert "3 列有問題" in texts_of(page)
    table = page.table[0].value
    assert list(table.index) == ["4", "5", "6"]
    assert "丁" in table.iloc[1, 1]
    assert page.button(key="import_go").disabled


def test_the_good_rows_alone_come_in_when_asked_for(house: House, texts_of: Said) -> None:
    page = _chosen(house, "mixed.jsonl", MIXED)
    page.checkbox(key="import_partial_0").check().run()
    page.button(key="import_go").click().run()
    said = texts_of(page)
    assert "新增 2 篇" in said
    assert "另有 3 列" in said


def test_a_file_becomes_a_project_of_its_own(house: House, texts_of: Said) -> None:
    page = house.page("data", "lead").run()
    page.radio(key="import_target_0").set_value(1).run()
    page.file_uploader[0].upload("other.csv", "text,labels\n一段,紅|綠\n二段,紅\n".encode()).run()
    assert page.button(key="import_go").disabled  # it has no name yet
    assert "紅、綠" in texts_of(page)
    page.text_input(key="import_new_name_0").input("顏色").run()
    page.button(key="import_go").click().run()
    assert "新增 2 篇" in texts_of(page)
    with house.open() as db:
        made = curating.list_projects(db)[-1]
    assert (made.name, made.label_set.keys) == ("顏色", ("紅", "綠"))
    assert page.session_state["project_id"] == made.id


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("big5.csv", "text\n文字\n".encode("big5"), "Excel"),
        ("wrong.csv", b"content\nx\n", "content"),
        ("empty.jsonl", b"", "empty"),
    ],
)
def test_a_file_that_is_none_is_said_so(house: House, texts_of: Said, name: str, content: bytes, said: str) -> None:
    assert said in texts_of(_chosen(house, name, content))


def test_other_column_names_can_be_given(house: House, texts_of: Said) -> None:
    page = _chosen(house, "wrong.csv", "content\n一段文字\n".encode())
    page.text_input(key="import_text_column").input("content").run()
    texts_of(page)
    assert _numbers(page)["會新增"] == "1"


def test_without_a_project_the_page_helps_to_make_one(house: House, texts_of: Said) -> None:
    with house.open() as db:
        db.conn.execute("DELETE FROM events")
        db.conn.execute("DELETE FROM labels")
        db.conn.execute("DELETE FROM projects")
    page = house.page("data", "lead").run()
    assert "第一個專案" in texts_of(page)
    page.file_uploader[0].upload("good.jsonl", GOOD).run()
    page.text_input(key="import_new_name_0").input("第一個").run()
    page.button(key="import_go").click().run()
    assert "新增 2 篇" in texts_of(page)


def test_settings_are_saved_for_this_project_alone(house: House, texts_of: Said) -> None:
    with house.open() as db:
        other = make_project(db, key="other")
    page = house.page("data", "lead").run()
    page.number_input(key=f"daily_goal_{house.project_id}").set_value(7)
    page.number_input(key=f"lease_min_{house.project_id}").set_value(5)
    page.toggle(key=f"suggestions_{house.project_id}").set_value(True)
    page.button(key="FormSubmitter:settings-儲存").click().run()
    assert "設定已儲存" in texts_of(page)
    with house.open() as db:
        mine, theirs = curating.project(db, house.project_id).settings, curating.project(db, other).settings
    assert (mine.daily_goal, mine.lease_s, mine.suggestions) == (7, 300, True)
    assert theirs.daily_goal != 7


def _flag(house: House, comment: str) -> int:
    """A text that the annotator flagged with the first label chosen."""
    annotator = house.people["annotator"].id
    with house.open() as db:
        text = annotating.next_texts(db, house.project_id, annotator, n=1, now=1e9)[0]
        op = {
            "uid": f"f{text.id}", "kind": "save", "document": text.id, "decision": "flagged", "labels": ["k0"],
            "comment": comment,
        }  # fmt: skip
        assert annotating.apply(db, house.project_id, annotator, [op], now=1e9).acked
    return text.id


def test_a_flagged_text_is_read_and_put_back(house: House, texts_of: Said, tmp_path: Path) -> None:
    fill(house, tmp_path)
    assert "沒有待討論的回報" in texts_of(house.page("data", "lead").run())
    flagged = _flag(house, "*文字* 不完整")
    page = house.page("data", "lead").run()
    said = texts_of(page)
    assert "\\*文字\\* 不完整" in said
    assert f"第 {flagged} 號" in said
    assert "annotator" in said
    assert "回報時選了：甲" in said
    assert "等待標註" in said
    page.button(key=f"put_back_0_{flagged}").click().run()
    assert f"第 {flagged} 號已放回" in texts_of(page)
    assert _numbers(page)["已回報待討論"] == "0"
    with house.open() as db:
        assert reviewing.flagged(db, house.project_id) == ()


def test_a_text_that_a_colleague_has_put_back_is_said_so(house: House, texts_of: Said, tmp_path: Path) -> None:
    fill(house, tmp_path)
    flagged = _flag(house, "")
    page = house.page("data", "lead").run()
    assert "沒有附說明" in texts_of(page)
    with house.open() as db:
        reviewing.put_back(db, house.project_id, flagged, by=house.people["admin"].id, now=1e9)
    page.button(key=f"put_back_0_{flagged}").click().run()
    assert "找不到" in texts_of(page)


@pytest.mark.parametrize(
    ("name", "taken", "key"),
    [("Health TW", set(), "health-tw"), ("健康", set(), "project"), ("健康", {"project", "project-2"}, "project-3")],
)
def test_a_new_projects_key_is_free(name: str, taken: set[str], key: str) -> None:
    assert free_key(name, taken) == key
