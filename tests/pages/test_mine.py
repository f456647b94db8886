"""The My work page: past texts found, opened and changed; agreement and days in words."""

from __future__ import annotations

import datetime as dt
import json
import re
import time
import uuid
from collections.abc import Callable, Sequence

import pytest
from streamlit.testing.v1 import AppTest

from core.services import accounts, looking_back, preferences, settling
from core.services.looking_back import Day
from db import annotations
from db.annotations import NewAnnotation
from db.connect import execute, rows, value, writing
from pages.shared import my_charts, my_html
from tests.conftest import make_project
from tests.pages.conftest import House

Said = Callable[[AppTest], str]
LONG = "血壓偏高的人要少吃鹽。" * 30


def decided(
    house: House, text: str, labels: Sequence[str] = ("k0",), *, who: str = "annotator", decision: str = "labelled",
    comment: str = "", days_ago: float = 0.0, role: str = "pool",
) -> int:  # fmt: skip
    """A text and somebody's decision on it; a text that is there already gets one more decision."""
    now = time.time() - days_ago * 86_400
    with house.open() as db, writing(db):
        found = value(db, "SELECT id FROM documents WHERE text = :t", t=text)
        if found is None:
            n = value(db, "SELECT count(*) FROM documents")
            found = execute(
                db,
                "INSERT INTO documents (project_id, external_id, text, sha256, role, shuffle, created_at) "
                "VALUES (:p, :n, :t, :n, :role, :n, 0)",
                p=house.project_id, n=str(n), t=text, role=role,
            ).lastrowid  # fmt: skip
        new = NewAnnotation(
            project_id=house.project_id, document_id=found, user_id=house.people[who].id, decision=decision,
            labels=tuple(labels), submission_id=uuid.uuid4().hex, comment=comment, ms=8000,
        )  # fmt: skip
        annotations.append(db, new, now=now)
    return int(found)


def settle(house: House, document_id: int, labels: Sequence[str], comment: str = "") -> None:
    with house.open() as db, writing(db):
        execute(
            db,
            "INSERT INTO adjudications (document_id, project_id, labels, comment, user_id, at) "
            "VALUES (:d, :p, :l, :c, :u, :at)",
            d=document_id, p=house.project_id, l=json.dumps(labels), c=comment, u=house.people["reviewer"].id,
            at=time.time(),
        )  # fmt: skip


def versions(house: House, document_id: int) -> list[tuple[str, list[str]]]:
    """The annotator's decisions on a text, oldest first."""
    with house.open() as db:
        found = rows(
            db,
            "SELECT decision, labels FROM annotations WHERE document_id = :d AND user_id = :u ORDER BY id",
            d=document_id, u=house.people["annotator"].id,
        )  # fmt: skip
    return [(each["decision"], json.loads(each["labels"])) for each in found]


def read(page: AppTest) -> str:
    """What stands in the page's own HTML, tags left out."""
    assert not page.exception, [each.value for each in page.exception]
    blocks = [each.proto.body for each in page.get("html") if not each.proto.body.startswith("<style")]
    return re.sub(r"<[^>]+>", " ", re.sub(r"</?mark>", "", "\n".join(blocks)))


def mine(house: House, text: int | str | None = None, tab: str | None = None) -> AppTest:
    page = house.page("mine", "annotator")
    if text is not None:
        page.query_params["text"] = str(text)
    if tab is not None:
        page.session_state["mine_tab"] = tab
    return page.run()


def test_without_work_the_page_says_what_will_be_here(house: House, texts_of: Said) -> None:
    assert "還沒有標過文章" in texts_of(mine(house))
    assert "還沒有可以比的文章" in texts_of(mine(house, tab="與定案比一比"))
    assert "最近 30 天沒有標註" in texts_of(mine(house, tab="每天的量"))


