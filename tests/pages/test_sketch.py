"""A sketch is the figure that Plotly would have made of the same words."""

from __future__ import annotations

import datetime as dt
from typing import Any

import plotly.graph_objects as go
import pytest

from pages.shared.sketch import Sketch
from tests.pages.plotted import plotted

LINE = {"dash": "dot", "width": 1.5, "color": "#808080"}


def drawn(on: Any) -> Any:
    """The same words to both."""
    on.add_bar(
        x=[dt.date(2026, 1, 2), dt.date(2026, 1, 3)], y=[1, 2], name="a", width=None,
        marker={"color": "#123456", "pattern": {"shape": "/"}},
    )  # fmt: skip
    on.add_scatter(x=(1.0, 2.0), y=[None, 0.5], mode="lines", error_y=None, error_x={"array": [0.1, 0.2]})
    on.add_vline(x=0.5, line=LINE)
    on.add_hline(y=0.25, line=LINE, annotation={"text": "over it", "font": {"size": 11}})
    on.add_hline(y=0.75, line=LINE)
    on.update_layout(height=320, legend={"orientation": "h", "x": 0}, margin={"t": 1, "l": 8})
    on.update_layout(legend={"traceorder": "normal"}, margin={"t": 40})
    on.update_xaxes(title="x", range=[0, 1], dtick=None)
    on.update_xaxes(fixedrange=True)
    on.update_yaxes(title="y", type="category", autorange="reversed")
    return on


def test_it_says_what_plotlys_own_figure_says() -> None:
    theirs = drawn(go.Figure(layout={"template": "none"})).to_plotly_json()
    ours = plotted(drawn(Sketch())).to_plotly_json()
    for found in (theirs, ours):
        found["layout"].pop("template", None)
    assert ours == theirs


def test_a_heatmap_is_one_too() -> None:
    ours, given = Sketch(), {"z": [[1, None], [0.5, 1]], "x": ["a", "b"], "zmin": 0, "hoverinfo": "skip"}
    ours.add_heatmap(**given)
    assert plotted(ours).data[0] == go.Heatmap(**given)


def test_what_was_given_is_not_changed() -> None:
    shared = {"orientation": "h"}
    for order in ("normal", "reversed"):
        made = Sketch()
        made.update_layout(legend=shared)
        made.update_layout(legend={"traceorder": order})
        assert made.layout["legend"] == {"orientation": "h", "traceorder": order}
    assert shared == {"orientation": "h"}


def test_plotly_refuses_a_word_that_it_does_not_know() -> None:
    made = Sketch()
    made.add_bar(x=[1], y=[1], colour="red")
    with pytest.raises(ValueError, match="colour"):
        plotted(made)
