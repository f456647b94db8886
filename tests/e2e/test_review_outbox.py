"""A settlement is kept in the browser until the server has it on disk."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.driving import Server
from tests.e2e.test_review import on_desk, open_review, reviewed, settled

pytestmark = pytest.mark.e2e
__all__ = ["reviewed"]  # the fixture

KEPT = "Object.keys(localStorage).filter((name) => name.startsWith('tagtail.settle.')).length"
STATE = "[data-part=state]"


def wait_kept(page: Page, n: int) -> None:
    """Until so many are on this browser's shelf; the page's own policy forbids Playwright's waiting."""
    until = time.monotonic() + 20
    while page.evaluate(KEPT) != n:
        assert time.monotonic() < until
        page.wait_for_timeout(100)


def settle(page: Page, *keys: str) -> str:
    """Settles the case on the desk; → which text that was."""
    here = on_desk(page)
    for key in (*keys, "Enter"):
        page.keyboard.press(key)
    return here


def test_settlements_outlive_a_killed_server_and_a_reload(browser: Browser, reviewed: Server) -> None:
    page = open_review(browser, reviewed)
    reviewed.kill()
    first = settle(page, "a")
    page.keyboard.press("b")  # chosen for the next one, not settled
    expect(page.locator(STATE)).to_have_attribute("data-state", "offline", timeout=15_000)
    assert "1 筆" in page.inner_text(STATE)
    assert page.evaluate(KEPT) == 1
    drafted = page.eval_on_selector_all("[data-label][aria-pressed=true]", "all => all.map((one) => one.dataset.label)")
    reviewed.start()
    assert [str(each["document_id"]) for each in settled(reviewed, 1)] == [first], "the page comes back by itself"
    wait_kept(page, 0)
    page.wait_for_selector("[data-part=people] li")
    again = page.eval_on_selector_all("[data-label][aria-pressed=true]", "all => all.map((one) => one.dataset.label)")
    assert again == drafted
    reviewed.kill()
    second = settle(page, "b")
    third = settle(page, "b")
    wait_kept(page, 2)
    reviewed.start()
    page.on("dialog", lambda dialog: dialog.accept())  # unsent work: the browser asks before it leaves
    page.reload()
    found = settled(reviewed, 3)
    assert [str(each["document_id"]) for each in found] == [first, second, third], (
        "in the order in which they were made"
    )
    wait_kept(page, 0)
    events = reviewed.rows("SELECT kind FROM events WHERE kind LIKE 'adjudicat%'")
    assert [each["kind"] for each in events] == ["adjudicated"] * 3


def test_the_boards_code_is_not_sent_with_each_settlement(browser: Browser, reviewed: Server) -> None:
    received: list[int] = []
    page = open_review(browser, reviewed)
    page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: received.append(len(frame))))
    page.reload()
    page.wait_for_selector("[data-part=people] li")
    settle(page, "a")
    expect(page.locator(STATE)).to_have_attribute("data-state", "saved")
    page.wait_for_timeout(500)
    received.clear()
    settle(page, "b")
    wait_kept(page, 0)
    assert 0 < sum(received) < 15_000, received
