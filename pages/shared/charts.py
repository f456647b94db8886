"""Figures from frozen values: pure functions, so that a test reads what a lead would see.

Labels are always sorted by how often they are used, commonest first: the long tail is at the bottom of each chart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from core.labels import Label
from core.services.reporting import Overview
from db.records import Metric
from pages.shared.i18n import say

UNSTABLE_BELOW = 10  # gold positives; an F1 on fewer is not a number to act on
MODELS = ("student", "standalone", "teacher", "linear")
# Four hues that stay apart for colour-blind readers; the symbol tells them apart a second time.
# Source: Okabe & Ito, Color Universal Design, https://jfly.uni-koeln.de/color/
COLOURS = {"student": "#0f766e", "standalone": "#e69f00", "teacher": "#5b7fbd", "linear": "#a9a9a9"}
SYMBOLS = {"student": "circle", "standalone": "diamond", "teacher": "square", "linear": "x-thin"}
TAIL, HEAD = "#d55e00", "#0f766e"
FADED = 0.38
CONFIG = {"displayModeBar": False}
_CALM = {"margin": {"l": 8, "r": 16, "t": 40, "b": 8}, "hovermode": "closest", "dragmode": False}
_LEGEND = {"orientation": "h", "yanchor": "bottom", "y": 1.02, "xanchor": "left", "x": 0}


@dataclass(frozen=True)
class LabelRow:
    """One label with what is known of its frequency. Units: texts."""

    position: int
    label: Label
    pool: int
    gold: int
    support: int  # gold positives that the current round was measured on; before a round, those there are

    @property
    def stable(self) -> bool:
        return self.support >= UNSTABLE_BELOW


def plain_name(name: str) -> str:
    """A name that a chart shows as it is: charts read a little HTML."""
    return name.replace("&", "&amp;").replace("<", "&lt;")


def by_frequency(view: Overview) -> list[LabelRow]:
    """Labels from the commonest to the rarest among labelled pool texts, ties in the label set's order."""
    support = {m.scope: m.support for m in view.metrics if m.split == "gold"}
    rows = [
        LabelRow(k, label, view.label_counts[k], view.gold_counts[k], support.get(label.key, view.gold_counts[k]))
        for k, label in enumerate(view.labels)
    ]
    return sorted(rows, key=lambda row: (-row.pool - row.gold, row.position))


def _of(metrics: Sequence[Metric], model: str, scope: str, split: str = "gold") -> Metric | None:
    return next((m for m in metrics if (m.model, m.scope, m.split) == (model, scope, split)), None)


def find(
    metrics: Sequence[Metric], model: str, scope: str, *, number: int | None = None, split: str = "gold"
) -> Metric | None:
    """The figure of one model and scope, of a given round or of whatever round the metrics are of."""
    return _of([m for m in metrics if number is None or m.round == number], model, scope, split)


def interval(metric: Metric) -> str:
    """The 95 % interval in brackets; nothing where none was computed."""
    if metric.low is None or metric.high is None:
        return ""
    return f"[{metric.low:.2f}, {metric.high:.2f}]"


def cooccurrence(view: Overview, lang: str) -> go.Figure:
    """Which labels come together: count in the cell, the conditional share as colour and on hover. Shapes: K × K."""
    rows = by_frequency(view)
    names = [plain_name(row.label.name(lang)) for row in rows]
    counts = [[view.cooccurrence[a.position][b.position] for b in rows] for a in rows]
    shares: list[list[float | None]] = []
    for i, line in enumerate(counts):
        own = counts[i][i]
        shares.append([None if i == j or not own else 100 * n / own for j, n in enumerate(line)])
    hover = [
        [
            say(
                "dashboard.hover_together", lang, a=names[i], b=names[j], n=counts[i][j], of=counts[i][i],
                share=f"{share:.0f}" if share is not None else "–",
            )
            for j, share in enumerate(line)
        ]
        for i, line in enumerate(shares)
    ]  # fmt: skip
    figure = go.Figure(
        go.Heatmap(
            z=shares, x=names, y=names, text=[[str(n) if n else "" for n in line] for line in counts],
            texttemplate="%{text}", customdata=hover, hovertemplate="%{customdata}<extra></extra>", zmin=0, zmax=100,
            colorscale=[[0, "rgba(15,118,110,0.04)"], [1, "rgba(15,118,110,0.85)"]], xgap=2, ygap=2,
            colorbar={"ticksuffix": " %", "thickness": 10, "outlinewidth": 0}, hoverongaps=True,
        )
    )  # fmt: skip
    figure.update_layout(height=110 + 42 * len(rows), **_CALM)
    figure.update_xaxes(side="top", fixedrange=True, tickangle=-35, automargin=True, showgrid=False)
    figure.update_yaxes(autorange="reversed", fixedrange=True, automargin=True, showgrid=False)
    return figure