def test_my_texts_are_listed_and_nobody_elses(house: House, texts_of: Said) -> None:
    decided(house, LONG, ("k0", "k1"), days_ago=1)
    decided(house, "別人標的文章", who="lead")
    decided(house, "看不懂的文章", (), decision="skipped")
    page = mine(house)
    said = read(page)
    assert "共 2 篇" in texts_of(page)
    assert said.index("看不懂的文章") < said.index("血壓偏高"), "newest first"
    assert "甲" in said
    assert "略過" in said
    assert "別人標的文章" not in said
    assert LONG not in said, "a list shows the beginning"


def test_search_and_filters_narrow_the_list(house: House, texts_of: Said) -> None:
    decided(house, "血壓與運動", ("k0",))
    decided(house, "血壓與藥物", ("k1",))
    decided(house, "睡眠", ("k1",))
    page = mine(house)
    page.text_input(key="mine_query").input("血壓").run()
    assert "共 2 篇" in texts_of(page)
    page.selectbox(key="mine_label").select("k1").run()
    assert "血壓與藥物" in read(page)
    assert "血壓與運動" not in read(page)
    page.text_input(key="mine_query").input("沒有這個詞").run()
    assert "沒有符合的文章" in texts_of(page)
    page.text_input(key="mine_query").input("").run()
    page.segmented_control(key="mine_filter").select("differs").run()
    assert "沒有符合的文章" in texts_of(page)
    page.selectbox(key="mine_label").select("").run()
    assert "目前沒有與定案不同的文章" in texts_of(page)


def test_the_label_looked_for_outlasts_a_change_of_language(house: House, texts_of: Said) -> None:
    decided(house, "血壓與運動", ("k0",))
    decided(house, "血壓與藥物", ("k1",))
    page = mine(house)
    page.selectbox(key="mine_label").select("k1").run()
    for language, key, chosen in (("en", "mine_label_en", "k0"), ("zh", "mine_label", "k0")):
        before = page.selectbox[0].value
        with house.open() as db:
            accounts.set_lang(db, house.people["annotator"].id, language, now=1.0)
        page.run()
        choice = page.selectbox(key=key)  # another widget to the browser, which keeps the words chosen in the old one
        assert choice.value == before
        assert "血壓與藥物" in read(page) if before == "k1" else "血壓與運動" in read(page)
        choice.set_value(chosen).run()
        assert "血壓與藥物" not in read(page)
    texts_of(page)


def test_thousands_in_a_table_have_a_comma() -> None:
    assert "<td>12,345</td><td>a 1234</td>" in my_html.table(("", "", ""), [("first", 12_345, "a 1234")])


def test_more_is_shown_when_asked_for(house: House, texts_of: Said) -> None:
    for n in range(23):
        decided(house, f"第 {n:02} 篇")
    page = mine(house)
    assert "最近的 20 篇" in texts_of(page)
    assert "第 02 篇" not in read(page)
    page.button(key="mine_more").click().run()
    assert "共 23 篇" in texts_of(page)
    assert "第 00 篇" in read(page)


def test_what_people_wrote_is_shown_and_never_run(house: House) -> None:
    document = decided(house, "<img src=x onerror=alert(1)> 血壓 <b>粗</b>", comment="<i>x</i>", decision="flagged")
    page = mine(house, document)
    page.text_input(key="mine_query").input("<b>").run()
    bodies = "".join(each.proto.body for each in page.get("html"))
    assert "<img" not in bodies
    assert "<b>粗" not in bodies
    assert "&lt;img" in bodies


def test_a_text_is_opened_by_its_address_and_read_in_full(house: House) -> None:
    document = decided(house, LONG + "\n第二段。", ("k0", "k2"))
    page = mine(house, document)
    assert LONG in read(page)
    assert "第二段。" in read(page)
    chosen = page.pills(key=f"mine_labels_{document}_1")
    assert chosen.value == ["k0", "k2"]
    assert page.button(key=f"mine_save_{document}_1").disabled, "nothing is changed yet"


