"""The picture of labels that come together: one cell a pair, its number in it, and a point to click on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.evaluate.cooccurrence import FEW_EXPECTED, Together
from core.labels import Label
from core.wording import fixed, signed
from pages.shared.charts import UNSTABLE_BELOW, plain_name
from pages.shared.i18n import lang, say
from pages.shared.sketch import Sketch

MEASURES = ("share", "count", "lift")
CROWDED = 12  # labels beyond which numbers are small
INK = ("#16302d", "#f1f6f5")  # of numbers, by day and by night
LONGEST = 14  # characters of a name on an axis; the whole name is on hover
# Light enough for letters of the theme's own colour on them.
_GREEN = [[0, "rgba(15,140,128,0.04)"], [1, "rgba(15,140,128,0.6)"]]
# Two hues that colour-blind readers tell apart, and nothing where both agree; the sign stands in the cell as well.
_APART = [[0, "rgba(91,127,189,0.7)"], [0.5, "rgba(128,128,128,0.05)"], [1, "rgba(213,94,0,0.7)"]]


@dataclass(frozen=True, kw_only=True)
class Grid:
    """K labels with what stands in their cells. Shapes: values, few (K, K); hovers and texts K lists of K."""

    labels: Sequence[Label]
    values: NDArray[np.float64]
    texts: list[list[str]]
    hovers: list[list[str]]
    bounds: tuple[float, float]
    apart: bool = False


def grid(labels: Sequence[Label], found: Together, measure: str) -> Grid:
    """One source by one measure; a number that is not to be relied on has a star."""
    k, share, lift, expected = len(labels), found.share, found.lift, found.expected
    counts = found.counts.astype(np.float64)
    off = ~np.eye(k, dtype=bool)
    values = {"share": 100 * share, "count": np.where(off, counts, np.nan), "lift": lift}[measure]
    few = {"share": np.repeat(found.support[:, None] < UNSTABLE_BELOW, k, 1), "lift": found.few}.get(measure)
    most = {"share": 100.0, "count": float(counts[off].max(initial=1.0)), "lift": _largest(lift, found.few)}[measure]
    decimals = 1 if measure == "lift" else 0
    hovers = [
        [
            say("together.hover_same", lang(), a=_name(labels[i]), held=int(counts[i, i]))
            if i == j
            else say(
                "together.hover", lang(), a=_name(labels[i]), b=_name(labels[j]), count=int(counts[i, j]),
                held=int(counts[i, i]), share=percent(share[i, j]), lift=number(lift[i, j]),
                expected=f"{expected[i, j]:.1f}",
            )
            for j in range(k)
        ]
        for i in range(k)
    ]  # fmt: skip
    texts = [
        [
            _cell(
                values[i, j],
                lambda value: fixed(value, decimals),
                bool(few is not None and few[i, j]),
                zero=counts[i, j] == 0,
            )
            for j in range(k)
        ]
        for i in range(k)
    ]
    return Grid(labels=labels, values=values, texts=texts, hovers=hovers, bounds=(0.0, max(most, 1e-9)))


def difference(labels: Sequence[Label], given: Together, named: Together) -> Grid:
    """The student's shares less people's, on the same texts. Units: percentage points."""
    k = len(labels)
    points = 100 * (named.share - given.share)
    few = np.minimum(given.support, named.support) < UNSTABLE_BELOW
    hovers = [
        [
            say(
                "together.hover_difference", lang(), a=_name(labels[i]), b=_name(labels[j]),
                named=percent(named.share[i, j]), given=percent(given.share[i, j]),
                n_named=int(named.support[i]), n_given=int(given.support[i]),
            )
            for j in range(k)
        ]
        for i in range(k)
    ]  # fmt: skip
    texts = [
        [_cell(points[i, j], lambda value: signed(value, 0), bool(few[i]), zero=False) for j in range(k)]
        for i in range(k)
    ]
    reach = float(np.nanmax(np.abs(points), initial=10.0)) if np.isfinite(points).any() else 10.0
    return Grid(labels=labels, values=points, texts=texts, hovers=hovers, bounds=(-reach, reach), apart=True)


def heatmap(drawn: Grid, *, dark: bool = False) -> Sketch:
    """A cell a pair. A heatmap cannot be clicked on here, so a point with the number stands in each cell."""
    k = len(drawn.labels)
    places = list(range(k))
    values: list[list[float | None]] = [[float(v) if np.isfinite(v) else None for v in line] for line in drawn.values]
    figure = Sketch()
    figure.add_heatmap(
        z=values, x=places, y=places, hoverinfo="skip", zmin=drawn.bounds[0], zmax=drawn.bounds[1],
        colorscale=_APART if drawn.apart else _GREEN, xgap=2, ygap=2, showscale=False,
    )  # fmt: skip
    pairs = [(i, j) for i in places for j in places]
    figure.add_scatter(
        x=[j for _, j in pairs], y=[i for i, _ in pairs], mode="markers+text",
        marker={"size": 24, "symbol": "square", "opacity": 0}, unselected={"marker": {"opacity": 0}},
        selected={"marker": {"opacity": 0.3, "color": "#888888"}, "textfont": {"color": INK[dark]}},
        text=[drawn.texts[i][j] for i, j in pairs], textfont={"size": 12 if k <= CROWDED else 9, "color": INK[dark]},
        hovertext=[drawn.hovers[i][j] for i, j in pairs],
        customdata=[[drawn.labels[i].key, drawn.labels[j].key] for i, j in pairs],
        hovertemplate="%{hovertext}<extra></extra>", showlegend=False,
    )  # fmt: skip
    names = [_short(label) for label in drawn.labels]
    figure.update_layout(
        height=130 + max(24, min(40, 640 // max(k, 1))) * k, margin={"l": 8, "r": 16, "t": 24, "b": 8},
        hovermode="closest", hoverdistance=-1, dragmode=False,
    )  # fmt: skip
    common: dict[str, Any] = {"tickmode": "array", "tickvals": places, "ticktext": names, "fixedrange": True}
    common |= {"showgrid": False, "zeroline": False, "automargin": True, "ticks": ""}
    common |= {"tickfont": {"size": 10}} if k > CROWDED else {}
    figure.update_xaxes(
        side="top", tickangle=-90 if k > 5 else 0, ticklabeloverflow="allow", range=[-0.5, k - 0.5], **common
    )
    figure.update_yaxes(range=[k - 0.5, -0.5], **common)
    return figure


def percent(share: float) -> str:
    """A share as people read it; a dash where there is none."""
    return f"{100 * share:.0f} %" if np.isfinite(share) else "–"


def number(value: float) -> str:
    """To one place; a dash where there is none."""
    return f"{value:.1f}" if np.isfinite(value) else "–"


def reliable(found: Together) -> NDArray[np.bool_]:
    """Pairs whose lift may be spoken of."""
    return np.isfinite(found.lift) & (found.expected >= FEW_EXPECTED)


def _largest(lift: NDArray[np.float64], few: NDArray[np.bool_]) -> float:
    """The top of the colours: one that a chance find does not stretch."""
    sure = lift[np.isfinite(lift) & ~few]
    return max(2.0, float(sure.max(initial=2.0)))


def _cell(value: float, written: Callable[[float], str], few: bool, *, zero: bool) -> str:
    if not np.isfinite(value) or zero:
        return ""
    return written(value) + ("*" if few else "")


def _name(label: Label) -> str:
    return plain_name(label.name(lang()))


def _short(label: Label) -> str:
    name = label.name(lang())
    return plain_name(name if len(name) <= LONGEST else name[: LONGEST - 1] + "…")
