"""When labelling may stop: the learning curve carried on, and four rules, each with its verdict in words."""

from __future__ import annotations

import streamlit as st

from core.active.stopping import Ruling
from core.errors import TagtailError
from core.evaluate.forecast import Until
from core.services import forecasting
from core.services.forecasting import Curve, WhenToStop
from core.wording import fixed, signed
from db.errors import StorageError
from pages.shared import cache, charts, messages
from pages.shared.dashboard import figure
from pages.shared.i18n import lang, plain, t
from pages.shared.sketch import Sketch

SCOPES = ("macro", "tail")
_SCOPE = "stopping_scope"
# Told apart by sign and word; the colour comes on top.
SIGNS = {
    "go_on": (":blue-badge", ":material/arrow_forward:"),
    "may_stop": (":green-badge", ":material/check_circle:"),
    "too_early": (":gray-badge", ":material/hourglass_empty:"),
}
_MARGINS = {"l": 8, "r": 16, "t": 40, "b": 8}


def show(project_id: int) -> None:
    """The whole section."""
    st.subheader(t("stopping.title"), anchor=False)
    try:
        found = cache.when_to_stop(project_id)
    except (TagtailError, StorageError) as error:
        messages.show(error)
        return
    if not found.n_rounds:
        st.info(t("stopping.no_round"), icon=":material/hourglass_empty:")
        return
    _forecast(found)
    _rules(found)


def _forecast(found: WhenToStop) -> None:
    scope = st.segmented_control(
        t("stopping.scope"), SCOPES, key=_SCOPE, default=SCOPES[0], required=True, label_visibility="collapsed",
        format_func=lambda each: t(f"stopping.scope_{each}", n=len(found.tail)),
    )  # fmt: skip
    curve = found.rare if scope == "tail" else found.macro
    gap = " " if lang() == "en" else ""
    figure.chart(
        figure.kept(drawn, curve, found, lang()), key="chart_stopping", sentence=gap.join(sentences(curve, found)),
        table=rows(curve), name=f"learning-curve-{scope}", note=t("stopping.note"),
    )  # fmt: skip


def _interval(low: float, high: float) -> str:
    return plain(f"[{low:.2f}, {high:.2f}]")


def sentences(curve: Curve, found: WhenToStop) -> list[str]:
    """What the curve says now, Markdown-safe: where it is, where more labels lead, and how far the plateau is."""
    last = curve.points[-1]
    said = [
        t(
            f"stopping.now_{'tail' if curve.scope == 'tail' else 'macro'}", f1=f"{last.f1:.2f}", n=last.n,
            interval=_interval(last.low, last.high), round=last.round,
        )
    ]  # fmt: skip
    if curve.next is None:
        return [*said, why(curve, found)]
    ahead = curve.next
    more = {"n": ahead.n - last.n, "f1": f"{ahead.middle:.2f}", "interval": _interval(ahead.low, ahead.high)}
    said.append(t("stopping.ahead", **more))
    said.append(_plateau(curve, found))
    said.append(_until("target", curve.target, last.n, target=f"{found.target:.2f}"))
    return said


def _plateau(curve: Curve, found: WhenToStop) -> str:
    """Where it is; on rounds so few that every rule holds back, nobody is told that more labels help little."""
    reached = curve.plateau is not None and curve.plateau.state == "reached"
    if reached and found.too_early == len(found.rulings):
        return t("stopping.plateau_reached_early", n=len(curve.points))
    return _until("plateau", curve.plateau, curve.points[-1].n)


def why(curve: Curve, found: WhenToStop) -> str:
    """Why there is no forecast."""
    key = "rounds_labels" if curve.why == "rounds" and found.n_before else curve.why
    return t(f"stopping.why_{key}", n=len(curve.points), before=found.n_before)


def _until(what: str, until: Until | None, now: int, **more: str) -> str:
    state = until.state if until else "not_foreseeable"
    if until is None or until.n is None or until.low is None or until.high is None:
        return t(f"stopping.{what}_{state}", **more)
    n, low, high = (forecasting.about(each - now) for each in (until.n, until.low, until.high))
    return t(f"stopping.{what}_foreseen", n=n, interval=plain(f"[{low}, {high}]"), **more)


