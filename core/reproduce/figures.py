"""The two figures as SVG."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.experiments.drawing import COLOURS, escape, fitted, mark, opened, text
from core.reproduce.table import LabelRow

_ROW, _LEFT, _WIDTH, _TOP = 26, 190, 620, 54


def per_label_f1(rows: Sequence[LabelRow], *, title: str, cut: str = "0.5") -> str:
    """A line for each label, the commonest first; a mark for each model with a bar of one sd each way."""
    rows = [row for row in rows if row.cut == cut]
    models = list(dict.fromkeys(row.model for row in rows))
    names = list(dict.fromkeys(row.label for row in rows))
    row_height = max(_ROW, 7 * len(models) + 6)
    bottom = _TOP + row_height * len(names)
    height = bottom + 54 + 20 * ((len(models) - 1) // 4)
    out = [opened(_LEFT + _WIDTH + 40, height, title), text(8, 20, title, size=15, weight="600")]
    for tick in range(0, 11, 2):
        x = _x(tick / 10)
        out.append(f'<line x1="{x}" y1="{_TOP}" x2="{x}" y2="{bottom}" stroke="#e2e2e2"/>')
        out.append(text(x, bottom + 16, f"{tick / 10:.1f}", anchor="middle", size=11, fill="#555"))
    for at, label in enumerate(names):
        middle = _TOP + row_height * (at + 0.5)
        found = [row for row in rows if row.label == label]
        out.append(text(_LEFT - 10, middle + 4, fitted(f"{label} ({found[0].positives})", 26), anchor="end", size=12))
        edge = _TOP + row_height * at
        out.append(f'<line x1="8" y1="{edge}" x2="{_x(1)}" y2="{edge}" stroke="#ececec"/>')
        for row in found:
            n = models.index(row.model)
            y = middle + (n - (len(models) - 1) / 2) * 7
            low, high = max(0.0, row.f1 - row.f1_sd), min(1.0, row.f1 + row.f1_sd)
            colour = COLOURS[n % len(COLOURS)]
            said = escape(f"{row.model} · {label}: {row.f1:.3f} ± {row.f1_sd:.3f}")
            out.append(
                f'<g><title>{said}</title><line x1="{_x(low)}" y1="{y:.1f}" x2="{_x(high)}" y2="{y:.1f}" '
                f'stroke="{colour}" stroke-width="1.2"/>{mark(n, _x(row.f1), y, colour)}</g>'
            )
    for n, model in enumerate(models):
        x, y = _LEFT + 155 * (n % 4), bottom + 38 + 20 * (n // 4)
        out.append(mark(n, x, y - 4, COLOURS[n % len(COLOURS)]) + text(x + 10, y, model, size=12))
    return "".join([*out, "</svg>"])


def fold_violins(shares: NDArray[np.float64], names: Sequence[str], sizes: Sequence[int], *, title: str) -> str:
    """A violin for each fold: at each label's height as wide as the share of the fold's texts that carry it.

    Folds that are stratified well look alike. Shapes: shares (F, K), sizes (F,).
    """
    folds, labels = shares.shape
    step = max(90.0, _WIDTH / folds)
    bottom = _TOP + _ROW * labels
    out = [opened(_LEFT + step * folds + 20, bottom + 44, title), text(8, 20, title, size=15, weight="600")]
    for k, label in enumerate(names):
        y = _TOP + _ROW * k + _ROW / 2
        out.append(text(_LEFT - 10, y + 4, fitted(label, 26), anchor="end", size=12))
        out.append(f'<line x1="{_LEFT}" y1="{y}" x2="{_LEFT + step * folds:.1f}" y2="{y}" stroke="#f0f0f0"/>')
    reach = 0.46 * step / max(float(shares.max()), 1e-9)
    for f in range(folds):
        centre = _LEFT + step * (f + 0.5)
        heights = [_TOP + _ROW * k + _ROW / 2 for k in range(labels)]
        out.append(_violin(centre, heights, shares[f] * reach, COLOURS[f % len(COLOURS)]))
        for k in range(labels):
            out.append(text(centre, heights[k] + 4, f"{100 * shares[f, k]:.1f}", anchor="middle", size=10, fill="#222"))
        out.append(text(centre, bottom + 20, f"fold {f + 1}", anchor="middle", size=12))
        out.append(text(centre, bottom + 36, f"{sizes[f]} texts", anchor="middle", size=11, fill="#555"))
    return "".join([*out, "</svg>"])


def _violin(centre: float, heights: Sequence[float], widths: NDArray[np.float64], colour: str) -> str:
    """A closed outline, straight between labels, with a blunt end at the first and the last."""
    ys = [heights[0] - _ROW / 2, *heights, heights[-1] + _ROW / 2]
    ws = [widths[0], *widths, widths[-1]]
    right = [f"{centre + w:.1f},{y:.1f}" for w, y in zip(ws, ys, strict=True)]
    left = [f"{centre - w:.1f},{y:.1f}" for w, y in zip(ws, ys, strict=True)]
    points = " ".join([*right, *reversed(left)])
    return f'<polygon points="{points}" fill="{colour}" fill-opacity="0.28" stroke="{colour}"/>'


def _x(share: float) -> float:
    return round(_LEFT + _WIDTH * share, 1)
