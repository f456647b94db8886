"""The row over the text: it tells what is going on, and the text under it stays where it is."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page

from pages.shared import desk_data
from pages.shared.i18n import say
from tests.e2e.alone import answer, hear, opened, sent, type_keys
from tests.e2e.driving import board_state, shown

pytestmark = pytest.mark.e2e


def top_of_paper(page: Page) -> float:
    return page.evaluate("document.querySelector('[data-part=paper]').getBoundingClientRect().top")


@pytest.mark.parametrize("width", [960, 1040, 1440])
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_text_stays_where_it_is_whatever_the_row_says(browser: Browser, lang: str, width: int) -> None:
    page = opened(browser, viewport={"width": width, "height": 900})
    words = {name: say(f"annotate.{name}", lang) for name in desk_data.WORDS}
    progress = {"today": 1234, "labelled": 56789, "pool": 149000, "daily_goal": 2000}
    hear(page, answer(*range(1, 10), lang=lang, words=words, progress=progress))
    before = top_of_paper(page)
    for _ in range(6):
        type_keys(page, "1", "Enter")
    hear(page, answer(*range(7, 10), lang=lang, words=words, progress=progress, acked=[op["uid"] for op in sent(page)]))
    assert page.text_content("[data-part=pace]")
    assert top_of_paper(page) == before
    page.route("**/_stcore/health", lambda route: route.abort())
    type_keys(page, "1", "Enter")
    page.wait_for_selector("[data-part=state][data-state=offline]", timeout=8000)
    assert top_of_paper(page) == before
    assert page.get_attribute("[data-part=state]", "title") == words["state_offline"].replace("{n}", "1")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_a_server_that_answers_nothing_at_all_is_a_line_that_is_down(browser: Browser) -> None:
    page = opened(browser)
    hear(page, answer(1, 2))
    silent = []
    page.route("**/_stcore/health", lambda route: silent.append(route))  # a port that is open, and nobody behind it
    type_keys(page, "1", "Enter")
    page.wait_for_function("window.sent.length")
    assert board_state(page) == "saving"
    page.wait_for_selector("[data-part=state][data-state=offline]", timeout=5000)
    assert "留在這台電腦" in page.inner_text("[data-part=state]")
    page.unroute("**/_stcore/health")
    hear(page, answer(2, acked=[op["uid"] for op in sent(page)], heard=page.evaluate("window.sent.at(-1).n")))
    assert (board_state(page), shown(page)) == ("saved", 2)


def test_a_long_address_does_not_tear_the_lines_apart(browser: Browser) -> None:
    page = opened(browser)
    hear(page, answer(1))
    assert page.evaluate("getComputedStyle(document.querySelector('[data-part=text]')).textAlign") == "start"
