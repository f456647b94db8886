"""The figures of the People tab: pure functions of frozen values, so that a test reads what a lead would see."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence

from core.evaluate.proportion import Share
from core.evaluate.resampled import Estimate
from core.services.dashboard.people import Agreement, Person, Suggestions, Work
from core.wording import fixed, signed
from pages.shared.charts import FADED, HEAD, UNSTABLE_BELOW, plain_name
from pages.shared.i18n import say
from pages.shared.sketch import Sketch

HUES = ("#0f766e", "#e69f00", "#5b7fbd", "#cc79a7", "#d55e00", "#56b4e9", "#8a8d3b", "#7a5195")
PATTERNS = ("", "/", ".", "x", "\\", "-", "|", "+")
OTHERS = "#8c8c8c"
WEEKS_FROM = 90  # days; more of them are shown by the week
RATES = {"skipped": ("#5b7fbd", "circle"), "flagged": ("#d55e00", "diamond"), "fast": ("#8a8d3b", "square")}
RELIABLE, TENTATIVE = 0.8, 2 / 3  # of alpha; the customary marks, krippendorff2011's author's
ACCEPTED, ADDED = ("#0f766e", "circle"), ("#e69f00", "diamond")
KAPPAS, KAPPA_INK = [[0, "#eef7f5"], [1, "#4fb0a3"]], "#16302d"  # its numbers are read by day and by night
LEAST_SEEN = 5  # observations; a share of fewer is not drawn
_CALM = {"margin": {"l": 8, "r": 16, "t": 40, "b": 8}, "hovermode": "closest", "dragmode": False}
_LEGEND = {"orientation": "h", "yanchor": "bottom", "y": 1.02, "xanchor": "left", "x": 0}


def escaped(name: str) -> str:
    """A name inside a template of a chart, where a per cent sign would begin a field."""
    return plain_name(name).replace("%", "&#37;")


def weekly(work: Work) -> bool:
    """Whether the days are shown by the week."""
    days = [day for day, _, _ in work.per_day]
    return bool(days) and (max(days) - min(days)).days >= WEEKS_FROM


def stacked(work: Work, others: str) -> tuple[list[str], Counter[tuple[dt.date, str]]]:
    """Who has a colour, by name and ``others`` last, and texts by (day or Monday, one of these)."""
    total: Counter[str] = Counter()
    for _, name, n in work.per_day:
        total[name] += n
    every = sorted(total)
    if len(every) > len(HUES):
        kept = {name for name, _ in sorted(total.items(), key=lambda each: (-each[1], each[0]))[: len(HUES)]}
        every = [*(name for name in every if name in kept), others]
    found: Counter[tuple[dt.date, str]] = Counter()
    by_week = weekly(work)
    for day, name, n in work.per_day:
        start = day - dt.timedelta(days=day.weekday()) if by_week else day
        found[start, name if name in every else others] += n
    return every, found


def per_day(work: Work, others: str, lang: str) -> Sketch:
    """Texts first decided a day, or a week where there are many days, one colour and pattern a person."""
    names, found = stacked(work, others)
    days = sorted({day for day, _ in found})
    step = 7 if weekly(work) else 1
    figure = Sketch()
    for i, name in enumerate(names):
        spare = name == others and i == len(HUES)
        figure.add_bar(
            x=days, y=[found[day, name] for day in days], name=plain_name(name), width=step * 86_400_000 * 0.72,
            marker={
                "color": OTHERS if spare else HUES[i],
                "pattern": {
                    "shape": "" if spare else PATTERNS[i], "fillmode": "overlay", "fgcolor": "rgba(255,255,255,0.6)",
                    "solidity": 0.2, "size": 8,
                },
            },
            hovertemplate=say("people_tab.hover_day", lang, name=escaped(name)),
        )  # fmt: skip
    figure.update_layout(
        height=320,
        barmode="stack",
        showlegend=len(names) > 1,
        legend=_LEGEND | {"traceorder": "normal"},
        **_CALM,
    )
    if days:
        # Room for a week at least, of days that have been: one day alone would be one huge bar.
        first = min(days[0], days[-1] - dt.timedelta(days=6 * step))
        edge = dt.timedelta(days=step * 0.6)
        midnight = dt.time()
        figure.update_xaxes(
            range=[dt.datetime.combine(first, midnight) - edge, dt.datetime.combine(days[-1], midnight) + edge],
            dtick=86_400_000 if len(days) <= 7 and step == 1 else None,
        )
    figure.update_xaxes(type="date", tickformat="%m/%d" if step == 1 else "%Y/%m/%d", fixedrange=True, nticks=8)
    figure.update_yaxes(title=say("people_tab.axis_texts", lang), rangemode="tozero", fixedrange=True)
    return figure


def _rows(figure: Sketch, names: Sequence[str], *, each_px: int = 40, legend: bool) -> Sketch:
    """A row for each name, the first on top."""
    figure.update_layout(height=(120 if legend else 90) + each_px * len(names), legend=_LEGEND, **_CALM)
    figure.update_layout(margin={"t": 40 if legend else 12})
    figure.update_yaxes(
        tickmode="array", tickvals=list(range(len(names))), ticktext=list(names), range=[len(names) - 0.5, -0.5],
        fixedrange=True, zeroline=False, automargin=True, showgrid=False,
    )  # fmt: skip
    return figure


def _bars(values: Sequence[float], low: Sequence[float], high: Sequence[float], **more: object) -> dict:
    """Error bars from a value's bounds."""
    return {
        "type": "data", "symmetric": False, "width": 0,
        "array": [max(0.0, h - v) for v, h in zip(values, high, strict=True)],
        "arrayminus": [max(0.0, v - b) for v, b in zip(values, low, strict=True)], **more,
    }  # fmt: skip