@pytest.mark.parametrize(
    ("address", "said"), [("7", "沒有第 7 號的決定"), ("x", "編號不對"), ("9" * 30, "編號不對"), ("-1", "編號不對")]
)
def test_an_address_that_leads_nowhere_is_said_so(house: House, texts_of: Said, address: str, said: str) -> None:
    decided(house, "一篇")
    assert said in texts_of(mine(house, address))


def test_another_persons_text_is_not_opened_by_its_address(house: House, texts_of: Said) -> None:
    document = decided(house, "主持人標的秘密文章", who="lead")
    page = mine(house, document)
    assert f"沒有第 {document} 號的決定" in texts_of(page)
    assert "秘密" not in read(page)


def test_an_old_decision_is_changed_and_the_former_kept(house: House, texts_of: Said) -> None:
    document = decided(house, "一篇", ("k0",), days_ago=3)
    page = mine(house, document)
    page.pills(key=f"mine_labels_{document}_1").select("k1").run()
    page.button(key=f"mine_save_{document}_1").click().run()
    assert "已存成新版本" in texts_of(page)
    assert versions(house, document) == [("labelled", ["k0"]), ("labelled", ["k0", "k1"])]
    assert page.pills(key=f"mine_labels_{document}_2").value == ["k0", "k1"]
    assert [each.label for each in page.expander] == ["版本（2）"]
    assert "改過 1 次" in read(page), "the list behind shows it too"
    with house.open() as db:
        training = settling.label_sets(db, house.project_id, "pool")
    assert [each.labels for each in training] == [frozenset({"k0", "k1"})]


def test_a_change_without_labels_is_refused_and_what_was_chosen_stays(house: House, texts_of: Said) -> None:
    document = decided(house, "一篇", ("k0",))
    page = mine(house, document)
    page.pills(key=f"mine_labels_{document}_1").unselect("k0").run()
    page.button(key=f"mine_save_{document}_1").click().run()
    assert [each.value for each in page.error]
    assert page.pills(key=f"mine_labels_{document}_1").value == []
    assert versions(house, document) == [("labelled", ["k0"])]
    page.pills(key=f"mine_labels_{document}_1").select("k2").run()
    page.button(key=f"mine_save_{document}_1").click().run()
    assert versions(house, document)[-1] == ("labelled", ["k2"])


def test_a_labelled_text_becomes_a_flag_with_a_comment(house: House) -> None:
    document = decided(house, "一篇", ("k0",))
    page = mine(house, document)
    page.segmented_control(key=f"mine_as_{document}_1").select("flagged").run()
    page.text_area(key=f"mine_comment_{document}_1").input("兩篇黏在一起").run()
    page.button(key=f"mine_save_{document}_1").click().run()
    with house.open() as db:
        flags = annotations.flagged(db, house.project_id)
    assert [(each["document_id"], each["comment"]) for each in flags] == [(document, "兩篇黏在一起")]


def test_a_settled_text_shows_both_and_cannot_be_changed(house: House, texts_of: Said) -> None:
    document = decided(house, "一篇", ("k0", "k1"))
    settle(house, document, ["k0", "k2"], "看 <第二段>")
    page = mine(house, document)
    said, around = read(page), texts_of(page)
    assert re.search(r"乙\s+定案沒有", said)
    assert re.search(r"丙\s+你沒選", said)
    assert "已定案，與你不同" in around
    assert "看 \\<第二段\\>" in around
    assert "不能再改" in around
    assert not page.pills
    assert [each.key for each in page.button if each.key and "save" in each.key] == []
    page = mine(house)
    page.segmented_control(key="mine_filter").select("differs").run()
    assert "一篇" in read(page)


