"""What a server of pages loads before its first visitor comes, who should not wait for it."""

from __future__ import annotations

import gc


def load() -> None:
    """What is loaded now stays: no later collection of the interpreter's need look at it again."""
    import pandas  # noqa: F401
    import plotly.graph_objects  # noqa: F401

    gc.collect()
    gc.freeze()
