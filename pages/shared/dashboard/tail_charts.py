"""Pictures of the long tail from frozen values: frequencies, F1 against frequency, the queue beside need, gains."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from core.evaluate.bands import Band
from core.services.dashboard.long_tail import BANDS, LongTail, TailLine
from core.wording import signed
from pages.shared import charts
from pages.shared.charts import UNSTABLE_BELOW, plain_name
from pages.shared.dashboard.label_charts import CALM, GREY, LEGEND, reach
from pages.shared.i18n import say
from pages.shared.sketch import Sketch

# Three hues that colour-blind readers tell apart; pattern and symbol tell the bands apart a second time.
COLOURS: dict[Band, str] = {"head": "#5b7fbd", "medium": "#8a8d3b", "tail": "#d55e00"}
PATTERNS: dict[Band, str] = {"head": "", "medium": ".", "tail": "/"}
SYMBOLS: dict[Band, str] = {"head": "square", "medium": "circle", "tail": "triangle-up"}
UNDER = 0.1  # of F1: the room that a name takes below its mark
NAMED = 20  # so many labels can have their names in the picture
Names = Mapping[str, str]
Box = tuple[float, float, float, float]  # left, top, right, bottom
_WIDE, _HIGH, _EDGE = 230.0, 230.0, 24.0  # pixels between the outermost marks, of F1 from 0 to 1, and beside them
_PLACES = ("middle right", "middle left", "top right", "bottom right", "top left", "bottom left", "top center")


def _name(line: TailLine, names: Names) -> str:
    return plain_name(names.get(line.key, line.key))


def frequency(found: LongTail, names: Names, lang: str) -> Sketch:
    """Share of gold, one bar a label from common to rare, coloured by band; the pool's share as diamonds."""
    figure = Sketch()
    place, many = {line.key: n for n, line in enumerate(found.labels)}, len(found.labels) > NAMED
    for band in BANDS if found.n_gold else ():
        own = [line for line in found.labels if line.band == band and line.share]
        if not own:
            continue
        shares = [line.share for line in own if line.share]
        word = say(f"long_tail.{band}", lang)
        figure.add_bar(
            x=[place[line.key] for line in own], y=[100 * each.value for each in shares],
            name=say("long_tail.series_gold", lang, band=word),
            marker={"color": COLOURS[band], "pattern": {"shape": PATTERNS[band], "fillmode": "overlay", "size": 6,
                                                       "fgcolor": "rgba(255,255,255,0.7)"}},
            error_y={
                "type": "data", "symmetric": False, "thickness": 0.8 if many else 1.4, "width": 0 if many else 3,
                "color": GREY,
                "array": [100 * (each.high - each.value) for each in shares],
                "arrayminus": [100 * (each.value - each.low) for each in shares],
            },
            text=[
                say("long_tail.hover_gold", lang, name=_name(line, names), band=word, k=each.k, n=each.n,
                    share=f"{100 * each.value:.1f}", low=f"{100 * each.low:.1f}", high=f"{100 * each.high:.1f}")
                for line, each in zip(own, shares, strict=True)
            ],
            textposition="none", hovertemplate="%{text}<extra></extra>",
        )  # fmt: skip
    if found.n_pool:
        figure.add_scatter(
            x=list(place.values()), y=[100 * line.pool / found.n_pool for line in found.labels], mode="markers",
            name=say("long_tail.series_pool", lang, n=found.n_pool),
            marker={"symbol": "diamond", "size": 5 if many else 10, "color": "#cc79a7",
                    "line": {"width": 0 if many else 1.5, "color": "white"}},
            text=[
                say("long_tail.hover_pool", lang, name=_name(line, names), k=line.pool, n=found.n_pool,
                    share=f"{100 * line.pool / found.n_pool:.1f}")
                for line in found.labels
            ],
            hovertemplate="%{text}<extra></extra>",
        )  # fmt: skip
    figure.update_layout(height=400, bargap=0.25, legend=LEGEND, **CALM)
    at = [n for n in place.values() if not many or n % 10 == 9 or n == 0]
    figure.update_xaxes(
        tickmode="array", tickvals=at, fixedrange=True, automargin=True, tickangle=0 if many else -40,
        ticktext=[str(n + 1) if many else _name(found.labels[n], names) for n in at], zeroline=False,
    )  # fmt: skip
    figure.update_yaxes(title=say("long_tail.axis_share", lang), rangemode="tozero", fixedrange=True)
    return figure


