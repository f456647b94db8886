"""A sketch as Plotly sees it, which refuses every name and value that it does not know."""

from __future__ import annotations

import plotly.graph_objects as go

from pages.shared.sketch import Sketch


def plotted(drawn: Sketch) -> go.Figure:
    return go.Figure(drawn.spec)
