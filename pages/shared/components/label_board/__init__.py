"""The label board: a Streamlit component whose choices live in the browser and whose decisions are never lost.

Promise to the page: ``st.session_state[key]["outbox"]`` holds every decision that the page has not acknowledged yet,
in order; the same decision may come many times under the same ``uid``. It is state, never a trigger: triggers that
arrive while a run is in progress replace each other.
"""

from __future__ import annotations

from pathlib import Path

from pages.shared.components.common import board

# One module to the browser; board.js exports.
SCRIPTS = (
    "wire.js", "comfort.js", "view.js", "guide.js", "search.js", "settings.js", "past.js", "walk.js", "clock.js",
    "desk.js", "many.js", "board.js",
)  # fmt: skip
BOARD = board("label_board", Path(__file__).parent, SCRIPTS)
ASSETS, label_board = BOARD.assets, BOARD.draw  # its data is made by ``pages.annotate``