def f1_against_frequency(found: LongTail, names: Names, lang: str) -> Sketch:
    """The student's F1 over the pool texts that have a label, by band; one nobody has yet stands left of one."""
    figure = Sketch()
    written = beside(found.labels, names) if len(found.labels) <= NAMED else {}
    for band in BANDS:
        points = [(line, line.metric) for line in found.labels if line.band == band and line.metric]
        if not points:
            continue
        word = say(f"long_tail.{band}", lang)
        figure.add_scatter(
            x=[max(line.pool, 0.5) for line, _ in points], y=[m.f1 for _, m in points], name=word,
            mode="markers+text" if written else "markers",
            text=[_name(line, names) if line.key in written else "" for line, _ in points],
            textposition=[written.get(line.key, "top center") for line, _ in points], textfont={"size": 11},
            marker={
                "color": COLOURS[band], "size": 11, "line": {"width": 2, "color": COLOURS[band]},
                "symbol": [SYMBOLS[band] + ("" if m.support >= UNSTABLE_BELOW else "-open") for _, m in points],
            },
            error_y={
                "type": "data", "symmetric": False, "thickness": 1.2, "width": 0, "color": COLOURS[band],
                **reach([m for _, m in points]),
            },
            customdata=[
                say("long_tail.hover_f1", lang, name=_name(line, names), band=word, pool=line.pool, support=m.support,
                    n=m.n, f1=f"{m.f1:.3f}", interval=charts.interval(m), round=m.round)
                for line, m in points
            ],
            hovertemplate="%{customdata}<extra></extra>",
        )  # fmt: skip
    counts = [line.pool for line in found.labels]
    figure.update_layout(height=400, legend=LEGEND, **CALM)
    ticks = counted(min(counts, default=1), max(counts, default=1))
    ends = [math.log10(max(n, 0.5)) for n in (min(counts, default=1), max(counts, default=1))]
    room = max(0.15, 0.12 * (ends[1] - ends[0]))
    figure.update_xaxes(
        type="log", title=say("long_tail.axis_pool", lang), fixedrange=True, tickmode="array",
        range=[ends[0] - room, ends[1] + room],
        tickvals=([0.5] if 0 in counts else []) + ticks,
        ticktext=(["0"] if 0 in counts else []) + [f"{n:,}" for n in ticks],
    )  # fmt: skip
    under = [line.metric.f1 for line in found.labels if line.metric and written.get(line.key, "").startswith("bottom")]
    low = min([-0.03, *(f1 - UNDER for f1 in under)])
    figure.update_yaxes(title="F1", range=[low, 1.1], fixedrange=True, zeroline=False)
    return figure


def counted(low: int, high: int) -> list[int]:
    """Round numbers for a logarithmic axis from the one count to the other: a few, however wide it is."""
    low = max(low, 1)
    steps = (1, 2, 5) if high <= 1000 * low else (1,)
    powers = range(int(math.log10(max(high, 1))) + 1)
    return [step * 10**power for power in powers for step in steps if low / 2 < step * 10**power <= 2 * high]


def beside(lines: Sequence[TailLine], names: Names) -> dict[str, str]:
    """Where each label's name stands beside its mark, so that none covers another; some may have to go without.

    Reckoned for a picture of a telephone's width, in pixels; with more room names only stand further apart.
    """
    points = [(line, math.log10(max(line.pool, 0.5)), line.metric.f1) for line in lines if line.metric]
    if not points:
        return {}
    left, right = min(x for _, x, _ in points), max(x for _, x, _ in points)
    at = {line.key: (_WIDE * (x - left) / max(right - left, 1e-9), _HIGH * (1 - f1)) for line, x, f1 in points}
    marks = {key: (x - 7, y - 7, x + 7, y + 7) for key, (x, y) in at.items()}
    taken: list[Box] = []
    found: dict[str, str] = {}
    for line, _, _ in points:
        wide = sum(6 if letter.isascii() else 11 for letter in names.get(line.key, line.key))
        others = taken + [mark for key, mark in marks.items() if key != line.key]
        for place in _PLACES:
            own = _box(at[line.key], wide, place)
            if own[0] >= -_EDGE and own[2] <= _WIDE + _EDGE and not any(_meet(own, other) for other in others):
                taken.append(own)
                found[line.key] = place
                break
    return found


def _box(at: tuple[float, float], wide: float, place: str) -> Box:
    """What a name covers that stands so beside its mark."""
    (x, y), (upright, sideways) = at, place.split()
    left = {"right": x + 9, "left": x - 9 - wide, "center": x - wide / 2}[sideways]
    top = {"middle": y - 6, "top": y - 20, "bottom": y + 8}[upright]
    return left, top, left + wide, top + 12


