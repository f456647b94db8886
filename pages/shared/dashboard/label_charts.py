"""Pictures of labels' figures from frozen values: models side by side, rounds, calibration, precision and recall."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from core.evaluate.curves import Decision, PrecisionRecall, Reliability
from core.services.dashboard.per_label import Line
from db.records import Metric
from pages.shared import charts
from pages.shared.charts import COLOURS, FADED, MODELS, SYMBOLS, UNSTABLE_BELOW, plain_name
from pages.shared.i18n import say
from pages.shared.sketch import Sketch

CALM = {"margin": {"l": 8, "r": 16, "t": 8, "b": 8}, "hovermode": "closest", "dragmode": False}
LEGEND = {"orientation": "h", "yanchor": "bottom", "y": 1.02, "xanchor": "left", "x": 0}
GREY = "#8a8f8e"
POINTS = 250  # of a curve: as many as a screen can show


def hover(metric: Metric, name: str, lang: str) -> str:
    """A figure with all that it is to be read with."""
    return say(
        "dashboard.hover_f1", lang, name=name, model=say(f"dashboard.model_{metric.model}", lang),
        f1=f"{metric.f1:.3f}", interval=charts.interval(metric), precision=f"{metric.precision:.2f}",
        recall=f"{metric.recall:.2f}", support=metric.support, n=metric.n, round=metric.round,
    )  # fmt: skip


def reach(metrics: Sequence[Metric]) -> dict[str, list[float]]:
    """How far the intervals reach beyond their figures, as Plotly's error bars want it."""
    return {
        "array": [max(0.0, (m.f1 if m.high is None else m.high) - m.f1) for m in metrics],
        "arrayminus": [max(0.0, m.f1 - (m.f1 if m.low is None else m.low)) for m in metrics],
    }


def side_by_side(lines: Sequence[Line], names: Mapping[str, str], lang: str) -> Sketch:
    """F1 of every label on gold, one dot a model with its 95 % interval; labels with little gold are faded."""
    figure = Sketch()
    present = [model for model in MODELS if any(model in line.models for line in lines)]
    for order, model in enumerate(present):
        points = [(i, line, line.models[model]) for i, line in enumerate(lines) if model in line.models]
        found = [metric for _, _, metric in points]
        figure.add_scatter(
            x=[m.f1 for m in found], y=[i + (order - (len(present) - 1) / 2) * 0.18 for i, _, _ in points],
            mode="markers", name=say(f"dashboard.model_{model}", lang),
            marker={
                "color": COLOURS[model], "symbol": SYMBOLS[model], "size": 11 if model == "student" else 8,
                "opacity": [1.0 if line.support >= UNSTABLE_BELOW else FADED for _, line, _ in points],
                "line": {"width": 2 if SYMBOLS[model].endswith("-thin") else 0, "color": COLOURS[model]},
            },
            error_x={
                "type": "data", "symmetric": False, "thickness": 1.6 if model == "student" else 1, "width": 0,
                "color": COLOURS[model], **reach(found),
            },
            text=[hover(m, plain_name(names.get(line.scope, line.scope)), lang) for _, line, m in points],
            hovertemplate="%{text}<extra></extra>",
        )  # fmt: skip
    figure.update_layout(height=90 + (46 if len(lines) <= 15 else 34) * len(lines), legend=LEGEND, **CALM)
    figure.update_xaxes(range=[-0.02, 1.02], title=say("dashboard.axis_f1", lang), fixedrange=True, zeroline=False)
    figure.update_yaxes(
        tickmode="array", tickvals=list(range(len(lines))), ticktext=[axis_name(line, names, lang) for line in lines],
        range=[len(lines) - 0.5, -0.5], fixedrange=True, zeroline=False, automargin=True,
    )  # fmt: skip
    return figure


def axis_name(line: Line, names: Mapping[str, str], lang: str) -> str:
    """A label's name with its gold support, and a sign where that is too small."""
    key = "dashboard.axis_label" if line.support >= UNSTABLE_BELOW else "dashboard.axis_unstable"
    return say(key, lang, name=plain_name(names.get(line.scope, line.scope)), n=line.support)


