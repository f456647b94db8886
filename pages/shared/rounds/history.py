"""How the rounds went: when each ended how, on how many labels, how long it took and with what."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go
import streamlit as st
from plotly.subplots import make_subplots

from core.services.dashboard.rounds import Past, Timeline
from core.services.scheduling import DEEPER
from pages.shared import round_strip, when
from pages.shared.dashboard import figure
from pages.shared.i18n import lang, plain, say, t
from pages.shared.rounds.past import state_words

LATEST = 12  # rounds of which the cost is shown
# Hue and pattern: either alone tells them apart.
MANNERS = {
    "published": ("#0f766e", ""), "deeper": ("#5b7fbd", "/"), "failed": ("#d55e00", "x"), "cancelled": ("#a9a9a9", "."),
    "running": ("#e69f00", "-"),
}  # fmt: skip
STAGE_HUES = ("#8a8d3b", "#56b4e9", "#0f766e", "#e69f00", "#5b7fbd", "#cc79a7", "#d55e00", "#a9a9a9")
STAGE_PATTERNS = ("", "/", "", "\\", "", "x", ".", "-")


def section(seen: Timeline) -> None:
    """Two charts; nothing before the first round."""
    if not seen.rounds:
        return
    st.subheader(t("rounds.history"), anchor=False)
    figure.chart(
        timeline(seen), key="rounds_timeline", sentence=sentence(seen), table=_rows(seen), name="rounds",
        note=t("rounds.history_note"),
    )  # fmt: skip
    costly = [each for each in seen.rounds if each.row.timings][-LATEST:]
    if costly:
        figure.chart(
            cost(costly), key="rounds_cost", sentence=cost_sentence(costly), table=_cost_rows(costly),
            name="rounds-cost", note=t("rounds.cost_note"),
        )  # fmt: skip


def manner(one: Past) -> str:
    """How a round ended, as the chart tells them apart."""
    if one.row.state == "published" and one.row.kind == DEEPER:
        return "deeper"
    return one.row.state if one.row.state in MANNERS else "cancelled"


def timeline(seen: Timeline) -> go.Figure:
    """Labelled texts of each round above, minutes below; one axis of round numbers."""
    drawn = make_subplots(rows=2, cols=1, shared_xaxes=True, row_heights=[0.5, 0.5], vertical_spacing=0.09)
    known = [each for each in seen.rounds if each.labelled is not None]
    drawn.add_scatter(
        x=[each.row.number for each in known], y=[each.labelled for each in known], mode="lines+markers",
        line={"color": "#0f766e", "width": 2}, showlegend=False,
        marker={
            "size": [13 if each.row.number == seen.in_use else 7 for each in known],
            "symbol": ["star" if each.row.number == seen.in_use else "circle" for each in known],
        },
        text=[_hover(each) for each in known], hovertemplate="%{text}<extra></extra>", row=1, col=1,
    )  # fmt: skip
    for name, (hue, pattern) in MANNERS.items():
        of = [each for each in seen.rounds if manner(each) == name]
        if not of:
            continue
        drawn.add_bar(
            x=[each.row.number for each in of], y=[(each.seconds or 0) / 60 for each in of],
            name=say(f"rounds.manner_{name}", lang(), n=len(of)),
            marker={"color": hue, "pattern": {"shape": pattern, "fgcolor": "#ffffff", "size": 6}},
            text=[_hover(each) for each in of], textposition="none", hovertemplate="%{text}<extra></extra>", row=2,
            col=1,
        )  # fmt: skip
    drawn.update_layout(
        height=380, barmode="overlay", bargap=0.3, margin={"l": 8, "r": 16, "t": 40, "b": 8}, hovermode="closest",
        dragmode=False, showlegend=True,
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.02, "xanchor": "left", "x": 0},
    )  # fmt: skip
    first, last = seen.rounds[0].row.number, seen.rounds[-1].row.number
    width = max(5, last - first + 1)  # a bar alone would be as wide as the page
    drawn.update_xaxes(
        fixedrange=True, tickvals=list(range(first, last + 1, max(1, width // 12))),
        range=[first - 0.6, first + width - 0.4], tickformat="d",
    )  # fmt: skip
    drawn.update_xaxes(title=say("dashboard.axis_round", lang()), row=2, col=1)
    drawn.update_yaxes(title=say("rounds.axis_labelled", lang()), rangemode="tozero", fixedrange=True, row=1, col=1)
    drawn.update_yaxes(title=say("rounds.axis_minutes", lang()), rangemode="tozero", fixedrange=True, row=2, col=1)
    return drawn


def sentence(seen: Timeline) -> str:
    """How many ended how, which one is in use, and what it took."""
    ended = [each.row.state for each in seen.rounds]
    present = seen.of(seen.in_use) if seen.in_use is not None else None
    said = t(
        "rounds.said", n=len(ended), published=ended.count("published"), failed=ended.count("failed"),
        cancelled=ended.count("cancelled"),
    )  # fmt: skip
    if present is not None:
        said += t(
            "rounds.said_in_use", round=present.row.number, labelled=present.labelled or 0,
            took=plain(when.duration(present.seconds)),
        )  # fmt: skip
    return said


def cost(rounds: Sequence[Past]) -> go.Figure:
    """Seconds a stage, one bar a round."""
    stages = _stages(rounds)
    drawn = go.Figure()
    for place, stage in enumerate(stages):
        drawn.add_bar(
            y=[say("rounds.round_n", lang(), n=each.row.number) for each in rounds],
            x=[each.row.timings.get(stage, 0.0) for each in rounds], orientation="h",
            name=round_strip.named_stage(stage),
            marker={
                "color": STAGE_HUES[place % len(STAGE_HUES)],
                "pattern": {"shape": STAGE_PATTERNS[place % len(STAGE_PATTERNS)], "fgcolor": "#ffffff", "size": 6},
            },
            hovertemplate=say("rounds.hover_cost", lang()),
        )  # fmt: skip
    drawn.update_layout(
        height=130 + 28 * max(2, len(rounds)), barmode="stack", bargap=0.35, hovermode="closest", dragmode=False,
        margin={"l": 8, "r": 16, "t": 40, "b": 8}, showlegend=True,
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.02, "xanchor": "left", "x": 0, "traceorder": "normal"},
    )  # fmt: skip
    drawn.update_xaxes(title=say("rounds.axis_seconds", lang()), rangemode="tozero", fixedrange=True)
    drawn.update_yaxes(type="category", autorange="reversed", fixedrange=True, automargin=True)
    return drawn


def cost_sentence(rounds: Sequence[Past]) -> str:
    """What a round takes on average, and what most of it goes to."""
    total = {stage: sum(each.row.timings.get(stage, 0.0) for each in rounds) for stage in _stages(rounds)}
    whole = sum(total.values())
    longest = max(total, key=lambda stage: total[stage])
    return t(
        "rounds.cost_said", n=len(rounds), took=plain(when.duration(whole / len(rounds))),
        stage=plain(round_strip.named_stage(longest)), share=f"{100 * total[longest] / whole:.0f}" if whole else "0",
    )  # fmt: skip


def _stages(rounds: Sequence[Past]) -> list[str]:
    """In the order in which they come; those that are unheard of last."""
    found = {stage for each in rounds for stage in each.row.timings}
    return [stage for stage in round_strip.STAGES if stage in found] + sorted(found - set(round_strip.STAGES))


def _hover(one: Past) -> str:
    return say(
        "rounds.hover_round", lang(), n=one.row.number, state=state_words(one.row),
        started=when.moment(one.row.started_at), took=when.duration(one.seconds),
        labelled="–" if one.labelled is None else one.labelled, f1=f"{one.macro.f1:.3f}" if one.macro else "–",
    )  # fmt: skip


def _rows(seen: Timeline) -> list[dict[str, object]]:
    return [
        {
            t("rounds.column_number"): each.row.number, t("rounds.column_state"): state_words(each.row),
            t("rounds.column_started"): when.moment(each.row.started_at),
            t("rounds.axis_labelled"): each.labelled,
            t("rounds.axis_minutes"): None if each.seconds is None else round(each.seconds / 60, 2),
            "macro-F1": each.macro and round(each.macro.f1, 4), t("rounds.column_gold"): each.row.n_gold,
            t("rounds.column_code"): each.row.code_version,
        }
        for each in seen.rounds
    ]  # fmt: skip


def _cost_rows(rounds: Sequence[Past]) -> list[dict[str, object]]:
    return [
        {t("rounds.column_number"): each.row.number}
        | {round_strip.named_stage(stage): each.row.timings.get(stage) for stage in _stages(rounds)}
        for each in rounds
    ]
