"""The curves as SVG: a line a strategy, a band of one sd each way, the full-data score as a dashed line."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.experiments.drawing import COLOURS, escape, fitted, mark, opened, text
from core.simulate.curves import Curves

_LEFT, _TOP, _WIDTH, _HEIGHT = 56, 44, 640, 340
_A_ROW = 3  # names of strategies in one line of the legend


def learning_curves(curves: Sequence[Curves], full: Curves, measure: str, *, title: str) -> str:
    """Mean over seeds against labelled texts; one strategy's colour and shape are the same in every figure."""
    n = curves[0].n
    low, high = _range(curves, full, measure)
    lines = -(-len(curves) // _A_ROW)
    bottom = _TOP + _HEIGHT
    out = [opened(_LEFT + _WIDTH + 24, bottom + 60 + 20 * lines, title), text(8, 20, title, size=15, weight="600")]

    def x(labels: float) -> float:
        return _LEFT + _WIDTH * (labels - n[0]) / max(n[-1] - n[0], 1)

    def y(height: float) -> float:
        return _TOP + _HEIGHT * (high - height) / (high - low)

    for tick in np.arange(np.ceil(low * 20), np.floor(high * 20) + 1) / 20:
        out.append(f'<line x1="{_LEFT}" y1="{y(tick):.1f}" x2="{_LEFT + _WIDTH}" y2="{y(tick):.1f}" stroke="#e6e6e6"/>')
        out.append(text(_LEFT - 8, y(tick) + 4, f"{tick:.2f}", anchor="end", size=11, fill="#555"))
    for labels in n[:: max(1, -(-len(n) // 12))]:
        out.append(text(x(labels), bottom + 18, str(labels), anchor="middle", size=11, fill="#555"))
    out.append(text(_LEFT + _WIDTH / 2, bottom + 36, "labelled texts", anchor="middle", size=12, fill="#333"))
    goal = float(full.values[measure][:, -1].mean())
    out.append(
        f'<line x1="{_LEFT}" y1="{y(goal):.1f}" x2="{_LEFT + _WIDTH}" y2="{y(goal):.1f}" stroke="#444" '
        f'stroke-dasharray="5 4"/>' + text(_LEFT + 4, y(goal) - 5, f"all labels: {goal:.3f}", size=11, fill="#444")
    )
    for at, each in enumerate(curves):
        mean, sd = (
            each.values[measure].mean(axis=0),
            each.values[measure].std(axis=0, ddof=min(1, len(each.seconds) - 1)),
        )
        colour = COLOURS[at % len(COLOURS)]
        edge = [*zip(n, mean + sd, strict=True), *reversed(list(zip(n, mean - sd, strict=True)))]
        band = " ".join(f"{x(a):.1f},{y(min(max(b, low), high)):.1f}" for a, b in edge)
        line = " ".join(f"{x(a):.1f},{y(b):.1f}" for a, b in zip(n, mean, strict=True))
        said = escape(f"{each.strategy}: {mean[0]:.3f} … {mean[-1]:.3f}")
        out.append(f'<g><title>{said}</title><polygon points="{band}" fill="{colour}" fill-opacity="0.1"/>')
        out.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="1.6"/>')
        step = max(1, -(-len(n) // 8))
        out += [mark(at, x(a), y(b), colour) for a, b in zip(n[::step], mean[::step], strict=True)] + ["</g>"]
        left, down = _LEFT + (_WIDTH / _A_ROW) * (at % _A_ROW), bottom + 62 + 20 * (at // _A_ROW)
        out.append(mark(at, left, down - 4, colour) + text(left + 10, down, fitted(each.strategy, 28), size=12))
    return "".join([*out, "</svg>"])


def _range(curves: Sequence[Curves], full: Curves, measure: str) -> tuple[float, float]:
    """From under the lowest mean to over the highest, the full-data score among them."""
    means = [each.values[measure].mean(axis=0) for each in curves] + [full.values[measure].mean(axis=0)]
    low, high = float(min(each.min() for each in means)), float(max(each.max() for each in means))
    return max(0.0, np.floor(low * 20 - 0.5) / 20), min(1.0, np.ceil(high * 20 + 0.5) / 20)
