"""The form of a project's settings in a real browser: its fields stand in lines, and on a telephone in their order."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, FloatRect, Locator, Page, expect

from pages.shared.training import EXPERT
from tests.e2e.driving import TELEPHONE, Server, at_rest, sign_in

pytestmark = pytest.mark.e2e


@pytest.fixture
def form(browser: Browser, server: Server) -> Page:
    """The form with its expert settings open."""
    page = sign_in(browser, server, "lina")
    page.goto(f"{server.url}/data")
    page.get_by_role("tab", name="設定").click()
    page.get_by_text("進階設定").click()
    expect(field(page, "sentence_tokens")).to_be_visible()
    return page


def field(page: Page, name: str) -> Locator:
    return page.locator(f"[class*=st-key-round_{name}_]")


def boxes(page: Page, *names: str) -> list[FloatRect]:
    return at_rest(*(field(page, name) for name in names))


def test_a_switch_stands_in_the_line_of_its_neighbours(form: Page) -> None:
    names = ("encoder_frozen", "encoder_epochs", "encoder_lr", "head_lr")
    switch, beside, encoder, head = boxes(form, *names)
    assert switch["y"] + switch["height"] == pytest.approx(beside["y"] + beside["height"], abs=1)
    assert encoder["y"] == pytest.approx(head["y"], abs=1)


def test_on_a_telephone_fields_keep_their_order(form: Page) -> None:
    form.set_viewport_size(TELEPHONE)
    expect(field(form, "encoder_frozen")).to_be_visible()
    names = [name for group in EXPERT.values() for name in group]
    found = boxes(form, *names)
    places = [each["y"] for each in found]
    assert places == sorted(places)
    assert len({round(each["x"]) for each in found}) == 1, "one below the other"
