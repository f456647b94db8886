"""The label list changes under a choice: the text stays, the choice means what it means now, nothing empty is saved."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.e2e.alone import HOME, OWNER, answer, hear, load, opened, sent, type_keys
from tests.e2e.driving import pressed, shown

pytestmark = pytest.mark.e2e


@pytest.fixture
def page(browser: Browser) -> Page:
    return opened(browser)


def fewer(*docs: int, without: str, **more: Any) -> dict[str, Any]:
    """An answer of a server whose lead has merged or retired a label."""
    full = answer(*docs)
    return {**full, "look": "y", "labels": [one for one in full["labels"] if one["key"] != without], **more}


def said(page: Page) -> str:
    return page.inner_text("[data-part=hint]")


def decided(page: Page) -> list[tuple[int, list[str]]]:
    return [(op["document"], op["labels"]) for op in sent(page)]


def test_a_merged_choice_becomes_the_label_it_was_merged_into(page: Page) -> None:
    hear(page, answer(1, 2, 3))
    type_keys(page, "2")
    hear(page, fewer(1, 2, 3, without="k2", merged={"k2": "k3"}))
    assert (shown(page), pressed(page)) == (1, ["k3"])
    assert "標2" in said(page)
    assert "標3" in said(page)
    type_keys(page, "Enter")
    page.wait_for_function("window.sent.length && window.sent.at(-1).ops.length")
    assert (decided(page), shown(page)) == ([(1, ["k3"])], 2)


@pytest.mark.parametrize("merged", [{}, {"k2": "k9"}], ids=["retired", "merged into one that is gone too"])
def test_a_retired_choice_goes_with_a_word_and_nothing_empty_is_saved(page: Page, merged: dict[str, str]) -> None:
    hear(page, answer(1, 2, 3))
    type_keys(page, "2")
    hear(page, fewer(1, 2, 3, without="k2", merged=merged))
    assert (shown(page), pressed(page)) == (1, [])
    assert "標2" in said(page)
    type_keys(page, "Enter")  # meant for what was there a moment ago
    page.wait_for_timeout(700)
    assert "標2" in said(page)
    type_keys(page, "Enter")
    page.wait_for_timeout(300)
    assert (shown(page), sent(page)) == (1, [])
    assert "還沒選標籤" in said(page)
    type_keys(page, "1", "Enter")
    page.wait_for_function("window.sent.length && window.sent.at(-1).ops.length")
    assert (decided(page), shown(page)) == ([(1, ["k1"])], 2)


def test_of_two_choices_the_one_that_is_left_stays(page: Page) -> None:
    hear(page, answer(1, 2, 3))
    type_keys(page, "1", "2")
    hear(page, fewer(1, 2, 3, without="k2"))
    page.wait_for_timeout(700)
    type_keys(page, "Enter")
    page.wait_for_function("window.sent.length && window.sent.at(-1).ops.length")
    assert decided(page) == [(1, ["k1"])]


def test_a_draft_of_before_the_change_and_an_older_decision_mean_todays_labels(page: Page) -> None:
    draft = f"sessionStorage.setItem('tagtail.draft.{OWNER}.1', {json.dumps(json.dumps([1, ['k2']]))})"
    page.goto(HOME)
    page.evaluate(draft)
    load(page)
    hear(page, fewer(1, 2, without="k2", merged={"k2": "k3"}))
    assert (shown(page), pressed(page)) == (1, ["k3"])
    old = {
        "id": 9, "document": 90, "uid": "u9", "text": "舊的一篇", "labels": ["k2"], "decision": "labelled",
        "comment": "", "versions": 1, "at": 1.0, "left_out": False, "settled": None,
    }  # fmt: skip
    hear(load(page), fewer(1, 2, without="k2", past={"before": None, "more": False, "items": [old]}))
    type_keys(page, "ArrowLeft")
    assert (shown(page), pressed(page)) == (90, [])
    page.evaluate("window.sent.length = 0")
    type_keys(page, "Enter")
    assert shown(page) == 90
    assert "還沒選標籤" in said(page)
    assert sent(page) == []


def of_project(project: int, *docs: int, still: dict[str, Any] | None = None) -> dict[str, Any]:
    """Of one of two projects; its labels travel under a mark, to a board that has not told it yet."""
    given = answer(*docs, project=project, scope=f"{OWNER}.{project}", look=f"look{project}", mark=f"mark{project}")
    return {**given, "labels": [], "still": still}


def named(project: int) -> dict[str, Any]:
    labels = [
        {**one, "key": f"p{project}{one['key']}", "name": f"專{project}{one['name']}"} for one in answer()["labels"]
    ]
    return {"id": f"mark{project}", "values": {"labels": labels}}


def test_back_from_another_project_the_board_has_its_own_labels_again(page: Page) -> None:
    hear(page, of_project(1, 1, 2, still=named(1)))
    assert "專1標2" in page.inner_text("[data-part=board]")
    hear(page, of_project(2, 11, 12, still=named(2)))
    assert "專2標2" in page.inner_text("[data-part=board]")
    # Nothing was decided there, so the server knows of the first project's labels alone, and does not send them again.
    hear(page, of_project(1, 1, 2))
    board = page.inner_text("[data-part=board]")
    assert "專1標2" in board
    assert "專2" not in board
    type_keys(page, "2")
    type_keys(page, "Enter")
    page.wait_for_function("window.sent.length && window.sent.at(-1).ops.length")
    assert decided(page) == [(1, ["p1k2"])]