def rows(curve: Curve) -> list[dict[str, object]]:
    """What is drawn, as a table."""
    names = [t(f"stopping.column_{each}") for each in ("kind", "n", "f1", "low", "high")]
    measured = [(t("stopping.measured"), p.n, p.f1, p.low, p.high) for p in curve.points]
    ahead = [(t("stopping.forecast"), p.n, p.middle, p.low, p.high) for p in curve.band[1:]]
    return [
        dict(zip(names, [*row[:2], *(round(each, 4) for each in row[2:])], strict=True)) for row in measured + ahead
    ]


def drawn(curve: Curve, found: WhenToStop, language: str) -> Sketch:
    """F1 against labelled texts: rounds with their 95 % intervals, the forecast with its 80 % band, the target."""
    made = Sketch()
    colour = charts.TAIL if curve.scope == "tail" else charts.HEAD
    band = curve.band
    if band:
        edge = [*band, *reversed(band)]
        made.add_scatter(
            x=[p.n for p in edge], y=[p.high for p in band] + [p.low for p in reversed(band)], fill="toself",
            fillcolor=_faint(colour), line={"width": 0}, hoverinfo="skip", name=t("stopping.band"),
        )  # fmt: skip
        made.add_scatter(
            x=[p.n for p in band], y=[p.middle for p in band], mode="lines", name=t("stopping.forecast"),
            line={"color": colour, "width": 2, "dash": "dash"},
            text=[f"{p.n}: {p.middle:.2f} [{p.low:.2f}, {p.high:.2f}]" for p in band],
            hovertemplate="%{text}<extra></extra>",
        )  # fmt: skip
    made.add_scatter(
        x=[p.n for p in curve.points], y=[p.f1 for p in curve.points], mode="lines+markers",
        name=t("stopping.measured"), line={"color": colour, "width": 3}, marker={"size": 9, "symbol": "circle"},
        error_y={
            "type": "data", "symmetric": False, "thickness": 1.4, "width": 3,
            "array": [max(0.0, p.high - p.f1) for p in curve.points],
            "arrayminus": [max(0.0, p.f1 - p.low) for p in curve.points],
        },
        text=[f"{p.n}: {p.f1:.2f} [{p.low:.2f}, {p.high:.2f}]" for p in curve.points],
        hovertemplate="%{text}<extra></extra>",
    )  # fmt: skip
    made.add_hline(
        y=found.target, line={"color": "#8a8a8a", "width": 1, "dash": "dot"},
        annotation={"text": t("stopping.target_line", target=f"{found.target:.2f}"), "font": {"size": 11}},
    )  # fmt: skip
    made.update_layout(
        height=340, margin=_MARGINS, hovermode="closest", dragmode=False,
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.02, "xanchor": "left", "x": 0},
    )  # fmt: skip
    made.update_xaxes(title=t("stopping.axis_n"), rangemode="tozero", fixedrange=True)
    made.update_yaxes(title="F1", range=[-0.02, 1.02], fixedrange=True, zeroline=False)
    return made


def _faint(colour: str) -> str:
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.18)"


def _rules(found: WhenToStop) -> None:
    st.markdown(t("stopping.summary", n=found.may_stop, of=len(found.rulings), early=found.too_early))
    for ruling in found.rulings:
        said = f"{badge(ruling)} **{t(f'stopping.rule_{ruling.rule}')}** {words(ruling)}"
        st.markdown(said, help=t(f"stopping.help_{ruling.rule}"))


def badge(ruling: Ruling) -> str:
    """The verdict as a sign and a word."""
    colour, sign = SIGNS[ruling.verdict]
    return f"{colour}[{sign} {t(f'stopping.verdict_{ruling.verdict}')}]"


def words(ruling: Ruling) -> str:
    """What a verdict rests on, Markdown-safe."""
    if ruling.why:
        return t(f"stopping.early_{ruling.why}", window=ruling.window, have=ruling.have)
    if ruling.value is None:
        return ""
    value, threshold = _shown(ruling.rule, ruling.value), _shown(ruling.rule, ruling.threshold)
    bounds = ""
    if ruling.low is not None and ruling.high is not None:
        bounds = plain(f"[{_shown(ruling.rule, ruling.low)}, {_shown(ruling.rule, ruling.high)}]")
    return t(f"stopping.value_{ruling.rule}", value=plain(value), threshold=plain(threshold), interval=bounds,
             window=ruling.window)  # fmt: skip


def _shown(rule: str, value: float) -> str:
    return f"{value:.1%}" if rule == "change" else signed(value, 3) if rule == "f1" else fixed(value)
