"""Pictures of every page for the README: ``SCREENSHOTS=1 python -m pytest tests/e2e/test_screenshots.py``."""

from __future__ import annotations

import contextlib
import json
import time
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page

from core.services import adjudicating, annotating, membership
from db import users
from db.connect import open_database
from tests.e2e.driving import DESKTOP, ROOT, TELEPHONE, Server, open_board, running, shown, sign_in, wait_saved

pytestmark = pytest.mark.e2e  # collected only when pictures are asked for: see conftest.py
SMALL_BYTES = 150_000
FOLDER = ROOT / "docs" / "screenshots"
PAGES = (
    "annotate", "mine", "review", "dashboard", "dashboard-labels", "dashboard-tail", "dashboard-together",
    "dashboard-people", "dashboard-report", "rounds", "data", "labels", "export", "people",
)  # fmt: skip
ROUND = "threads = 2\n"  # the settings that the product ships with, on two threads


def finish_a_round(page: Page, server: Server) -> None:
    open_board(page, server)
    answers = {}
    for line in (ROOT / "demo" / "answers.jsonl").read_text("utf-8").splitlines():
        row = json.loads(line)
        answers[row["id"]] = row["labels"]
    texts = {row["id"]: answers[row["external_id"]] for row in server.rows("SELECT id, external_id FROM documents")
             if row["external_id"] in answers}  # fmt: skip
    digits = {row["zh"]: row["hotkey"] for row in server.rows("SELECT zh, hotkey FROM labels")}
    for _ in range(30):
        here = shown(page)
        for name in texts[here]:
            page.keyboard.press(digits[name])
        page.keyboard.press("Enter")
        page.wait_for_timeout(150)
    wait_saved(page)
    until = time.monotonic() + 400
    while not server.rows("SELECT 1 FROM rounds WHERE state = 'published'"):
        assert time.monotonic() < until, server.rows("SELECT state, error FROM jobs")
        page.wait_for_timeout(1000)


def differ(server: Server) -> None:
    """A colleague sees some of the texts otherwise: something to review."""
    with contextlib.closing(open_database(server.database)) as db:
        lina, bob = (users.by_name(db, name)[0] for name in ("lina", "bob"))  # type: ignore[index]
        project = membership.projects_of(db, bob)[0]
        keys = project.label_set.keys
        theirs = {each["document_id"]: set(each["labels"]) for each in server.decisions("lina")}
        given = annotating.next_texts(db, project.id, bob.id, n=200, now=time.time())
        shared = [text for text in given if text.id in theirs][:12]
        for n, text in enumerate(shared):
            others = [key for key in keys if (key in theirs[text.id]) != (key == keys[n % len(keys)])] or [keys[0]]
            op = {"uid": f"differ-{text.id}", "kind": "save", "document": text.id, "labels": others, "ms": 9000}
            said = {"decision": "labelled", "comment": ""}
            annotating.apply(db, project.id, bob.id, [{**op, **said}], now=time.time())
        assert adjudicating.docket(db, project.id, by=lina.id).n > 3


def settle(page: Page, name: str) -> None:
    first = {"annotate": "[data-part=text] p", "review": "[data-part=people] li"}
    page.wait_for_selector(first.get(name, "h1"))
    if name == "dashboard":
        page.wait_for_selector(".js-plotly-plot .ytick")
    page.wait_for_timeout(2500)


def choose(page: Page, *, touch: bool) -> None:
    """Two labels on, or off again; with a mouse, a third one's definition."""
    for n in (1, 5):
        toggle = page.locator("[data-label]").nth(n)
        if touch:
            toggle.tap()
        else:
            toggle.click()
    if touch:
        page.evaluate("document.querySelector('[data-testid=stMain]').scrollTo(0, 0)")
    else:
        page.locator("[data-label]").nth(4).hover()
    page.wait_for_timeout(300)


def shrink(path: Path) -> None:
    """A large picture in 256 colours: as clear for a page, and a third of the size."""
    if path.stat().st_size > SMALL_BYTES:
        with Image.open(path) as picture:
            picture.convert("RGB").quantize(256, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(
                path, optimize=True
            )


def take(page: Page, server: Server, lang: str, size: str) -> None:
    for name in PAGES:
        page.goto(server.url + ("/" if name == "annotate" else "/" + name.replace("-", "?tab=")))
        settle(page, name)
        if name == "annotate":
            choose(page, touch=size == "phone")
        page.screenshot(path=FOLDER / f"{name}-{lang}-{size}.png")
        shrink(FOLDER / f"{name}-{lang}-{size}.png")
        if name == "annotate":
            choose(page, touch=size == "phone")


def test_pictures_of_every_page(browser: Browser, tmp_path: Path) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    with running(tmp_path, worker=True, round_settings=ROUND, settings="overlap = 2\ngold_every = 1000") as server:
        server.run("UPDATE users SET role = 'admin' WHERE name = 'lina'")
        first = sign_in(browser, server, "lina")
        finish_a_round(first, server)
        differ(server)
        first.context.close()
        for size, viewport in (("desktop", DESKTOP), ("phone", TELEPHONE)):
            for lang in ("zh", "en"):
                server.run(f"UPDATE users SET lang = '{lang}' WHERE name = 'lina'")
                anybody = browser.new_context(viewport=viewport).new_page()
                anybody.context.add_cookies([{"name": "tagtail_lang", "value": lang, "url": server.url}])
                anybody.goto(server.url + "/login")
                anybody.screenshot(path=FOLDER / f"login-{lang}-{size}.png")
                shrink(FOLDER / f"login-{lang}-{size}.png")
                touch = size == "phone"
                page = sign_in(browser, server, "lina", viewport=viewport, has_touch=touch, is_mobile=touch)
                take(page, server, lang, size)
                page.context.close()