def _meet(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def queue(found: LongTail, lines: Sequence[TailLine], names: Names, lang: str) -> Sketch:
    """What the queue spends on each label, beside what the label needs."""
    figure, total = Sketch(), spent(found)
    for key, counts, pattern in (
        ("asked", [line.asked for line in lines], ""), ("sought", [line.sought for line in lines], "/"),
    ):  # fmt: skip
        if not total or (key == "sought" and not any(counts)):
            continue
        figure.add_bar(
            x=[100 * n / total for n in counts], y=list(range(len(lines))), orientation="h",
            name=say(f"long_tail.series_{key}", lang),
            marker={
                "color": charts.HEAD, "opacity": 0.85,
                "pattern": {"shape": pattern, "fgcolor": "white", "fillmode": "overlay", "size": 6},
            },
            text=_queue_hovers(lines, total, names, lang), textposition="none", hovertemplate="%{text}<extra></extra>",
        )  # fmt: skip
    figure.add_scatter(
        x=[100 * line.need for line in lines], y=list(range(len(lines))), mode="markers",
        name=say("long_tail.series_need", lang),
        marker={"symbol": "diamond", "size": 11, "color": "#e69f00", "line": {"width": 1.5, "color": "white"}},
        text=_queue_hovers(lines, total, names, lang), hovertemplate="%{text}<extra></extra>",
    )  # fmt: skip
    figure.update_layout(barmode="stack", bargap=0.35, **_rows(lines, names))
    figure.update_layout(legend={"traceorder": "normal"})
    figure.update_xaxes(title=say("long_tail.axis_queue", lang), rangemode="tozero", fixedrange=True)
    return figure


def spent(found: LongTail) -> int:
    """Texts of the queue that are there for a label of today."""
    return sum(line.asked + line.sought for line in found.labels)


def _queue_hovers(lines: Sequence[TailLine], total: int, names: Names, lang: str) -> list[str]:
    return [
        say(
            "long_tail.hover_queue", lang, name=_name(line, names), n=line.asked + line.sought,
            share=f"{100 * (line.asked + line.sought) / max(1, total):.1f}", need=f"{100 * line.need:.1f}",
        )
        for line in lines
    ]  # fmt: skip


def verdict(line: TailLine) -> str:
    """Whether distillation visibly changed a label."""
    if line.gain is None or not line.gain.clear:
        return "unclear"
    return "better" if line.gain.difference > 0 else "worse"


def gain(found: LongTail, lines: Sequence[TailLine], names: Names, lang: str) -> Sketch:
    """Student less undistilled student, one mark a label with its paired 95 % interval."""
    figure = Sketch()
    marks = {"better": (charts.HEAD, "triangle-up"), "unclear": (GREY, "circle"), "worse": ("#d55e00", "triangle-down")}
    for kind, (colour, symbol) in marks.items():
        points = [(n, line, line.gain) for n, line in enumerate(lines) if line.gain and verdict(line) == kind]
        if not points:
            continue
        figure.add_scatter(
            x=[g.difference for _, _, g in points], y=[n for n, _, _ in points], mode="markers",
            name=say(f"long_tail.{kind}", lang),
            marker={
                "color": colour, "size": 11, "line": {"width": 2, "color": colour},
                "symbol": [symbol + ("" if _support(line) >= UNSTABLE_BELOW else "-open") for _, line, _ in points],
            },
            error_x={
                "type": "data", "symmetric": False, "thickness": 1.6, "width": 0, "color": colour,
                "array": [g.high - g.difference for _, _, g in points],
                "arrayminus": [g.difference - g.low for _, _, g in points],
            },
            text=[
                say("long_tail.hover_gain", lang, name=_name(line, names), difference=signed(g.difference, 3),
                    low=signed(g.low, 3), high=signed(g.high, 3), support=_support(line), round=found.round,
                    n=found.compared)
                for _, line, g in points
            ],
            hovertemplate="%{text}<extra></extra>",
        )  # fmt: skip
    figure.add_vline(x=0, line={"color": GREY, "width": 1.2, "dash": "dash"})
    figure.update_layout(**_rows(lines, names))
    figure.update_xaxes(title=say("long_tail.axis_gain", lang), fixedrange=True, tickformat=".2~f", zeroline=False)
    return figure


def _support(line: TailLine) -> int:
    return line.metric.support if line.metric else line.gold


def _rows(lines: Sequence[TailLine], names: Names) -> dict[str, Any]:
    """A row a label, the commonest on top."""
    return {
        "height": 110 + 34 * max(2, len(lines)), "legend": LEGEND, **CALM,
        "yaxis": {
            "tickmode": "array", "tickvals": list(range(len(lines))),
            "ticktext": [_name(line, names) for line in lines],
            "range": [len(lines) - 0.5, -0.5], "fixedrange": True, "zeroline": False, "automargin": True,
        },
    }  # fmt: skip
