"""A tab that is closed gives back what it held ahead, and keeps the text on the desk."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import Browser

from tests.e2e.driving import Server, open_board, shown, sign_in, wait_saved

pytestmark = pytest.mark.e2e

HELD = (
    "SELECT l.document_id FROM leases l JOIN users u ON u.id = l.user_id "
    "WHERE u.name = ? AND l.state = 'open' AND l.until > ?"
)


def held(server: Server, name: str) -> set[int]:
    return {each["document_id"] for each in server.rows(HELD, name, time.time())}


def test_a_closed_tab_gives_back_all_but_the_text_on_the_desk(browser: Browser, server: Server) -> None:
    page = sign_in(browser, server, "amy")
    open_board(page, server)
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    wait_saved(page)
    here = shown(page)
    assert len(held(server, "amy")) > 1
    page.close(run_before_unload=True)
    until = time.monotonic() + 40
    while held(server, "amy") != {here} and time.monotonic() < until:
        time.sleep(0.5)
    assert held(server, "amy") == {here}
