"""The Labels page: seeing, changing, merging and bringing back; the guideline and who changed what."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.services import accounts, labelling, preferences, projects
from core.services.projects import Project
from pages import annotate
from tests.pages.conftest import House
from tests.pages.filling import fill

Said = Callable[[AppTest], str]


def project(house: House) -> Project:
    with house.open() as db:
        return projects.project(db, house.project_id)


def press(page: AppTest, key: str) -> AppTest:
    return page.button(key=key).click().run()


@pytest.fixture
def full(house: House, tmp_path: Path) -> House:
    fill(house, tmp_path)
    return house


def test_each_label_is_shown_with_its_key_and_its_counts(full: House, texts_of: Said) -> None:
    with full.open() as db:
        labelling.note(db, full.project_id, "k1", "只算*成人*。", by=full.people["lead"].id, now=1.0)
    page = full.page("labels", "lead").run()
    said = texts_of(page)
    assert "3 個標籤" in said
    assert "按鍵 1 · 已標 20 篇，金標準 12 篇" in said
    assert "只算\\*成人\\*。" in said
    assert "還沒有定義" in said
    assert page.button(key="up_k0").disabled
    assert page.button(key="down_k2").disabled


def test_the_order_is_changed_by_buttons(full: House, texts_of: Said) -> None:
    page = press(full.page("labels", "lead").run(), "down_k0")
    texts_of(page)
    assert [label.key for label in project(full).label_set.on_board] == ["k1", "k0", "k2"]
    assert page.button(key="up_k1").disabled


def test_a_label_is_edited_with_its_note(full: House, texts_of: Said) -> None:
    page = press(full.page("labels", "lead").run(), "edit_k0")
    page.text_input[0].input("甲種")
    page.text_area[0].input("一種定義")
    page.text_area[4].input("血壓、心臟\n血糖")
    page.text_area[5].input("請只看成人。")
    page.selectbox[1].set_value(2)
    page = press(page, "FormSubmitter:edit_k0-儲存")
    assert "已儲存" in texts_of(page)
    assert [each.key for each in project(full).label_set.on_board] == ["k1", "k2", "k0"]
    label = project(full).label_set.labels[0]
    assert (label.zh, label.definition, label.keywords) == ("甲種", "一種定義", ("血壓", "心臟", "血糖"))
    with full.open() as db:
        assert labelling.notes(db, full.project_id)["k0"].text == "請只看成人。"
    said = texts_of(full.page("labels", "lead").run())
    assert (
        "改「甲種」：中文名稱：甲 → 甲種；定義（中文）：（空白） → 一種定義；關鍵詞：（空白） → 血壓、心臟、血糖"
        in said
    )
    assert "「甲種」的提醒：請只看成人。" in said


def test_what_is_refused_is_said_and_stays_as_it_was_typed(full: House, texts_of: Said) -> None:
    page = press(full.page("labels", "lead").run(), "edit_k0")
    page.text_input[0].input("乙")
    page.text_area[0].input("一種定義")
    page = press(page, "FormSubmitter:edit_k0-儲存")
    assert "已經有標籤叫「乙」" in texts_of(page)
    assert page.text_input[0].value == "乙"
    assert page.text_area[0].value == "一種定義"
    assert project(full).label_set.labels[0].definition == ""


def test_a_label_is_added(full: House, texts_of: Said) -> None:
    page = press(full.page("labels", "lead").run(), "add_label")
    page.text_input[0].input("丁")
    page.text_input[1].input("Fourth")
    page = press(page, "FormSubmitter:add_label_form-新增")
    assert "已新增標籤「丁」" in texts_of(page)
    label = project(full).label_set.labels[-1]
    assert (label.key, label.hotkey) == ("fourth", "4")


def test_merging_says_first_what_it_does_and_can_be_taken_back(full: House, texts_of: Said) -> None:
    page = press(full.page("labels", "lead").run(), "merge_k2")
    page.selectbox(key="merge_into_k2").set_value("k1").run()
    said = texts_of(page)
    # 丙 is on every fifth of 20 pool and 12 gold texts, 乙 on every second.
    assert "有 7 筆標註是「丙」：7 篇文字（其中金標準 3 篇），都是匯入的" in said
    assert "3 篇會新算作「乙」" in said
    assert project(full).label_set.keys == ("k0", "k1", "k2")
    page = press(page, "merge_go")
    assert "「丙」已併入「乙」" in texts_of(page)
    assert project(full).label_set.keys == ("k0", "k1")
    page = full.page("labels", "lead").run()
    assert "按鍵 2 · 已標 12 篇，金標準 7 篇" in texts_of(page)
    assert "算作 **乙**（7 筆標註）" in texts_of(page)
    page = press(page, "back_k2")
    assert "已恢復標籤「丙」" in texts_of(page)
    assert project(full).label_set.keys == ("k0", "k1", "k2")


def test_retiring_says_how_many_texts_are_left_without_a_label(full: House, texts_of: Said) -> None:
    page = press(full.page("labels", "lead").run(), "retire_k0")
    said = texts_of(page)
    # 甲 is on all 32; on those that are in neither every second nor every fifth it stands alone.
    alone = sum(1 for n in range(32) if n % 2 and n % 5)
    assert f"{alone} 篇會一個標籤都不剩" in said
    assert "「甲」已停用" in texts_of(press(page, "retire_go"))
    assert project(full).label_set.keys == ("k1", "k2")


def test_an_open_desk_hears_of_new_labels_with_its_next_texts(full: House) -> None:
    before, me = project(full), full.people["annotator"]
    with full.open() as db:
        labelling.merge(db, full.project_id, "k2", "k1", by=full.people["lead"].id, now=1.0)
    text = annotate.hand_out(me, before, None, n=4).texts[0]
    with full.open() as db:
        preferences.set_resume(db, me.id, full.project_id, text.id, ("k0", "k2"))
    given = annotate.hand_out(me, before, None, n=4)
    assert given.project.label_set.keys == ("k0", "k1")
    assert given.stopped == (text.id, ("k0", "k1"))


def test_the_guideline_is_written_beside_its_preview(full: House, texts_of: Said) -> None:
    page = press(full.page("labels", "lead").run(), "guideline_edit")
    page.text_area(key=f"guideline_text_{full.project_id}").input("# 準則\n先看**病名**。").run()
    assert "先看**病名**。" in texts_of(page)
    page = press(page, "guideline_save")
    assert "標註準則已儲存" in texts_of(page)
    assert project(full).guideline == "# 準則\n先看**病名**。"
    page = press(press(page, "guideline_again"), "guideline_save")
    assert project(full).guideline == ""
    assert "修改標註準則" in texts_of(page)


def test_two_who_write_the_guideline_do_not_overwrite_each_other(full: House, texts_of: Said) -> None:
    name = f"guideline_text_{full.project_id}"
    page = press(full.page("labels", "lead").run(), "guideline_edit")
    page.text_area(key=name).input("我的版本").run()
    with full.open() as db:
        labelling.set_guideline(db, full.project_id, "別人的版本", seen="", by=full.people["admin"].id, now=9.0)
    page = press(page, "guideline_save")
    said = texts_of(page)
    assert "admin 在你編輯時也改了" in said.replace("\\", "")
    assert "別人的版本" in said
    assert page.text_area(key=name).value == "我的版本"
    assert project(full).guideline == "別人的版本"
    press(page, "guideline_save")
    assert project(full).guideline == "我的版本"


def test_the_page_reads_in_english_and_is_closed_to_annotators(full: House, texts_of: Said) -> None:
    with full.open() as db:
        accounts.set_lang(db, full.people["lead"].id, "en", now=1.0)
        labelling.retire(db, full.project_id, "k2", by=full.people["lead"].id, now=2.0)
    said = texts_of(full.page("labels", "lead").run())
    assert "2 labels" in said
    assert "key 1 · 20 texts, 12 gold" in said
    assert "retired “label 2”" in said
    refused = full.page("labels", "annotator").run()
    assert "這一頁不對你開放" in texts_of(refused) + refused.title[0].value
    assert not refused.button
