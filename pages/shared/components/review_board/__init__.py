"""The reviewer's board: a Streamlit component on which disagreements are settled by keys.

Promise to the page: ``st.session_state[key]["outbox"]`` holds every op that the page has not acknowledged yet, in
order; the same op may come many times under the same ``uid``. Keys are read by ``keys.js`` of the label board.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

_HERE = Path(__file__).parent


def _read(path: str) -> str:
    return (_HERE / path).read_text("utf-8")


_mount = st.components.v2.component(
    "tagtail.review_board",
    html=_read("board.html"),
    css=_read("board.css"),
    js="\n".join(_read(name) for name in ("../label_board/keys.js", "cases.js", "board.js")),
)


def review_board(data: dict[str, Any], *, key: str, on_outbox_change: Callable[[], None]) -> None:
    """Draws the board. ``data`` is made by ``pages.shared.review_desk``; the key stays while a person works."""
    _mount(key=key, data=data, default={"outbox": None}, on_outbox_change=on_outbox_change)
