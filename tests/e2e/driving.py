"""A real server on a free port with a fresh database, and a real browser in front of it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, FloatRect, Locator, Page, Playwright

from core.services import accounts, projects
from db.connect import open_database

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "a-long-enough-password"
CHROMIUM = "/usr/bin/chromium"
CHROMIUM_ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
MISSING = "No Chromium here. Install it with:  sudo apt-get install chromium chromium-driver"
DESKTOP = {"width": 1440, "height": 900}
TELEPHONE = {"width": 390, "height": 844}
OPEN = ".st-key-dashboard_tabs [data-testid=stTabPanel]:not([inert])"  # the dashboard's open tab; others are built, too
A_TEXT = "[data-part=paper]:not([data-document=''])[data-document]"  # on the desk
# A round that takes seconds: the way is real, the model is tiny.
SMALL_ROUND = """
segmenter = "characters"
max_tokens = 120
vector_size = 12
filters = 12
hidden = 16
class_weights = [0.5, 1.0]
max_epochs = 3
patience = 2
threads = 1
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def small_project(
    folder: Path, round_settings: str = SMALL_ROUND, *, settings: str = "", corpus: Path | None = None
) -> Path:
    """The demo project with settings for tests: the same labels, the same texts unless told, a round of seconds.

    ``settings`` are lines of the project file's ``[settings]``, which go before the demo's own.
    """
    shutil.copy(ROOT / "demo" / "guideline.md", folder / "guideline.md")
    shutil.copy(corpus or ROOT / "demo" / "corpus.jsonl", folder / "corpus.jsonl")
    text = (ROOT / "demo" / "project.toml").read_text("utf-8")
    head, labels = text.split("[[labels]]", 1)
    ours = {line.split("=")[0].strip() for line in settings.splitlines()}
    kept = [line for line in head.splitlines() if line.split("=")[0].strip() not in ours - {""}]
    path = folder / "project.toml"
    tables = f"{settings}\n[settings.round]\n{round_settings}\n[[labels]]{labels}"
    path.write_text("\n".join([*kept, tables]), "utf-8")
    return path


class Server:
    """``python app.py`` as a person would start it."""

    def __init__(
        self,
        folder: Path,
        *,
        worker: bool,
        round_settings: str = SMALL_ROUND,
        settings: str = "",
        corpus: Path | None = None,
        program: tuple[str, ...] = ("app.py",),
    ) -> None:
        self.folder, self.port, self.program = folder, free_port(), program
        self.url = f"http://127.0.0.1:{self.port}"
        self.database = folder / "data" / "tagtail.db"
        self.env = {
            **os.environ,
            "DATA_DIR": str(folder / "data"),
            "PORT": str(self.port),
            "PROJECT": str(small_project(folder, round_settings, settings=settings, corpus=corpus)),
            "ADMIN_PASSWORD": PASSWORD,
            "WORKER": "1" if worker else "0",
        }
        self.process: subprocess.Popen[bytes] | None = None
        self._core("init")
        self.invite(lina="lead", amy="annotator", bob="annotator")

    def invite(self, **people: str) -> None:
        """Makes people of these roles, members of all projects."""
        with contextlib.closing(open_database(self.database)) as db:
            known = [project.id for project in projects.list_projects(db)]
            for name, role in people.items():
                accounts.create_user(db, name, PASSWORD, role, by=None, now=time.time(), projects=known)

    def _core(self, *arguments: str) -> None:
        command = [sys.executable, "-m", "core", *arguments]
        done = subprocess.run(command, cwd=ROOT, env=self.env, capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, done.stdout + done.stderr

    def start(self) -> None:
        with open(self.folder / "server.log", "ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, *self.program], cwd=ROOT, env=self.env, stdout=log, stderr=log, start_new_session=True
            )
        until = time.monotonic() + 60
        while time.monotonic() < until:
            if self.process.poll() is not None:
                break
            try:
                with urllib.request.urlopen(self.url + "/login", timeout=2):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        raise AssertionError("the server did not start:\n" + (self.folder / "server.log").read_text("utf-8"))

    def kill(self) -> None:
        """As a power cut would: no shutdown code runs."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.kill()

    def rows(self, query: str, *values: Any) -> list[dict[str, Any]]:
        """What the database really holds, through a connection of our own."""
        with contextlib.closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as conn:
            conn.row_factory = sqlite3.Row
            return [dict(row) for row in conn.execute(query, values)]

    def run(self, statement: str) -> None:
        """Changes the database behind the server's back, as an administrator elsewhere would."""
        with contextlib.closing(sqlite3.connect(self.database, timeout=10, isolation_level=None)) as conn:
            conn.execute(statement)

    def decisions(self, name: str) -> list[dict[str, Any]]:
        """All decisions of one person, in order, labels as a list."""
        found = self.rows(
            "SELECT a.* FROM annotations a JOIN users u ON u.id = a.user_id WHERE u.name = ? ORDER BY a.id", name
        )
        return [{**each, "labels": json.loads(each["labels"])} for each in found]

    def wait_decisions(self, name: str, count: int, timeout_s: float = 10) -> list[dict[str, Any]]:
        """The decisions of one person as soon as there are so many, or as many as there are after the time."""
        until = time.monotonic() + timeout_s
        while len(found := self.decisions(name)) < count and time.monotonic() < until:
            time.sleep(0.05)
        return found


@contextlib.contextmanager
def running(folder: Path, *, worker: bool, **options: Any) -> Iterator[Server]:
    """``options`` are those of ``Server``."""
    server = Server(folder, worker=worker, **options)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def launch(playwright: Playwright) -> Browser:
    return playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGS)