def seconds(people: Sequence[Person], lang: str) -> Sketch:
    """Seconds a text: the median, the middle half as a thick line, the middle four fifths as a thin one."""
    timed = [each for each in people if each.seconds is not None]
    figure = Sketch()
    middle = [each.seconds[2] for each in timed if each.seconds]
    for at, (width, opacity) in ((0, (1.6, 0.7)), (1, (11, 0.4))):
        figure.add_scatter(
            x=middle, y=list(range(len(timed))), mode="markers", showlegend=False, hoverinfo="skip", opacity=opacity,
            marker={"size": 1, "color": HEAD},
            error_x=_bars(
                middle, [each.seconds[at] for each in timed if each.seconds],
                [each.seconds[4 - at] for each in timed if each.seconds], thickness=width, color=HEAD,
            ),
        )  # fmt: skip
    figure.add_scatter(
        x=middle, y=list(range(len(timed))), mode="markers", showlegend=False,
        marker={"symbol": "diamond", "size": 11, "color": HEAD, "line": {"width": 1.5, "color": "white"}},
        text=[
            say(
                "people_tab.hover_seconds", lang, name=plain_name(each.name), n=each.timed,
                **{f"p{at}": f"{value:.1f}" for at, value in enumerate(each.seconds or ())},
            )
            for each in timed
        ],
        hovertemplate="%{text}<extra></extra>",
    )  # fmt: skip
    figure.update_xaxes(title=say("people_tab.axis_seconds", lang), rangemode="tozero", fixedrange=True)
    return _rows(figure, [plain_name(each.name) for each in timed], legend=False)


def _dots(figure: Sketch, found: Sequence[tuple[float, Share, str]], name: str, style: tuple[str, str]) -> None:
    """Shares in per cent with their intervals, at these heights and with these hovers."""
    colour, symbol = style
    values = [100 * share.value for _, share, _ in found]
    figure.add_scatter(
        x=values, y=[at for at, _, _ in found], mode="markers", name=name,
        marker={"color": colour, "symbol": symbol, "size": 9},
        error_x=_bars(
            values, [100 * share.low for _, share, _ in found], [100 * share.high for _, share, _ in found],
            thickness=1.6, color=colour,
        ),
        text=[text for _, _, text in found], hovertemplate="%{text}<extra></extra>",
    )  # fmt: skip


