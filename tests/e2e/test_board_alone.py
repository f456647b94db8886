"""The board without a server: what it does with each answer, and what it does while there is none."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page

from pages.shared import desk_data
from tests.e2e.alone import OWNER, answer, first_sent, hear, kept, load, opened, put, sent, shelf, type_keys
from tests.e2e.driving import board_state, pressed, shown

pytestmark = pytest.mark.e2e


@pytest.fixture
def page(browser: Browser) -> Page:
    return opened(browser)


def test_a_text_that_is_swapped_under_the_fingers_takes_no_key_meant_for_the_last(page: Page) -> None:
    hear(page, answer(1, 2, 3))
    hear(page, answer(2, 3))  # the first one was decided in another tab
    assert shown(page) == 2
    assert desk_data.board_words()["swapped"] == page.inner_text("[data-part=hint]")
    page.wait_for_timeout(60)
    type_keys(page, "1", "s", "f", "Enter")
    page.evaluate(
        "document.querySelector('[data-label=k2]').click()"
    )  # at once: Playwright's own waits for a still page
    assert (shown(page), pressed(page), sent(page)) == (2, [], [])
    assert page.is_hidden("[data-part=flagging]")
    page.wait_for_timeout(700)
    type_keys(page, "1", "Enter")
    page.wait_for_function("window.sent.length")
    assert (shown(page), [op["document"] for op in sent(page)]) == (3, [2])


def test_a_comment_that_is_being_written_keeps_its_text(page: Page) -> None:
    hear(page, answer(1, 2, 3))
    type_keys(page, "f")
    page.keyboard.type("12s")
    hear(page, answer(2, 3))
    page.keyboard.type("u文")
    assert page.input_value("[data-part=comment]") == "12su文"
    page.keyboard.press("Enter")
    page.wait_for_function("window.sent.length")
    assert [(op["document"], op["decision"], op["comment"]) for op in sent(page)] == [(1, "flagged", "12su文")]


def test_a_refused_undo_goes_on_with_the_next_text_and_guards_it(page: Page) -> None:
    hear(page, answer(1, 2, 3))
    type_keys(page, "s")
    page.wait_for_function("window.sent.length")
    hear(page, answer(2, 3, acked=[first_sent(page)["uid"]], heard=1))
    type_keys(page, "u")
    page.wait_for_function("window.sent.length > 1")
    assert shown(page) == 1
    refusal = {"uid": first_sent(page)["uid"], "sentence": "這一篇已經到了同事手上。"}
    hear(page, answer(2, 3, refused=[refusal], heard=2))
    assert shown(page) == 2
    assert "同事" in page.inner_text("[data-part=notices]")
    type_keys(page, "1", "s", "Enter")
    assert (shown(page), pressed(page)) == (2, [])
    assert board_state(page) == "saved"
    assert shelf(page) == []


def test_trouble_with_the_database_leaves_the_text_and_its_labels_on_the_desk(page: Page) -> None:
    hear(page, answer(1, 2, 3))
    type_keys(page, "2")
    trouble = {"trouble": "磁碟滿了", "handed": False, "more": False, "empty": {"title": "暫時", "body": ""}}
    zeros = {"today": 0, "labelled": 0, "pool": 0, "daily_goal": 0}
    hear(page, answer(**trouble, progress=zeros))
    assert (shown(page), pressed(page)) == (1, ["k2"])
    assert "磁碟滿了" in page.inner_text("[data-part=notices]")
    assert "5 / 9" in page.inner_text("[data-part=pool]")
    type_keys(page, "Enter")  # work goes on with what is here
    assert shown(page) == 2
    hear(page, answer(**trouble, progress=zeros))
    assert shown(page) == 2
    type_keys(page, "1", "Enter", "1", "Enter")
    assert page.inner_text("[data-part=empty-title]") == "暫時"
    page.wait_for_function("window.sent.length && window.sent.at(-1).ops.length === 3")
    hear(page, answer(4, acked=[op["uid"] for op in sent(page)]))
    assert (shown(page), board_state(page)) == (4, "saved")
    assert page.inner_text("[data-part=notices]") == ""


def test_what_is_unsent_travels_from_project_to_project(page: Page) -> None:
    hear(page, answer(1, 2))
    type_keys(page, "1", "Enter")
    page.wait_for_function("window.sent.length")
    uid = first_sent(page)["uid"]
    page.evaluate("window.sent.length = 0")
    hear(page, answer(11, 12, scope=f"{OWNER}.2", project=2, sid="t"))
    page.wait_for_function("window.sent.length")
    assert [(op["uid"], op["project"]) for op in sent(page)] == [(uid, 1)]
    assert shown(page) == 11
    hear(page, answer(11, 12, scope=f"{OWNER}.2", project=2, sid="t", acked=[uid]))
    assert (shelf(page), board_state(page)) == ([], "saved")


def test_a_damaged_entry_hides_no_other_and_another_persons_are_left_alone(page: Page) -> None:
    old_name = (f"tagtail.op.{OWNER}.3.uc", kept("uc", 23, 3)[1])  # as an earlier version named them
    damaged = [(f"tagtail.op.{OWNER}.{n}", value) for n, value in enumerate(("{broken", "null", "[1]", '{"uid": 5}'))]
    theirs = (f"tagtail.op.{OWNER}1.ux", kept("ux", 9, 1)[1])
    put(page, kept("ub", 22, 2), *damaged, theirs, old_name, kept("ua", 21, 1))
    hear(page, answer(1, 2))
    page.wait_for_function("window.sent.length")
    assert [op["uid"] for op in sent(page)] == ["ua", "ub", "uc"]
    hear(page, answer(1, 2, acked=["ua", "ub", "uc"]))
    assert shelf(page) == sorted([theirs[0], *(name for name, _ in damaged)])


def test_a_clock_that_was_set_back_does_not_put_an_undo_before_its_save(page: Page) -> None:
    ahead = 4_000_000_000_000
    put(page, kept("ua", 21, ahead))
    hear(page, answer(1, 2))
    type_keys(page, "1", "Enter", "u")
    page.wait_for_function("window.sent.length && window.sent.at(-1).ops.length === 3")
    hear(load(page), answer(1, 2))  # now the order comes from the shelf
    page.wait_for_function("window.sent.length")
    assert [op["kind"] for op in sent(page)] == ["save", "save", "undo"]
    assert [op["at"] for op in sent(page)] == [ahead, ahead + 1, ahead + 2]


def test_what_another_tab_left_behind_is_delivered_from_here(page: Page) -> None:
    hear(page, answer(1, 2))
    put(page, kept("ub", 22, 2, project=9))
    page.wait_for_timeout(1500)
    assert sent(page) == []  # the other tab may be at it still
    page.wait_for_function("window.sent.length && window.sent.at(-1).ops.length === 1", timeout=15_000)
    assert (first_sent(page)["uid"], first_sent(page)["project"]) == ("ub", 9)
    hear(page, answer(1, 2, acked=["ub"]))
    assert (shelf(page), board_state(page), shown(page)) == ([], "saved", 1)


def test_skipped_texts_are_taken_back_from_an_empty_desk_alone(page: Page) -> None:
    left = {"title": "剩下你略過的 1 篇", "body": "", "again": "取回略過的 1 篇"}
    hear(page, answer(1))
    type_keys(page, "r")
    assert sent(page) == []
    type_keys(page, "s")
    page.wait_for_function("window.sent.length")
    hear(page, answer(acked=[first_sent(page)["uid"]], empty=left))
    assert page.is_visible("[data-part=again]")
    page.evaluate("window.sent.length = 0")
    type_keys(page, "r", "r")
    page.wait_for_function("window.sent.length")
    assert [(op["kind"], op["project"]) for op in sent(page)] == [("reopen", 1)]
    assert page.is_hidden("[data-part=again]")
    hear(page, answer(1, acked=[first_sent(page)["uid"]]))
    assert shown(page) == 1


def test_an_archived_project_says_so_in_words_of_its_own(page: Page) -> None:
    hear(page, answer(1, 2))
    type_keys(page, "1", "Enter")
    page.wait_for_function("window.sent.length")
    archived = {"title": "已封存", "body": "存過的都還在"}
    hear(page, answer(state="removed", archived=True, archived_words=archived, acked=[op["uid"] for op in sent(page)]))
    assert page.inner_text("[data-part=hint]") == "已封存"
    assert page.inner_text("[data-part=empty]").split() == ["已封存", "存過的都還在"]
    type_keys(page, "1", "Enter")
    assert (pressed(page), shelf(page)) == ([], [])
