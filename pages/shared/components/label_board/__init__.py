"""The label board: a Streamlit component whose choices live in the browser and whose decisions are never lost.

Promise to the page: ``st.session_state[key]["outbox"]`` holds every decision that the page has not acknowledged yet,
in order; the same decision may come many times under the same ``uid``. It is state, never a trigger: triggers that
arrive while a run is in progress replace each other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

_HERE = Path(__file__).parent
# One module to the browser; board.js exports.
SCRIPTS = (
    "outbox.js", "wire.js", "keys.js", "comfort.js", "view.js", "guide.js", "search.js", "settings.js", "past.js",
    "walk.js", "clock.js", "desk.js", "board.js",
)  # fmt: skip


def _read(name: str) -> str:
    """A file as it travels: without indents and lines that only comment."""
    lines = (line.strip() for line in (_HERE / name).read_text("utf-8").splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("//"))


_PARTS = {
    "html": _read("board.html"),
    "css": _read("board.css"),
    "js": "\n".join(_read(name) for name in SCRIPTS),
}
# The board as a whole. Streamlit sends a component's own html, css and js with every run, so those are a loader alone,
# and the board goes into ``data`` once a session.
ASSETS = {"id": hashlib.sha256("".join(_PARTS.values()).encode()).hexdigest()[:16], **_PARTS}

_mount = st.components.v2.component("tagtail.label_board", html="<span hidden></span>", js=_read("loader.js"))


def label_board(data: dict[str, Any], *, key: str, on_outbox_change: Callable[[], None]) -> None:
    """Draws the board. ``data`` is made by ``pages.annotate``; the key must not change while a person works."""
    _mount(key=key, data=data, default={"outbox": None}, on_outbox_change=on_outbox_change)
