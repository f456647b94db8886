"""The board's scripts in a real browser without a server: each answer comes when the test says so."""

from __future__ import annotations

import json
from typing import Any

from playwright.sync_api import Browser, Page

from core.services.preferences import Desk
from pages.shared import desk_data
from pages.shared.components import label_board
from tests.e2e.driving import DESKTOP

EMPTY = "<!doctype html><meta name=viewport content='width=device-width'><body style='padding-top: 60px'></body>"
HOME = "http://board.test/"
OWNER = "7"
# Streamlit's part: mounts the module, keeps what the board sends, and hands answers in.
MOUNT = """
  window.sent = [];
  window.answer = (data) => window.mount({
    parentElement: document.getElementById('root'), data, setStateValue: (name, box) => window.sent.push(box),
  });
"""
TRUE_TO_TYPE = """(keys) => {
  for (const key of keys) {
    const code = key.length > 1 ? key : /[0-9]/.test(key) ? `Digit${key}` : `Key${key.toUpperCase()}`;
    const way = {bubbles: true, composed: true, cancelable: true};
    document.body.dispatchEvent(new KeyboardEvent('keydown', {...way, key, code}));
  }
}"""


def answer(*docs: int, **more: Any) -> dict[str, Any]:
    """What the server would say, with these texts handed out."""
    labels = [
        {
            "key": f"k{n}",
            "name": f"標{n}",
            "other": "",
            "definition": "",
            "examples": [],
            "colour": "#888",
            "digit": str(n),
        }
        for n in range(1, 4)
    ]
    return {
        "sid": "s", "owner": OWNER, "scope": f"{OWNER}.1", "project": 1, "lang": "zh", "look": "x", "state": "open",
        "handed": True, "labels": labels, "acked": [], "refused": [], "trouble": "", "heard": 0, "more": True,
        "docs": [{"id": n, "text": f"第 {n} 篇", "why": "", "chosen": [], "suggestions": None} for n in docs],
        "progress": {"today": 5, "labelled": 5, "pool": 9, "daily_goal": 0},
        "desk": Desk().values(), "usual": desk_data.usual_desk(), "thresholds": {}, "guideline": [],
        "past": {"before": None, "more": False, "items": []},
        "words": desk_data.board_words(), "empty": {"title": "空", "body": ""}, "closed": {"title": "關", "body": ""},
        "removed": {"title": "移出", "body": ""},
        **more,
    }  # fmt: skip


def kept(uid: str, document: int, at: float, **more: Any) -> tuple[str, str]:
    """An entry of the shelf: name and value."""
    op = {
        "uid": uid,
        "kind": "save",
        "project": 1,
        "document": document,
        "decision": "labelled",
        "labels": ["k1"],
        "at": at,
    }
    return f"tagtail.op.{OWNER}.{uid}", json.dumps({**op, **more})


def opened(browser: Browser, **context: Any) -> Page:
    """An empty page with the board's scripts, nothing mounted yet."""
    page = browser.new_context(**{"viewport": DESKTOP, **context}).new_page()
    page.set_default_timeout(5000)
    page.route("**/*", lambda route: route.fulfill(body=EMPTY, content_type="text/html"))
    return load(page)


def load(page: Page) -> Page:
    """Loads the page anew; what this browser keeps is kept."""
    page.goto(HOME)
    html = label_board.ASSETS["html"]
    page.evaluate("(html) => { document.body.innerHTML = `<div id=root>${html}</div>`; }", html)
    page.add_style_tag(content=label_board.ASSETS["css"])
    content = label_board.ASSETS["js"].replace("export default function", "window.mount = function") + MOUNT
    page.add_script_tag(content=content, type="module")
    page.wait_for_function("Boolean(window.mount)")
    return page


def hear(page: Page, data: dict[str, Any]) -> None:
    page.evaluate("(data) => { window.answer(data); }", data)


def type_keys(page: Page, *keys: str) -> None:
    page.evaluate(TRUE_TO_TYPE, list(keys))


def put(page: Page, *entries: tuple[str, str]) -> None:
    page.evaluate(
        "(all) => all.forEach(([name, value]) => localStorage.setItem(name, value))", [list(e) for e in entries]
    )


def shelf(page: Page) -> list[str]:
    return page.evaluate("Object.keys(localStorage).sort()")


def sent(page: Page) -> list[dict[str, Any]]:
    """The ops of the last sending."""
    return page.evaluate("window.sent.length ? window.sent.at(-1).ops : []")


def first_sent(page: Page) -> dict[str, Any]:
    """The first of them, once there is one: what is decided is sent a moment later."""
    page.wait_for_function("window.sent.length && window.sent.at(-1).ops.length")
    return sent(page)[0]
