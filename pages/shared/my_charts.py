"""My own figures as charts: pure functions, so that a test reads what the person would see."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from core.services.looking_back import Day
from pages.shared.i18n import say

BAR = "#0f766e"


def _hover(each: Day, lang: str) -> str:
    day = f"{each.day:%m/%d}"
    if each.median_s is None:
        return say("mine.hover_day", lang, day=day, n=f"{each.n:,}")
    return say("mine.hover_day_median", lang, day=day, n=f"{each.n:,}", seconds=max(1, round(each.median_s)))


def days(found: Sequence[Day], goal: int, lang: str) -> go.Figure:
    """Texts a day, with the goal as a quiet line where there is one."""
    figure = go.Figure(
        go.Bar(
            x=[each.day for each in found], y=[each.n for each in found], marker={"color": BAR},
            text=[_hover(each, lang) for each in found], textposition="none", hovertemplate="%{text}<extra></extra>",
        )
    )  # fmt: skip
    if goal:
        figure.add_hline(y=goal, line={"dash": "dot", "width": 1.5, "color": "#808080"})
    highest = max([goal, 5, *(each.n for each in found)])
    figure.update_layout(
        height=280, bargap=0.3, showlegend=False, hovermode="closest", dragmode=False,
        margin={"l": 8, "r": 8, "t": 12, "b": 8},
    )  # fmt: skip
    figure.update_xaxes(type="date", tickformat="%m/%d", fixedrange=True, nticks=7)
    figure.update_yaxes(range=[0, highest * 1.12], fixedrange=True, nticks=5)
    return figure
