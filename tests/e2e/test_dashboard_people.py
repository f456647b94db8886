"""The tab People in a real browser: three parts, two languages, two sizes, over days that people labelled.

Pictures for looking at: ``PICTURES=folder python -m pytest tests/e2e/test_dashboard_people.py``.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from core.services import projects
from db.connect import open_database
from tests.core.services.dashboard.crowd import DAY_S, label_for_days
from tests.e2e.driving import DESKTOP, OPEN, TELEPHONE, Server, running, sign_in

pytestmark = pytest.mark.e2e
ODD = "<b>Eve</b> 100%"
PARTS = "[data-testid=stTabPanel]:has(.st-key-people_part)"
# Chooses a part; while that run is under way another tab asks for itself, as tabs and tiles do when they will.
CHOOSE = """place => new Promise((done) => {
  const app = document.querySelector('[data-testid=stApp]');
  const other = document.querySelector('.st-key-dashboard_tabs [data-testid=stTabPanel][inert]');
  const look = new MutationObserver(() => {
    if (app.dataset.testScriptState !== 'running') return;
    look.disconnect();
    other.removeAttribute('inert');
    queueMicrotask(() => { other.setAttribute('inert', ''); done(); });
  });
  look.observe(app, {attributes: true, attributeFilter: ['data-test-script-state']});
  document.querySelectorAll('.st-key-people_part button')[place].click();
})"""
WIDE = "document.querySelector('[data-testid=stMain]').scrollWidth"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("people"), worker=False, settings="overlap = 2\nsuggestions = true") as made:
        made.invite(**{ODD: "annotator"})
        with contextlib.closing(open_database(made.database)) as db:
            project = projects.list_projects(db)[0].id
            who = {each["name"]: each["id"] for each in made.rows("SELECT * FROM users WHERE role = 'annotator'")}
            label_for_days(db, project, who, begin=time.time() - 9 * DAY_S, days=9, a_day=10, suggest=True)
        yield made


def part(page: Page, place: int, charts: int) -> None:
    """One of the three parts, drawn whole."""
    page.locator(".st-key-people_part button").nth(place).click()
    expect(page.locator(f"{OPEN} .js-plotly-plot .main-svg:first-of-type")).to_have_count(charts)
    page.wait_for_selector("[data-test-script-state=notRunning]")


def picture(page: Page, name: str) -> None:
    if folder := os.environ.get("PICTURES"):
        size = page.viewport_size or DESKTOP
        height = page.evaluate("document.querySelector('[data-testid=stMainBlockContainer]').scrollHeight")
        page.set_viewport_size({"width": size["width"], "height": int(height) + 80})
        page.wait_for_timeout(700)
        page.screenshot(path=Path(folder) / f"people-{name}.png")
        page.set_viewport_size(size)


@pytest.mark.parametrize(
    ("lang", "size", "words"),
    [
        ("zh", DESKTOP, ("不是排名", "整組標籤的一致程度", "建議會不會牽著人走")),
        ("en", TELEPHONE, ("this is no ranking", "Agreement on whole label sets", "Do suggestions sway people")),
    ],
)
def test_three_parts_say_what_they_show(
    browser: Browser, server: Server, lang: str, size: dict[str, int], words: tuple[str, ...]
) -> None:
    server.run(f"UPDATE users SET lang = '{lang}' WHERE name = 'lina'")
    page = sign_in(browser, server, "lina", viewport=size, color_scheme="dark" if size == TELEPHONE else "light")
    page.goto(f"{server.url}/dashboard?tab=people")
    main = page.locator("[data-testid=stMainBlockContainer]")
    for place, (word, charts) in enumerate(zip(words, (3, 2, 3), strict=True)):
        part(page, place, charts)
        expect(main).to_contain_text(word)
        assert page.evaluate(WIDE) <= size["width"]
        assert page.locator("[data-testid=stException]").count() == 0
        assert page.locator(".js-plotly-plot b", has_text="Eve").count() == 0, "a name is no markup"
        assert ODD in "".join(page.locator(".js-plotly-plot").all_inner_texts())
        picture(page, f"{('work', 'agreement', 'suggestions')[place]}-{lang}-{size['width']}")


def test_the_part_before_goes_also_when_another_run_follows_at_once(browser: Browser, server: Server) -> None:
    page = sign_in(browser, server, "lina")
    page.goto(f"{server.url}/dashboard?tab=people")
    part(page, 0, 3)
    for place, charts in [(1, 2), (0, 3)] * 6:
        server.run("INSERT INTO events (project_id, at, kind) VALUES (1, 0, 'test')")  # figures are computed anew
        page.evaluate(CHOOSE, place)
        expect(page.locator(f"{PARTS} .tagtail-chart")).to_have_count(charts, timeout=8_000)
        page.wait_for_selector("[data-test-script-state=notRunning]")
