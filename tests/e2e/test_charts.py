"""A chart in a real browser: drawn once, changed where it stands, also out of sight, and taken away as a file."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from core.services import annotating, projects
from db.connect import open_database
from pages.shared.components.chart import PLACE
from tests.core.services.dashboard.crowd import DAY_S, label_for_days
from tests.e2e.driving import OPEN, Server, at_rest, running, sign_in, until

pytestmark = pytest.mark.e2e
DRAWN = f"{OPEN} .tagtail-chart.js-plotly-plot:not([aria-busy])"
COUNT_SCRIPTS = "() => document.querySelectorAll('script[src*=plotly]').length"
BARS = f"() => document.querySelector({DRAWN!r}).data.reduce((n, one) => n + one.y.reduce((a, b) => a + b, 0), 0)"
NIGHT = "rgb(16, 25, 26)"  # the theme's dark paper


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("charts"), worker=False) as made:
        with contextlib.closing(open_database(made.database)) as db:
            project = projects.list_projects(db)[0].id
            who = {each["name"]: each["id"] for each in made.rows("SELECT * FROM users WHERE role = 'annotator'")}
            label_for_days(db, project, who, begin=time.time() - 9 * DAY_S, days=9, a_day=8)
        yield made


def people(page: Page, server: Server) -> None:
    page.goto(f"{server.url}/dashboard?tab=people")
    expect(page.locator(DRAWN)).to_have_count(3)
    expect(page.locator("[data-test-script-state=notRunning]")).to_have_count(1)


def decide(server: Server) -> None:
    """Somebody labels one more text."""
    with contextlib.closing(open_database(server.database)) as db:
        project = projects.list_projects(db)[0]
        who = int(server.rows("SELECT id FROM users WHERE name = 'amy'")[0]["id"])
        text = annotating.next_texts(db, project.id, who, n=1, now=time.time())[0]
        op = {"uid": f"one-more-{text.id}", "kind": "save", "document": text.id, "decision": "labelled",
              "labels": [project.label_set.keys[0]], "ms": 5000}  # fmt: skip
        assert annotating.apply(db, project.id, who, [op], now=time.time()).acked


def test_a_page_opened_by_its_address_asks_for_nothing_below_it(browser: Browser, server: Server) -> None:
    """It is told where its server is: what Streamlit asks below a page's own address would cost a wait."""
    page = sign_in(browser, server, "lina")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url.removeprefix(server.url)))
    people(page, server)
    assert "/_stcore/health" in asked, "beside the connection"
    assert not [path for path in asked if path.startswith("/dashboard/")]


def test_all_are_drawn_by_one_script_and_those_below_without_a_scroll(browser: Browser, server: Server) -> None:
    page = sign_in(browser, server, "lina")
    people(page, server)
    assert page.evaluate(COUNT_SCRIPTS) == 1
    (below,) = at_rest(page.locator(DRAWN).last)
    assert below["y"] > 900
    named = page.locator(DRAWN).first
    assert "篇" in str(named.get_attribute("aria-label"))
    assert named.get_attribute("role") == "figure"
    page.context.close()


def test_what_was_decided_since_changes_the_chart_that_stands(browser: Browser, server: Server) -> None:
    page = sign_in(browser, server, "lina")
    people(page, server)
    before = page.evaluate(BARS)
    page.evaluate(f"document.querySelector({DRAWN!r}).querySelector('.main-svg').dataset.mark = 'kept'")
    page.get_by_role("tab", name="報告").click()
    expect(page.locator("[data-test-script-state=notRunning]")).to_have_count(1)
    decide(server)
    page.get_by_role("tab", name="標註者").click()
    expect(page.locator(f"{OPEN} p", has_text=f"{before + 1} 篇").first).to_be_visible()
    expect(page.locator(DRAWN)).to_have_count(3)
    until(lambda: page.evaluate(BARS) == before + 1, page)
    expect(page.locator("[data-mark=kept]")).to_have_count(1)
    page.context.close()


def test_it_follows_the_page_into_the_dark_and_to_another_width(browser: Browser, server: Server) -> None:
    page = sign_in(browser, server, "lina", color_scheme="light")
    people(page, server)
    paper, letters = page.locator(f"{DRAWN} .main-svg").first, page.locator(f"{DRAWN} .xtick text").first
    by_day = letters.evaluate("one => getComputedStyle(one).fill")
    page.emulate_media(color_scheme="dark")
    expect(paper).to_have_css("background-color", NIGHT)
    until(lambda: letters.evaluate("one => getComputedStyle(one).fill") != by_day, page)
    width = paper.get_attribute("width")
    page.set_viewport_size({"width": 900, "height": 900})
    expect(paper).not_to_have_attribute("width", str(width))
    page.context.close()


def test_its_data_and_its_picture_are_taken_away(browser: Browser, server: Server) -> None:
    page = sign_in(browser, server, "lina")
    people(page, server)
    page.locator(f"{OPEN} .st-key-people_days_more button").first.click()
    with page.expect_download() as csv:
        page.get_by_role("button", name="下載資料（CSV）").click()
    lines = csv.value.path().read_text("utf-8-sig").splitlines()
    assert lines[0] == "日期,標註者,篇數"
    assert len(lines) > 9
    page.get_by_text("SVG", exact=True).click()
    expect(page.locator("[data-test-script-state=notRunning]")).to_have_count(1)
    page.keyboard.press("Escape")
    page.locator(DRAWN).first.hover()
    with page.expect_download() as picture:
        page.locator(f"{DRAWN} .modebar-btn").first.click()
    assert picture.value.suggested_filename == "texts-a-day.svg"
    assert "<svg" in picture.value.path().read_text("utf-8")
    page.context.close()


def test_where_it_cannot_be_drawn_a_sentence_stands(browser: Browser, server: Server) -> None:
    page = sign_in(browser, server, "lina")
    page.route(f"**{PLACE}/*/plotly.js", lambda route: route.abort())
    page.goto(f"{server.url}/dashboard?tab=people")
    expect(page.locator(f"{OPEN} .tagtail-chart").first).to_contain_text("這張圖暫時畫不出來")
    page.context.close()
