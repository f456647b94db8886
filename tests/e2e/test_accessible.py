"""The desk's pages against WCAG 2.2 AA, as far as axe-core can tell; light and dark."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.e2e.driving import DESKTOP, TELEPHONE, Server, open_board, sign_in
from tests.e2e.test_review import reviewed

pytestmark = pytest.mark.e2e
__all__ = ["reviewed"]  # the fixture

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
RUN = "(rules) => axe.run(document, {runOnly: rules, resultTypes: ['violations']})"


def faults(page: Page, where: str) -> list[tuple[str, str, str]]:
    """What axe finds on the page as it is now: where, which rule, and the element."""
    page.wait_for_timeout(500)
    page.mouse.move(0, 0)
    page.evaluate(files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8"))
    found: list[dict[str, Any]] = page.evaluate(RUN, RULES)["violations"]
    return [(where, each["id"], node["html"][:160]) for each in found for node in each["nodes"]]


@pytest.mark.parametrize(("scheme", "size"), [("light", DESKTOP), ("dark", TELEPHONE)], ids=["light", "dark"])
def test_the_pages_of_the_desk_break_no_rule(
    browser: Browser, reviewed: Server, scheme: str, size: dict[str, int]
) -> None:
    reviewed.run("UPDATE users SET role = 'admin' WHERE name = 'lina'")
    # The policy of our pages lets no script in, axe's neither.
    page = sign_in(browser, reviewed, "lina", color_scheme=scheme, viewport=size, bypass_csp=True)
    open_board(page, reviewed)
    page.keyboard.press("1")
    found = faults(page, "annotate")
    for key, name in (("?", "help"), (",", "settings"), ("g", "guide"), ("f", "flag")):
        page.keyboard.press(key)
        found += faults(page, name)
        page.keyboard.press("Escape")
    for name in ("mine", "review", "labels", "people", "data"):
        page.goto(f"{reviewed.url}/{name}")
        page.wait_for_selector("h1")
        page.wait_for_timeout(1500)
        found += faults(page, name)
        tabs = page.get_by_role("tab")
        for n in range(1, tabs.count()):
            tabs.nth(n).click()
            found += faults(page, f"{name} {n}")
    assert found == []
