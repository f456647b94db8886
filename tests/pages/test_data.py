"""The Data page: what a file would do, importing it, and the settings."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.config import CONVERSIONS, THRESHOLDS, RoundConfig
from core.services import accounts, curating, reporting
from pages.shared import training
from pages.shared.importing import free_key
from tests.conftest import make_project
from tests.pages.conftest import House

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
        db.conn.execute("DELETE FROM members")
        db.conn.execute("DELETE FROM labels")
        db.conn.execute("DELETE FROM projects")
    page = house.page("data", "lead").run()
    assert "第一個專案" in texts_of(page)
    page.file_uploader[0].upload("good.jsonl", GOOD).run()
    page.text_input(key="import_new_name_0").input("第一個").run()
    page.button(key="import_go").click().run()
    assert "新增 2 篇" in texts_of(page)


def test_an_empty_project_is_made_and_taken_in_hand(house: House, texts_of: Said) -> None:
    page = house.page("data", "lead").run()
    page.text_input(key="project_name_0").input("飲食")
    page.text_input(key="project_name_en_0").input("Food")
    page.text_area(key="project_labels_0").input("油脂, Fat\n油脂")
    page.button(key="make_project").click().run()
    assert "第 2 行：已經有標籤叫「油脂」" in texts_of(page)
    assert page.text_input(key="project_name_0").value == "飲食"
    page.text_area(key="project_labels_0").input("油脂, Fat\n鹽")
    page.button(key="make_project").click().run()
    assert "已建立專案「飲食」，有 2 個標籤" in texts_of(page)
    assert page.text_input(key="project_name_1").value == ""
    with house.open() as db:
        made = curating.list_projects(db)[-1]
    assert (made.key, made.name_en, made.label_set.keys) == ("food", "Food", ("fat", "鹽"))
    assert page.session_state["project_id"] == made.id


def test_a_project_like_another_has_its_labels(house: House, texts_of: Said) -> None:
    page = house.page("data", "lead").run()
    page.text_input(key="project_name_0").input("第二個")
    page.text_input(key="project_key_0").input("second")
    page.selectbox(key="project_like_0").set_value(house.project_id).run()
    page.checkbox(key="project_same_settings_0").uncheck()
    page.button(key="make_project").click().run()
    assert "有 3 個標籤" in texts_of(page)
    with house.open() as db:
        made = curating.list_projects(db)[-1]
    assert (made.key, made.label_set.names("zh")) == ("second", {"k0": "甲", "k1": "乙", "k2": "丙"})


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


def _save(page: AppTest) -> AppTest:
    return page.button(key="FormSubmitter:settings-儲存").click().run()


def _round(house: House) -> RoundConfig:
    with house.open() as db:
        return curating.project(db, house.project_id).settings.round


def test_how_rounds_are_trained_is_set_on_the_page(house: House, texts_of: Said) -> None:
    page = house.page("data", "lead").run()
    n = house.project_id
    for name, value in {"arch": "han.v1", "sweep": "exact", "soft_targets": "out_of_fold", "teachers": "stack"}.items():
        page.selectbox(key=f"round_{name}_{n}").set_value(value)
    page.toggle(key=f"deepen_{n}").set_value(True)
    page.number_input(key=f"deepen_after_{n}").set_value(45)
    page.number_input(key=f"round_patience_{n}").set_value(10)
    page.number_input(key=f"round_lr_{n}").set_value(0.002)
    page.text_input(key=f"round_class_weights_{n}").set_value("0.5，1, 2.5")
    assert "設定已儲存" in texts_of(_save(page))
    with house.open() as db:
        settings = curating.project(db, n).settings
    found = settings.round
    assert (found.arch, found.sweep, found.soft_targets, found.teachers) == ("han.v1", "exact", "out_of_fold", "stack")
    assert (found.patience, found.lr, found.class_weights) == (10, 0.002, (0.5, 1.0, 2.5))
    assert (settings.deepen, settings.deepen_after_s) == (True, 2700)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("class_weights", "0.5, many", "要試的類別權重"),
        ("class_weights", "1, -2", "要試的類別權重"),
        ("patience", 0, "耐心（回）"),
        ("hard_share", 1.5, "目標裡人給的標籤"),
        ("vectors_file", "/nowhere/wiki.bin", "找不到檔案 wiki.bin"),
    ],
)
def test_a_wrong_value_is_said_by_its_name_and_nothing_typed_is_lost(
    house: House, texts_of: Said, name: str, value: object, said: str
) -> None:
    before = _round(house)
    page = house.page("data", "lead").run()
    kind = page.text_input if isinstance(value, str) else page.number_input
    kind(key=f"round_{name}_{house.project_id}").set_value(value)
    page.selectbox(key=f"round_arch_{house.project_id}").set_value("gru_att.v1")
    assert said in texts_of(_save(page)).replace("\\", "")
    assert _round(house) == before
    kind = page.text_input if isinstance(value, str) else page.number_input
    assert kind(key=f"round_{name}_{house.project_id}").value == value
    assert page.selectbox(key=f"round_arch_{house.project_id}").value == "gru_att.v1"


def test_a_head_without_an_encoder_is_refused_in_words_and_then_named_with_one(
    house: House, texts_of: Said, tmp_path: Path
) -> None:
    before = _round(house)
    page = house.page("data", "lead").run()
    page.selectbox(key=f"round_teacher_arch_{house.project_id}").set_value("encoder_cls.v1")
    said = texts_of(_save(page))
    assert "編碼器＋整句向量" in said
    assert "encoder_cls" not in said
    assert _round(house) == before
    page.selectbox(key=f"round_arch_{house.project_id}").set_value("encoder_seq2seq.v1")
    page.text_input(key=f"round_encoder_{house.project_id}").set_value("  name/of-one ")
    assert "不能學機率" in texts_of(_save(page))
    page.selectbox(key=f"round_arch_{house.project_id}").set_value("textcnn.v1")
    page.text_input(key=f"round_encoder_{house.project_id}").set_value(str(tmp_path / "nowhere"))
    assert "找不到資料夾" in texts_of(_save(page))
    page.text_input(key=f"round_encoder_{house.project_id}").set_value("  name/of-one ")
    _save(page)
    assert (_round(house).teacher_arch, _round(house).encoder) == ("encoder_cls.v1", "name/of-one")
    assert "教師：編碼器＋整句向量" in training.summary(_round(house))


def test_each_setting_of_a_round_has_a_field_in_words(house: House, texts_of: Said) -> None:
    assert {*training.FIRST, *(name for names in training.EXPERT.values() for name in names)} == {
        field.name for field in fields(RoundConfig)
    }
    with house.open() as db:
        accounts.set_lang(db, house.people["lead"].id, "en", now=1.0)
    page = house.page("data", "lead").run()
    assert "How rounds are trained" in texts_of(page)
    for name, values in training.CHOICES.items():
        shown = page.selectbox(key=f"round_{name}_{house.project_id}_en").options
        assert len(set(shown)) == len(values), name
        assert not {one for one in shown if re.fullmatch(r"[a-z0-9_]+\.v[0-9]+", one)}, name
        assert not set(shown) & {*THRESHOLDS, *CONVERSIONS}, name


@pytest.mark.parametrize(
    ("name", "taken", "key"),
    [("Health TW", set(), "health-tw"), ("健康", set(), "project"), ("健康", {"project", "project-2"}, "project-3")],
)
def test_a_new_projects_key_is_free(name: str, taken: set[str], key: str) -> None:
    assert free_key(name, taken) == key


def test_a_project_is_renamed_archived_and_brought_back(house: House, texts_of: Said) -> None:
    page = house.page("data", "lead").run()
    page.text_input(key=f"project_new_name_{house.project_id}").input("衛教文章")
    page.button(key=f"FormSubmitter:names_{house.project_id}-更名").click().run()
    assert "已更名" in texts_of(page)
    page.button(key="archive").click().run()
    page.button(key="yes_archive").click().run()
    assert "已封存「衛教文章」" in texts_of(page)
    assert "還沒有" in texts_of(page), "it was the only one"
    page = house.page("data", "lead").run()
    page.button(key=f"bring_back_{house.project_id}").click().run()
    assert "「衛教文章」回來了" in texts_of(page)
    with house.open() as db:
        assert [each.name for each in curating.list_projects(db)] == ["衛教文章"]


def test_each_setting_of_a_round_says_what_it_is_for(house: House, texts_of: Said) -> None:
    page = house.page("data", "lead").run()
    texts_of(page)
    drawn = {each.key: each for each in (*page.selectbox, *page.number_input, *page.text_input, *page.toggle)}
    said = [drawn[f"round_{field.name}_{house.project_id}"].proto.help for field in fields(RoundConfig)]
    assert all(said)
    assert len(set(said)) == len(said)


def test_after_a_change_of_language_no_choice_keeps_the_words_of_the_one_before(house: House) -> None:
    page = house.page("data", "lead").run()
    key = f"round_sweep_{house.project_id}"
    before = page.selectbox(key=key).proto.id
    with house.open() as db:
        accounts.set_lang(db, house.people["lead"].id, "en", now=1.0)
    page.run()
    after = page.selectbox(key=f"{key}_en")
    assert after.proto.id != before, "the browser knows a widget by it"
    assert after.options[0].isascii()
