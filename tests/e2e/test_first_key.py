"""The first key on a board is the board's, however one came there."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page

from tests.e2e.alone import OWNER, answer, hear, opened, sent
from tests.e2e.driving import A_TEXT, Server, label_keys, open_board, pressed, shown, sign_in, wait_saved

pytestmark = pytest.mark.e2e

SIDEBAR = """() => {
  const side = document.createElement('div');
  side.dataset.testid = 'stSidebar';
  side.innerHTML = '<a href="#here">here</a><button><span>English</span></button><input role="combobox">';
  document.body.prepend(side);
}"""


def go(page: Page, name: str, *, by_key: bool = False) -> None:
    """Follows a sidebar link, by pointer or by Enter."""
    link = page.locator("[data-testid=stSidebarNav]").get_by_role("link", name=name, exact=True)
    if by_key:
        link.focus()
        page.keyboard.press("Enter")
    else:
        link.click()


@pytest.mark.parametrize("by_key", [False, True], ids=["pointer", "keyboard"])
def test_after_a_sidebar_link_the_first_enter_saves(browser: Browser, server: Server, by_key: bool) -> None:
    page = sign_in(browser, server, "amy")
    open_board(page, server)
    go(page, "我的標註", by_key=by_key)
    page.wait_for_selector("h1:has-text('我的標註')")
    go(page, "標註", by_key=by_key)
    page.wait_for_selector(A_TEXT)
    here, names = shown(page), label_keys(page)
    page.wait_for_selector("[data-label]:enabled")
    page.keyboard.press("2")
    page.keyboard.press("Enter")
    wait_saved(page)
    assert shown(page) != here
    assert [(each["document_id"], each["labels"]) for each in server.decisions("amy")][-1] == (here, names[1:2])
    here = shown(page)
    go(page, "標註")  # to the page that one is on
    page.wait_for_timeout(1500)
    page.keyboard.press("3")
    page.keyboard.press("Enter")
    wait_saved(page)
    assert server.decisions("amy")[-1]["document_id"] == here


def test_a_field_keeps_the_focus_and_another_project_takes_it(browser: Browser) -> None:
    page = opened(browser)
    page.evaluate(SIDEBAR)
    page.focus("[role=combobox]")
    hear(page, answer(1, 2))
    page.keyboard.press("1")
    assert pressed(page) == []
    hear(page, answer(11, 12, scope=f"{OWNER}.2", project=2))
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    assert shown(page) == 12
    page.click("[data-testid=stSidebar] a")
    page.keyboard.press("2")
    page.keyboard.press("Enter")
    assert page.inner_text("[data-part=empty]")


def test_a_button_of_the_sidebar_gives_the_enter_key_back(browser: Browser) -> None:
    page = opened(browser)
    page.evaluate(SIDEBAR)
    hear(page, answer(1, 2, 3, 4))
    page.keyboard.press("1")
    page.click("[data-testid=stSidebar] span")
    page.keyboard.press("Enter")
    assert shown(page) == 2
    page.focus("[data-testid=stSidebar] button")  # by Tab: it keeps the focus, until a label is chosen
    page.keyboard.press("Enter")
    assert shown(page) == 2
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    assert shown(page) == 3
    page.focus("[data-act=skip]")
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    page.wait_for_function("window.sent.length && window.sent.at(-1).ops.length === 3")
    assert [op["decision"] for op in sent(page)] == ["labelled"] * 3


def test_after_the_language_was_switched_enter_saves_and_sign_out_speaks_it(browser: Browser, server: Server) -> None:
    page = sign_in(browser, server, "bob")
    open_board(page, server)
    page.get_by_text("English", exact=True).click()
    page.wait_for_selector("[data-part=save]:has-text('Save and next')")
    out = page.locator("form[action='/logout'] button")
    words = set()
    for _ in range(6):
        page.wait_for_timeout(400)
        words.add(out.inner_text())
    assert words == {"Sign out"}
    here = shown(page)
    page.keyboard.press("2")
    page.keyboard.press("Enter")
    wait_saved(page)
    assert [each["document_id"] for each in server.decisions("bob")] == [here]
