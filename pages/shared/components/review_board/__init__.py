"""The reviewer's board: a Streamlit component on which disagreements are settled by keys.

Promise to the page: as that of the label board, with settlements in place of decisions.
"""

from __future__ import annotations

from pathlib import Path

from pages.shared.components.common import board

BOARD = board("review_board", Path(__file__).parent, ("cases.js", "board.js"))
ASSETS, review_board = BOARD.assets, BOARD.draw  # its data is made by ``pages.shared.review_desk``
