"""The report in a real browser: made on a click, downloaded, and read with the network off."""

from __future__ import annotations

import os
import zipfile
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from core.services import projects
from db.connect import open_database
from tests.e2e.driving import DESKTOP, ROOT, TELEPHONE, Server, sign_in

pytestmark = pytest.mark.e2e
OUT = ROOT / "tests" / "e2e" / "out"


def shoot(page: Page, name: str) -> None:
    if os.environ.get("SCREENSHOTS"):
        OUT.mkdir(exist_ok=True)
        page.screenshot(path=str(OUT / f"report-{name}.png"), full_page=True)


def no_wider_than_the_screen(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


def make(page: Page, server: Server, folder: Path, words: tuple[str, str]) -> Path:
    """Click, wait, download, unpack."""
    page.goto(f"{server.url}/dashboard?tab=report")
    page.get_by_role("button", name=words[0]).click()
    link = page.get_by_role("link", name=words[1])
    link.wait_for()
    address = str(link.get_attribute("href"))
    answer = page.request.get(address if address.startswith("http") else server.url + address)
    assert answer.status == 200
    folder.mkdir()
    (folder / "report.zip").write_bytes(answer.body())
    with zipfile.ZipFile(folder / "report.zip") as bundle:
        bundle.extractall(folder)
    return folder / "report.html"


@pytest.mark.parametrize(
    ("lang", "words", "heading"),
    [
        ("zh", ("產生報告", "下載報告（zip）"), "標註與模型報告"),
        ("en", ("Make the report", "Download the report (zip)"), "Report on labelling and model"),
    ],
)
def test_it_is_made_downloaded_and_read_offline(
    browser: Browser, server: Server, tmp_path: Path, lang: str, words: tuple[str, str], heading: str
) -> None:
    server.run(f"UPDATE users SET lang = '{lang}' WHERE name = 'lina'")
    size = DESKTOP if lang == "zh" else TELEPHONE
    page = sign_in(browser, server, "lina", viewport=size)
    file = make(page, server, tmp_path / lang, words)
    assert no_wider_than_the_screen(page)
    shoot(page, f"tab-{lang}")
    page.context.close()
    alone = browser.new_context(offline=True, viewport=size)
    shown = alone.new_page()
    asked: list[str] = []
    shown.on("request", lambda request: asked.append(request.url))
    shown.goto(file.as_uri())
    assert heading in shown.inner_text("h1")
    assert asked == [file.as_uri()]
    assert not shown.page_errors()
    assert no_wider_than_the_screen(shown)
    with closing(open_database(server.database)) as db:
        project = projects.list_projects(db)[0]
    assert all(label.name(lang) in shown.inner_text("main") for label in project.label_set.labels)
    shoot(shown, f"offline-{lang}")
    alone.close()