def percent(share: Share, lang: str) -> str:
    """A share in words, with its interval and what it is of."""
    return say(
        "people_tab.share", lang, percent=f"{100 * share.value:.1f}", low=f"{100 * share.low:.1f}",
        high=f"{100 * share.high:.1f}", k=share.k, n=share.n,
    )  # fmt: skip


def rates(people: Sequence[Person], lang: str) -> Sketch:
    """How often each person skips, flags, and is faster than reading, with intervals."""
    figure = Sketch()
    for place, (rate, style) in enumerate(RATES.items()):
        word = say(f"people_tab.rate_{rate}", lang)
        found = [
            (i + (place - 1) * 0.22, share, f"{plain_name(each.name)} · {word}<br>{percent(share, lang)}")
            for i, each in enumerate(people)
            if (share := getattr(each, rate)) is not None
        ]
        _dots(figure, found, word, style)
    figure.update_xaxes(title=say("people_tab.axis_percent", lang), rangemode="tozero", fixedrange=True)
    return _rows(figure, [plain_name(each.name) for each in people], each_px=48, legend=True)


def label_alphas(found: Sequence[tuple[str, Estimate, int]], lang: str) -> Sketch:
    """Alpha of each label with its interval, and the customary marks; labels chosen by few votes are faded."""
    figure = Sketch()
    values = [each.value for _, each, _ in found]
    low = [each.value if each.low is None else each.low for _, each, _ in found]
    high = [each.value if each.high is None else each.high for _, each, _ in found]
    for at, dash in ((TENTATIVE, "dot"), (RELIABLE, "dash")):
        figure.add_vline(x=at, line={"dash": dash, "width": 1.2, "color": "#808080"})
    for few in (False, True):
        rows = [i for i, (_, _, n) in enumerate(found) if (n < UNSTABLE_BELOW) == few]
        figure.add_scatter(
            x=[values[i] for i in rows], y=rows, mode="markers", showlegend=False, opacity=FADED if few else 1,
            marker={"color": HEAD, "size": 10, "symbol": "circle-open" if few else "circle",
                    "line": {"width": 2, "color": HEAD}},
            error_x=_bars([values[i] for i in rows], [low[i] for i in rows], [high[i] for i in rows],
                          thickness=1.8, color=HEAD),
            text=[_alpha_hover(*found[i], lang) for i in rows], hovertemplate="%{text}<extra></extra>",
        )  # fmt: skip
    names = [
        say("people_tab.axis_few" if n < UNSTABLE_BELOW else "people_tab.axis_name", lang, name=plain_name(name), n=n)
        for name, _, n in found
    ]
    figure.update_xaxes(
        title=say("people_tab.axis_alpha", lang), range=[min([-0.02, *(each - 0.03 for each in low)]), 1.02],
        fixedrange=True, zeroline=False,
    )  # fmt: skip
    return _rows(figure, names, legend=False)


def interval(found: Estimate) -> str:
    """The 95 % interval in brackets, or nothing."""
    return "" if found.low is None or found.high is None else f"[{fixed(found.low)}, {fixed(found.high)}]"


def _alpha_hover(name: str, found: Estimate, chosen: int, lang: str) -> str:
    return say(
        "people_tab.hover_alpha", lang, name=plain_name(name), alpha=fixed(found.value), interval=interval(found),
        n=found.n, chosen=chosen,
    )  # fmt: skip


