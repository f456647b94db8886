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


def axis_name(row: LabelRow, lang: str) -> str:
    """A label's name with its gold support, and a sign where that is too small."""
    key = "dashboard.axis_label" if row.stable else "dashboard.axis_unstable"
    return say(key, lang, name=plain_name(row.label.name(lang)), n=row.support)


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


def _hover(metric: Metric, name: str, lang: str) -> str:
    return say(
        "dashboard.hover_f1", lang, name=name, model=say(f"dashboard.model_{metric.model}", lang),
        f1=f"{metric.f1:.3f}", interval=interval(metric), precision=f"{metric.precision:.2f}",
        recall=f"{metric.recall:.2f}", support=metric.support, n=metric.n, round=metric.round,
    )  # fmt: skip


def label_f1(view: Overview, lang: str) -> go.Figure:
    """F1 of every label on gold, one dot a model with its 95 % interval; labels with little gold are faded."""
    rows = by_frequency(view)
    figure = go.Figure()
    present = [m for m in MODELS if any(_of(view.metrics, m, row.label.key) for row in rows)]
    for order, model in enumerate(present):
        offset = (order - (len(present) - 1) / 2) * 0.17
        found = [(i, row, _of(view.metrics, model, row.label.key)) for i, row in enumerate(rows)]
        points = [(i, row, metric) for i, row, metric in found if metric is not None]
        figure.add_scatter(
            x=[m.f1 for _, _, m in points],
            y=[i + offset for i, _, _ in points],
            mode="markers",
            name=say(f"dashboard.model_{model}", lang),
            marker={
                "color": COLOURS[model], "symbol": SYMBOLS[model], "size": 11 if model == "student" else 8,
                "opacity": [1.0 if row.stable else FADED for _, row, _ in points],
                "line": {"width": 2 if model == "linear" else 0, "color": COLOURS[model]},
            },
            error_x={
                "type": "data", "symmetric": False, "thickness": 1.6 if model == "student" else 1, "width": 0,
                "color": COLOURS[model],
                "array": [max(0.0, (m.high if m.high is not None else m.f1) - m.f1) for _, _, m in points],
                "arrayminus": [max(0.0, m.f1 - (m.low if m.low is not None else m.f1)) for _, _, m in points],
            },
            text=[_hover(m, plain_name(row.label.name(lang)), lang) for _, row, m in points],
            hovertemplate="%{text}<extra></extra>",
        )  # fmt: skip
    figure.update_layout(height=110 + 52 * len(rows), legend=_LEGEND, **_CALM)
    figure.update_xaxes(range=[-0.02, 1.02], title=say("dashboard.axis_f1", lang), fixedrange=True, zeroline=False)
    figure.update_yaxes(
        tickmode="array", tickvals=list(range(len(rows))), ticktext=[axis_name(row, lang) for row in rows],
        range=[len(rows) - 0.5, -0.5], fixedrange=True, zeroline=False, automargin=True,
    )  # fmt: skip
    return figure


def f1_history(history: Sequence[Metric], scope: str, name: str, lang: str) -> go.Figure:
    """F1 on gold over the rounds, one line a model; the student with its 95 % interval."""
    figure = go.Figure()
    for model in MODELS:
        found = sorted(
            (m for m in history if (m.model, m.scope, m.split) == (model, scope, "gold")), key=lambda m: m.round
        )
        if not found:
            continue
        bars = None
        if model == "student":
            bars = {
                "type": "data", "symmetric": False, "thickness": 1.4, "width": 3,
                "array": [max(0.0, (m.high if m.high is not None else m.f1) - m.f1) for m in found],
                "arrayminus": [max(0.0, m.f1 - (m.low if m.low is not None else m.f1)) for m in found],
            }  # fmt: skip
        figure.add_scatter(
            x=[m.round for m in found], y=[m.f1 for m in found], mode="lines+markers",
            name=say(f"dashboard.model_{model}", lang), error_y=bars,
            line={"color": COLOURS[model], "width": 3 if model == "student" else 1.6},
            marker={"symbol": SYMBOLS[model], "size": 8, "line": {"width": 2, "color": COLOURS[model]}},
            text=[_hover(m, name, lang) for m in found], hovertemplate="%{text}<extra></extra>",
        )  # fmt: skip
    figure.update_layout(height=340, legend=_LEGEND, **_CALM)
    figure.update_xaxes(title=say("dashboard.axis_round", lang), dtick=_tick(history), fixedrange=True)
    figure.update_yaxes(title="F1", range=[-0.02, 1.02], fixedrange=True, zeroline=False)
    return figure


def _tick(history: Sequence[Metric]) -> int:
    """Whole rounds on the axis, at most a dozen marks."""
    rounds = {m.round for m in history}
    return max(1, (max(rounds) - min(rounds)) // 12) if rounds else 1


def frequencies(view: Overview, lang: str) -> go.Figure:
    """How often each label is used: share of labelled pool texts beside the share of labelled gold texts."""
    rows = by_frequency(view)
    names = [plain_name(row.label.name(lang)) for row in rows]
    figure = go.Figure()
    for key, counts, total, colour in (
        ("pool", [row.pool for row in rows], view.n_labelled, HEAD),
        ("gold", [row.gold for row in rows], view.n_gold_labelled, "#e69f00"),
    ):
        shares = [100 * n / total if total else 0.0 for n in counts]
        figure.add_bar(
            x=shares, y=names, orientation="h", name=say(f"dashboard.series_{key}", lang, n=total),
            marker={"color": colour, "opacity": 0.9 if key == "pool" else 0.55}, text=[str(n) for n in counts],
            textposition="outside", cliponaxis=False,
            hovertemplate=say("dashboard.hover_frequency", lang, n=total),
        )  # fmt: skip
    figure.update_layout(height=110 + 42 * len(rows), barmode="group", bargap=0.28, legend=_LEGEND, **_CALM)
    figure.update_xaxes(title=say("dashboard.axis_share", lang), rangemode="tozero", fixedrange=True)
    figure.update_yaxes(autorange="reversed", fixedrange=True, automargin=True)
    return figure


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


def per_day(view: Overview, lang: str) -> go.Figure:
    """Decisions a day, one colour a person."""
    days = sorted({day for day, _, _ in view.per_day})
    people = sorted({name for _, name, _ in view.per_day})
    done = {(day, name): n for day, name, n in view.per_day}
    hues = ("#0f766e", "#e69f00", "#5b7fbd", "#cc79a7", "#d55e00", "#56b4e9", "#8a8d3b", "#7a7a7a")
    figure = go.Figure()
    for i, name in enumerate(people):
        figure.add_bar(
            x=days, y=[done.get((day, name), 0) for day in days], name=plain_name(name),
            marker={"color": hues[i % len(hues)]},
            hovertemplate=say("dashboard.hover_day", lang, name=plain_name(name).replace("%", "&#37;")),
        )  # fmt: skip
    figure.update_layout(height=300, barmode="stack", bargap=0.35, showlegend=True, legend=_LEGEND, **_CALM)
    # Room for a week at least: one day alone would be one huge bar.
    figure.update_xaxes(type="category", range=[-0.5, max(7, len(days)) - 0.5], fixedrange=True)
    figure.update_yaxes(title=say("dashboard.axis_texts", lang), rangemode="tozero", fixedrange=True)
    return figure