def history(found: Sequence[Metric], name: str, lang: str) -> Sketch:
    """F1 on gold over the rounds, one line a model; the student's 95 % interval as a band."""
    figure = Sketch()
    student = [m for m in found if m.model == "student" and m.low is not None and m.high is not None]
    if len(student) > 1:
        rounds = [m.round for m in student]
        figure.add_scatter(
            x=rounds + rounds[::-1], y=[m.high for m in student] + [m.low for m in student[::-1]], fill="toself",
            fillcolor="rgba(15,118,110,0.18)", line={"width": 0}, hoverinfo="skip", mode="lines",
            name=say("per_label.interval_name", lang),
        )  # fmt: skip
    for model in MODELS:
        own = [m for m in found if m.model == model]
        if not own:
            continue
        bars = {"type": "data", "symmetric": False, "thickness": 1.6, "width": 4, **reach(own)}
        figure.add_scatter(
            x=[m.round for m in own], y=[m.f1 for m in own],
            mode="lines+markers" if len(own) <= 40 else "lines", name=say(f"dashboard.model_{model}", lang),
            error_y=bars if model == "student" and len(own) == 1 else None,
            line={"color": COLOURS[model], "width": 3 if model == "student" else 1.6},
            marker={"symbol": SYMBOLS[model], "size": 7, "line": {"width": 2, "color": COLOURS[model]}},
            text=[hover(m, name, lang) for m in own], hovertemplate="%{text}<extra></extra>",
        )  # fmt: skip
    figure.update_layout(height=360, legend=LEGEND, **CALM)
    rounds = [m.round for m in found]
    most, least = max(rounds, default=1), min(rounds, default=1)
    figure.update_xaxes(
        title=say("dashboard.axis_round", lang), dtick=max(1, (most - least) // 8), fixedrange=True,
        range=[least - 0.5, most + 0.5] if most - least < 8 else None,
    )  # fmt: skip
    figure.update_yaxes(title="F1", range=[-0.02, 1.02], fixedrange=True, zeroline=False)
    return figure


def calibration(found: Reliability, lang: str) -> Sketch:
    """How often what the student says comes true, with Wilson's 95 % interval; larger dots hold more texts."""
    bins, figure = found.bins, Sketch()
    figure.add_scatter(
        x=[0, 1], y=[0, 1], mode="lines", name=say("per_label.calibration_perfect", lang), hoverinfo="skip",
        line={"color": GREY, "dash": "dash", "width": 1.5},
    )  # fmt: skip
    most = max((each.observed.n for each in bins), default=1)
    figure.add_scatter(
        x=[each.mean for each in bins], y=[each.observed.value for each in bins], mode="markers",
        name=say("dashboard.model_student", lang),
        marker={
            "color": COLOURS["student"], "symbol": SYMBOLS["student"],
            "size": [7 + 15 * (each.observed.n / most) ** 0.5 for each in bins],
        },
        error_y={
            "type": "data", "symmetric": False, "thickness": 1.6, "width": 3, "color": COLOURS["student"],
            "array": [each.observed.high - each.observed.value for each in bins],
            "arrayminus": [each.observed.value - each.observed.low for each in bins],
        },
        text=[
            say(
                "per_label.calibration_hover", lang, low=f"{100 * each.low:.0f}", high=f"{100 * each.high:.0f}",
                mean=f"{100 * each.mean:.0f}", observed=f"{100 * each.observed.value:.0f}", k=each.observed.k,
                n=each.observed.n, from_=f"{100 * each.observed.low:.0f}", to=f"{100 * each.observed.high:.0f}",
            )
            for each in bins
        ],
        hovertemplate="%{text}<extra></extra>",
    )  # fmt: skip
    figure.update_layout(height=360, legend=LEGEND, **CALM)
    figure.update_xaxes(
        title=say("per_label.axis_said", lang), range=[-0.03, 1.03], tickformat=".0%", fixedrange=True, zeroline=False
    )
    figure.update_yaxes(
        title=say("per_label.axis_true", lang), range=[-0.03, 1.05], tickformat=".0%", fixedrange=True, zeroline=False
    )
    return figure


def precision_recall(curves: Mapping[str, PrecisionRecall], now: Decision, tried: Decision | None, lang: str) -> Sketch:
    """Precision over recall, one line a model; the present threshold and a tried one as marks on the student's."""
    figure = Sketch()
    for model in (each for each in MODELS if each in curves):
        thresholds, precision, recall = thinned(curves[model])
        name = say(f"dashboard.model_{model}", lang)
        figure.add_scatter(
            x=recall, y=precision, mode="lines", name=name, line={
                "color": COLOURS[model], "width": 3 if model == "student" else 1.6, "shape": "hv",
                "dash": {"student": "solid", "standalone": "dash", "teacher": "dashdot", "linear": "dot"}[model],
            },
            text=[
                say(
                    "per_label.curve_hover", lang, model=name, threshold=f"{t:.3f}", precision=f"{p:.2f}",
                    recall=f"{r:.2f}",
                )
                for t, p, r in zip(thresholds, precision, recall, strict=True)
            ],
            hovertemplate="%{text}<extra></extra>",
        )  # fmt: skip
    for mark, key, symbol, colour in ((now, "now", "circle", COLOURS["student"]), (tried, "tried", "star", "#d55e00")):
        if mark is not None and mark.recall and mark.precision:
            figure.add_scatter(
                x=[mark.recall.value], y=[mark.precision.value], mode="markers",
                name=say(f"per_label.curve_{key}", lang),
                marker={"size": 15, "symbol": symbol, "color": colour, "line": {"width": 2, "color": "white"}},
                text=[say("per_label.curve_hover", lang, model=say(f"per_label.curve_{key}", lang),
                          threshold=f"{mark.threshold:.3f}", precision=f"{mark.precision.value:.2f}",
                          recall=f"{mark.recall.value:.2f}")],
                hovertemplate="%{text}<extra></extra>",
            )  # fmt: skip
    figure.update_layout(height=400, legend=LEGEND, **CALM)
    figure.update_xaxes(
        title=say("per_label.column_recall", lang), range=[-0.02, 1.02], fixedrange=True, zeroline=False
    )
    figure.update_yaxes(
        title=say("per_label.column_precision", lang), range=[-0.02, 1.04], fixedrange=True, zeroline=False
    )
    return figure


def thinned(curve: PrecisionRecall) -> tuple[list[float], list[float], list[float]]:
    """Thresholds, precision, recall: of a long curve every so many points, always with its ends."""
    n = len(curve.thresholds)
    step = max(1, n // POINTS)
    at = sorted({*range(0, n, step), n - 1})
    return (
        [float(curve.thresholds[k]) for k in at],
        [float(curve.precision[k]) for k in at],
        [float(curve.recall[k]) for k in at],
    )
