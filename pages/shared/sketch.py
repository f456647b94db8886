"""A figure as the browser reads it: Plotly's data and layout, plain, without Plotly's own objects on the way.

Those check every value, which takes longer than all that stands behind a chart; the tests let them check instead.
Source: Plotly's figure schema, https://plotly.com/javascript/reference/
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class Sketch:
    """Traces and a layout, with the verbs of Plotly's figure; what is None is left out."""

    def __init__(self) -> None:
        self.traces: list[dict[str, Any]] = []
        self.layout: dict[str, Any] = {}

    @property
    def spec(self) -> dict[str, Any]:
        """What ``Plotly.react`` takes, and ``plotly.graph_objects.Figure``."""
        return {"data": self.traces, "layout": self.layout}

    def add_scatter(self, **given: Any) -> None:
        self._add("scatter", given)

    def add_bar(self, **given: Any) -> None:
        self._add("bar", given)

    def add_heatmap(self, **given: Any) -> None:
        self._add("heatmap", given)

    def add_vline(self, *, x: float, line: Mapping[str, Any]) -> None:
        """A line from edge to edge."""
        ends = {"x0": x, "x1": x, "xref": "x", "y0": 0, "y1": 1, "yref": "y domain"}
        self.layout.setdefault("shapes", []).append({"type": "line", **ends, "line": line})

    def add_hline(self, *, y: float, line: Mapping[str, Any], annotation: Mapping[str, Any] | None = None) -> None:
        """A line from edge to edge, with words over its right end."""
        ends = {"x0": 0, "x1": 1, "xref": "x domain", "y0": y, "y1": y, "yref": "y"}
        self.layout.setdefault("shapes", []).append({"type": "line", **ends, "line": line})
        if annotation is not None:
            place = {"x": 1, "xref": "x domain", "xanchor": "right", "y": y, "yref": "y", "yanchor": "bottom"}
            self.layout.setdefault("annotations", []).append({"showarrow": False, **place, **annotation})

    def update_layout(self, **given: Any) -> None:
        """Parts of a part are set one by one: a legend keeps what it was told before."""
        for name, value in _known(given).items():
            self.layout[name] = {**self.layout.get(name, {}), **value} if isinstance(value, Mapping) else value

    def update_xaxes(self, **given: Any) -> None:
        self._axis("xaxis", given)

    def update_yaxes(self, **given: Any) -> None:
        self._axis("yaxis", given)

    def _axis(self, name: str, given: Mapping[str, Any]) -> None:
        found = _known(given)
        if isinstance(found.get("title"), str):
            found["title"] = {"text": found["title"]}
        self.update_layout(**{name: found})

    def _add(self, kind: str, given: Mapping[str, Any]) -> None:
        self.traces.append({"type": kind, **_known(given)})


def _known(given: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if value is not None}
