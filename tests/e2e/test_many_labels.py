"""A project of a thousand labels before a real server: labelled by keyboard alone, and every page opens."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing

import pytest
from playwright.sync_api import Browser, Page, expect

from core.services import accounts
from db.connect import open_database
from tests import many_labels
from tests.e2e.driving import DESKTOP, PASSWORD, TELEPHONE, Server, open_board, running, shown, sign_in, wait_saved

pytestmark = pytest.mark.e2e
SIZE = many_labels.Size(labels=1000, texts=160, gold=60, done=60)


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with such a project beside the demo; meg and moe are members of that one alone."""
    with running(tmp_path_factory.mktemp("many"), worker=False) as server:
        with closing(open_database(server.database)) as db:
            project = many_labels.make(db, SIZE, gold_every=1000)
            many_labels.publish(db, project, SIZE)
            for name, role in (("meg", "annotator"), ("moe", "lead")):
                accounts.create_user(db, name, PASSWORD, role, by=None, now=time.time(), projects=[project])
        yield server


def chips(page: Page) -> list[str]:
    return page.eval_on_selector_all("[data-chip]", "all => all.map((one) => one.dataset.chip)")


def choose(page: Page, words: str) -> None:
    page.keyboard.press("/")
    page.keyboard.type(words)
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")  # the search is empty: it is left


def save(page: Page) -> list[str]:
    """Presses Enter and waits for the next text; what was chosen."""
    here, labels = shown(page), chips(page)
    page.keyboard.press("Enter")
    expect(page.locator("[data-part=paper]")).not_to_have_attribute("data-document", str(here))
    return labels


def test_five_texts_are_labelled_by_keyboard_alone(browser: Browser, many: Server) -> None:
    page = sign_in(browser, many, "meg")
    open_board(page, many)
    assert page.locator("[data-label]").count() == 9
    first = page.eval_on_selector("[data-label]", "one => one.dataset.label")
    assert page.inner_text(".of >> nth=0") == "模型覺得可能"
    saved = []
    page.keyboard.press("1")  # as the model thinks
    assert chips(page) == [first]
    saved.append(save(page))
    choose(page, "睡眠用藥")
    choose(page, "l0777")
    assert chips(page) == ["l0123", "l0777"]
    saved.append(save(page))
    rows = page.eval_on_selector_all(
        "[data-label]", "all => all.map((one) => [one.dataset.label, one.querySelector('kbd').textContent])"
    )
    digit = dict(map(tuple, rows))["l0777"]  # used a moment ago
    page.keyboard.press(digit)
    page.keyboard.press("1")
    page.keyboard.press("Backspace")
    assert chips(page) == ["l0777"]
    saved.append(save(page))
    for key in "00900":  # by its number
        page.keyboard.press(key)
    assert chips(page) == ["l0899"]
    saved.append(save(page))
    page.keyboard.press("/")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")  # from the whole list
    page.keyboard.press("Escape")
    assert chips(page) == ["l0001"]
    saved.append(save(page))
    wait_saved(page)
    decided = many.wait_decisions("meg", 5)
    assert [each["labels"] for each in decided] == [sorted(each) for each in saved]
    assert all(len(each["suggestions"] or "") < 4000 for each in decided)


@pytest.mark.parametrize("size", [DESKTOP, TELEPHONE], ids=["desk", "telephone"])
def test_every_page_opens(browser: Browser, many: Server, size: dict[str, int]) -> None:
    page = sign_in(browser, many, "moe", viewport=size)
    for name in ("mine", "review", "labels", "data", "people", "export", "rounds", "dashboard"):
        page.goto(f"{many.url}/{name}")
        page.wait_for_selector("h1")
        page.wait_for_function("!document.querySelector('[data-testid=stStatusWidget]')")
        assert page.locator("[data-testid=stException]").count() == 0, name
    for tab in ("labels", "tail", "together", "people", "report"):
        page.goto(f"{many.url}/dashboard?tab={tab}")
        page.wait_for_selector("h1")
        page.wait_for_function("!document.querySelector('[data-testid=stStatusWidget]')")
        assert page.locator("[data-testid=stException]").count() == 0, tab


def test_a_case_is_settled_with_a_label_that_nobody_chose(browser: Browser, many: Server) -> None:
    page = sign_in(browser, many, "moe")
    page.goto(f"{many.url}/review")
    page.wait_for_selector("[data-part=people] li")
    assert 1 <= page.locator("[data-label]").count() <= 12
    page.keyboard.press("m")
    page.keyboard.press("l")
    page.keyboard.type("睡眠用藥")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    assert page.get_attribute("[data-label=l0123]", "aria-pressed") == "true"
    page.keyboard.press("Enter")
    until = time.monotonic() + 10
    while not (rows := many.rows("SELECT labels FROM settlements s JOIN adjudications a USING (document_id)")):
        assert time.monotonic() < until
        page.wait_for_timeout(100)
    assert "l0123" in rows[0]["labels"]


def test_a_lead_pastes_twelve_hundred_labels(browser: Browser, many: Server) -> None:
    page = sign_in(browser, many, "moe", permissions=["clipboard-read", "clipboard-write"])
    page.goto(f"{many.url}/data")
    page.get_by_role("tab", name="新專案").click()
    page.locator("[class*=st-key-project_name_0] input").fill("貼上的")
    labels = page.locator("[class*=st-key-project_labels_0] textarea")
    labels.click()
    lines = [*(f"標籤第{n}號, Label {n}" for n in range(1199)), "標籤第7號"]
    # As a person does: Chromium takes Playwright's fill() for typing, which costs seconds in any text field.
    page.evaluate("(words) => navigator.clipboard.writeText(words)", "\n".join(lines))
    page.keyboard.press("ControlOrMeta+V")
    page.click(".st-key-make_project button")
    expect(page.locator("[data-testid=stAlert]")).to_contain_text("第 1,200 行")
    labels.press("End")
    page.keyboard.press("Backspace")
    page.click(".st-key-make_project button")
    expect(page.locator("[data-testid=stAlert]").first).to_contain_text("有 1,200 個標籤")
