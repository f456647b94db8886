"""What the two boards have in common: their way to the browser, keys, outbox and looks.

Streamlit sends a component's own html, css and js with every run, so those are a loader alone; the board goes into
``data["assets"]`` once a session.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

HERE = Path(__file__).parent
SCRIPTS = (HERE / "outbox.js", HERE / "keys.js", HERE / "finder.js")  # what every board's own scripts build on
Mount = Callable[..., Any]


def travelling(path: Path) -> str:
    """A file as it travels: without indents and lines that only comment."""
    lines = (line.strip() for line in path.read_text("utf-8").splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("//"))


@dataclass(frozen=True, kw_only=True)
class Board:
    """A board: ``assets`` for the browser, ``mount`` for Streamlit, ``files`` of which its module is made."""

    assets: dict[str, str]
    mount: Mount
    files: tuple[Path, ...]

    def draw(self, data: dict[str, Any], *, key: str, on_outbox_change: Callable[[], None]) -> None:
        """Draws it; the key must not change while a person works."""
        self.mount(key=key, data=data, default={"outbox": None}, on_outbox_change=on_outbox_change)


def board(name: str, folder: Path, scripts: Sequence[str]) -> Board:
    """A board of ``folder``: its html; its css and, in their order, its scripts after the common ones."""
    files = (*SCRIPTS, *(folder / script for script in scripts))
    parts = {
        "html": travelling(folder / "board.html"),
        "css": travelling(HERE / "board.css") + "\n" + travelling(folder / "board.css"),
        "js": "\n".join(travelling(path) for path in files),
    }
    loader = f"const NAME = {json.dumps(name)};\n" + travelling(HERE / "loader.js")
    return Board(
        assets={"id": hashlib.sha256("".join(parts.values()).encode()).hexdigest()[:16], **parts},
        mount=st.components.v2.component(f"tagtail.{name}", html="<span hidden></span>", js=loader),
        files=files,
    )