def test_a_text_settled_while_it_lay_open_says_so(house: House, texts_of: Said) -> None:
    document = decided(house, "一篇", ("k0",))
    page = mine(house, document)
    page.pills(key=f"mine_labels_{document}_1").select("k1").run()
    settle(house, document, ["k0"])
    page.button(key=f"mine_save_{document}_1").click().run()
    assert "定案" in page.error[0].value
    assert versions(house, document) == [("labelled", ["k0"])]


def test_a_version_of_another_tab_is_noticed(house: House, texts_of: Said) -> None:
    document = decided(house, "一篇", ("k0",))
    page = mine(house, document)
    decided(house, "一篇", ("k2",))
    page.run()
    assert "別的分頁" in texts_of(page)
    assert page.pills(key=f"mine_labels_{document}_2").value == ["k2"]


def test_from_one_text_to_its_neighbours(house: House) -> None:
    first, second = decided(house, "舊的那一篇"), decided(house, "新的那一篇")
    page = mine(house, second)
    assert page.button(key="mine_newer").disabled
    page.button(key="mine_older").click().run()
    assert page.query_params["text"] == str(first)
    assert page.button(key="mine_older").disabled


def test_agreement_in_words_and_figures(house: House, texts_of: Said) -> None:
    for n in range(12):
        document = decided(house, f"第 {n} 篇", ("k0", "k1") if n < 4 else ("k0",))
        settle(house, document, ["k0"] if n else ["k0", "k1", "k2"])
    page = mine(house, tab="與定案比一比")
    said = texts_of(page)
    assert "比較 12 篇：12 篇由審閱者定案" in said
    assert {each.label: each.value for each in page.metric}["完全相同"] == "67 %"
    assert "較常多選：乙（3 篇）" in said
    assert "較常漏選：丙（1 篇）" in said
    assert re.search(r"乙\s+25 % \(1/4\)", read(page))


def test_few_texts_are_no_agreement(house: House, texts_of: Said) -> None:
    settle(house, decided(house, "一篇"), ["k0"])
    page = mine(house, tab="與定案比一比")
    assert f"滿 {looking_back.LEAST_COMPARED} 篇才顯示" in texts_of(page)
    assert not page.metric


def test_days_are_told_in_a_sentence_with_my_own_goal(house: House, texts_of: Said) -> None:
    for n in range(3):
        decided(house, f"第 {n} 篇", days_ago=n)
    with house.open() as db:
        preferences.set_desk(db, house.people["annotator"].id, {"daily_goal": 7}, now=time.time())
    said = texts_of(mine(house, tab="每天的量"))
    assert "有 3 天在標，共 3 篇" in said
    assert "中位數是 8 秒" in said
    assert "一天 7 篇的目標" in said


def test_the_goal_is_a_line_and_without_one_there_is_none() -> None:
    found = [Day(day=dt.date(2026, 11, n), n=n, median_s=None if n == 1 else 4.2) for n in (1, 2)]
    figure = my_charts.days(found, 9, "en")
    assert [shape.y0 for shape in figure.layout.shapes] == [9]
    assert list(figure.data[0].text) == ["11/01: 1 texts", "11/02: 2 texts, 4 s each"]
    assert not my_charts.days(found, 0, "zh").layout.shapes


def test_an_excerpt_begins_near_the_word_that_was_searched_for() -> None:
    text = "字" * 500 + "血壓" + "尾" * 500
    assert "<mark>血壓</mark>" in my_html.excerpt(text, ["血壓"])
    assert "<mark>" not in my_html.excerpt(text)
    assert my_html.excerpt("短文", ["("]) == '<div class="tt-excerpt" lang="zh-Hant">短文</div>'


def test_a_project_of_others_is_not_shown(house: House, texts_of: Said) -> None:
    with house.open() as db:
        other = make_project(db, key="other")
        execute(db, "DELETE FROM members WHERE project_id = :p", p=other)
    page = house.page("mine", "annotator")
    page.session_state["project_id"] = other
    page.run()
    texts_of(page)
    assert page.session_state["project_id"] == house.project_id