def sign_in(
    browser: Browser,
    server: Server,
    name: str,
    *,
    url: str = "",
    first: Callable[[BrowserContext], None] | None = None,
    **context: Any,
) -> Page:
    """A signed-in page of a browser profile of its own; ``first`` sees the profile before it has any page.

    ``url`` is where the server is reached, if not at its own address.
    """
    options: dict[str, Any] = {"viewport": DESKTOP, "timezone_id": "Asia/Taipei", **context}
    profile = browser.new_context(**options)
    if first is not None:
        first(profile)
    page = profile.new_page()
    page.set_default_timeout(20_000)
    page.goto((url or server.url) + "/")
    page.fill("input[name=name]", name)
    page.fill("input[name=password]", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "/login" not in url)
    return page


def open_board(page: Page, server: Server) -> None:
    """The annotate page is the first one of everybody: its address is the root."""
    if page.url.rstrip("/") != server.url:
        page.goto(server.url + "/")
    page.wait_for_selector(A_TEXT)


def board_state(page: Page) -> str:
    return page.get_attribute("[data-part=state]", "data-state") or ""


def wait_saved(page: Page, timeout_s: float = 20) -> None:
    page.wait_for_selector("[data-part=state][data-state=saved]", timeout=timeout_s * 1000)


def shown(page: Page) -> int:
    """The id of the text on the desk."""
    return int(page.get_attribute("[data-part=paper]", "data-document") or 0)


def pressed(page: Page) -> list[str]:
    return page.eval_on_selector_all("[data-label][aria-pressed=true]", "all => all.map((one) => one.dataset.label)")


def until(so: Callable[[], bool], page: Page, timeout_s: float = 20) -> None:
    """Waits until it is so, while the page goes on. Raises AssertionError."""
    end = time.monotonic() + timeout_s
    while not so():
        assert time.monotonic() < end
        page.wait_for_timeout(100)


def at_rest(*locators: Locator) -> list[FloatRect]:
    """Where they stand, once nothing moves any more: they are measured one after another."""
    before: list[FloatRect | None] = []
    for _ in range(100):
        found = [each.bounding_box() for each in locators]
        if None not in found and found == before:
            return [each for each in found if each]
        before = found
        locators[0].page.wait_for_timeout(100)
    raise AssertionError("the page never came to rest")


def label_keys(page: Page) -> list[str]:
    return page.eval_on_selector_all("[data-label]", "all => all.map((one) => one.dataset.label)")


def roll(page: Page, keys: list[str], gap_s: float) -> None:
    """Presses keys as fast hands do: the next one goes down before the last one is up.

    After Enter the eyes look whether a text is there: nobody labels an empty desk.
    """
    pad = page.context.new_cdp_session(page)
    paper = page.wait_for_selector("[data-part=paper]", state="attached")
    assert paper is not None

    def move(key: str, way: str) -> None:
        if not key.startswith("Numpad"):
            (page.keyboard.down if way == "keyDown" else page.keyboard.up)(key)
            return
        digit = key[-1]  # with NumLock on, which Playwright's own keyboard does not know
        values = {"key": digit, "code": key, "windowsVirtualKeyCode": 96 + int(digit), "isKeypad": True, "location": 3}
        pad.send("Input.dispatchKeyEvent", {"type": way, **values})

    held = ""
    due = time.monotonic()
    for key in keys:
        until = time.monotonic() + 20
        while held == "Enter" and not paper.get_attribute("data-document") and time.monotonic() < until:
            time.sleep(0.02)
        due = max(due + gap_s, time.monotonic())
        time.sleep(max(0.0, due - time.monotonic()))
        move(key, "keyDown")
        if held:
            move(held, "keyUp")
        held = key
    move(held, "keyUp")


# Notes each text that comes on the desk, without asking the page while somebody types.
WATCH = """() => {
  const find = (root) => {
    for (const el of root.querySelectorAll('*')) {
      if (el.matches('[data-part=paper]')) return el;
      if (el.shadowRoot) { const inner = find(el.shadowRoot); if (inner) return inner; }
    }
    return null;
  };
  const paper = find(document);
  window.seenTexts = [Number(paper.dataset.document)];
  new MutationObserver(() => {
    const id = Number(paper.dataset.document || 0);
    if (id && window.seenTexts.at(-1) !== id) window.seenTexts.push(id);
  }).observe(paper, {attributes: true, attributeFilter: ['data-document']});
}"""