def kappas(found: Agreement, lang: str) -> Sketch:
    """Mean kappa of each pair of people, as a matrix; empty where two have no text in common."""
    names = sorted({name for pair in found.pairs for name in pair.names})
    shown = [plain_name(name) for name in names]
    mean = {frozenset(pair.names): pair for pair in found.pairs}
    z: list[list[float | None]] = []
    hover = []
    for a in names:
        line = [mean.get(frozenset((a, b))) if a != b else None for b in names]
        z.append([None if pair is None else pair.mean for pair in line])
        hover.append(
            [
                "" if pair is None else say(
                    "people_tab.hover_kappa", lang, a=plain_name(a), b=plain_name(b), n=pair.n,
                    kappa="–" if pair.mean is None else fixed(pair.mean),
                )
                for b, pair in zip(names, line, strict=True)
            ]
        )  # fmt: skip
    figure = Sketch()
    figure.add_heatmap(
        z=z, x=shown, y=shown, text=[["" if v is None else fixed(v) for v in line] for line in z],
        texttemplate="%{text}", customdata=hover, hovertemplate="%{customdata}<extra></extra>", zmin=0, zmax=1,
        colorscale=KAPPAS, textfont={"color": KAPPA_INK}, xgap=2, ygap=2, hoverongaps=False,
        colorbar={"thickness": 10, "outlinewidth": 0},
    )  # fmt: skip
    figure.update_layout(height=130 + 40 * len(names), **_CALM)
    figure.update_xaxes(side="top", fixedrange=True, tickangle=-35, automargin=True, showgrid=False, type="category")
    figure.update_yaxes(autorange="reversed", fixedrange=True, automargin=True, showgrid=False, type="category")
    return figure


def accepted(found: Sequence[tuple[str, Share | None, Share | None]], lang: str) -> Sketch:
    """By label or person: how many suggestions were accepted, and how often it was chosen without one."""
    figure = Sketch()
    for place, (part, style) in enumerate((("accepted", ACCEPTED), ("added", ADDED))):
        word = say(f"people_tab.{part}", lang)
        dots = [
            (i + (place - 0.5) * 0.24, each, f"{plain_name(name)} · {word}<br>{percent(each, lang)}")
            for i, (name, *shares) in enumerate(found)
            if (each := shares[place]) is not None
        ]
        _dots(figure, dots, word, style)
    figure.update_xaxes(title=say("people_tab.axis_percent", lang), range=[-2, 102], fixedrange=True)
    return _rows(figure, [plain_name(name) for name, _, _ in found], legend=True)


def threshold(found: Suggestions, lang: str) -> Sketch:
    """How often a label is chosen by how far its probability is from its threshold; suggested on the right."""
    seen = [(x, n, k) for x, n, k in found.near if n >= LEAST_SEEN]
    most = max((n for _, n, _ in seen), default=1)
    figure = Sketch()
    for suggested, (colour, symbol) in ((False, ADDED), (True, ACCEPTED)):
        side = [(x, n, k) for x, n, k in seen if (x > 0) == suggested]
        figure.add_scatter(
            x=[x for x, _, _ in side], y=[100 * k / n for _, n, k in side], mode="markers",
            name=say("people_tab.over" if suggested else "people_tab.under", lang),
            marker={"color": colour, "symbol": symbol, "size": [7 + 9 * (n / most) ** 0.5 for _, n, _ in side]},
            text=[
                say("people_tab.hover_near", lang, x=signed(x, 3), percent=f"{100 * k / n:.0f}", k=k, n=n)
                for x, n, k in side
            ],
            hovertemplate="%{text}<extra></extra>",
        )  # fmt: skip
    if found.jump is not None:
        for height, ends, colour in (
            (found.jump.below, (-0.05, 0), ADDED[0]),
            (found.jump.above, (0, 0.05), ACCEPTED[0]),
        ):
            figure.add_scatter(
                x=ends, y=[100 * height] * 2, mode="lines", line={"width": 3, "color": colour}, showlegend=False,
                hoverinfo="skip",
            )  # fmt: skip
    figure.add_vline(x=0, line={"dash": "dash", "width": 1.2, "color": "#808080"})
    figure.update_layout(height=340, legend=_LEGEND, **_CALM)
    figure.update_xaxes(
        title=say("people_tab.axis_distance", lang), range=[-0.21, 0.21], fixedrange=True, zeroline=False
    )
    figure.update_yaxes(title=say("people_tab.axis_chosen", lang), range=[-3, 103], fixedrange=True, zeroline=False)
    return figure
