"""The two figures as SVG, drawn without a library: text stays text, so that any browser's fonts show label names."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape as _escape

import numpy as np
from numpy.typing import NDArray

from core.reproduce.table import LabelRow

FONT = "'Noto Sans TC','PingFang TC','Microsoft JhengHei',system-ui,sans-serif"
# Okabe and Ito's colours, told apart by most people with colour blindness; the shapes say it once more.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#999999")
_ROW, _LEFT, _WIDTH, _TOP = 26, 190, 620, 54
_CJK = 0x2E80


def per_label_f1(rows: Sequence[LabelRow], *, title: str, cut: str = "0.5") -> str:
    """A line for each label, the commonest first; a mark for each model with a bar of one sd each way."""
    rows = [row for row in rows if row.cut == cut]
    models = list(dict.fromkeys(row.model for row in rows))
    names = list(dict.fromkeys(row.label for row in rows))
    row_height = max(_ROW, 7 * len(models) + 6)
    bottom = _TOP + row_height * len(names)
    height = bottom + 54 + 20 * ((len(models) - 1) // 4)
    out = [_open(_LEFT + _WIDTH + 40, height, title), _text(8, 20, title, size=15, weight="600")]
    for tick in range(0, 11, 2):
        x = _x(tick / 10)
        out.append(f'<line x1="{x}" y1="{_TOP}" x2="{x}" y2="{bottom}" stroke="#e2e2e2"/>')
        out.append(_text(x, bottom + 16, f"{tick / 10:.1f}", anchor="middle", size=11, fill="#555"))
    for at, label in enumerate(names):
        middle = _TOP + row_height * (at + 0.5)
        found = [row for row in rows if row.label == label]
        out.append(_text(_LEFT - 10, middle + 4, _fit(f"{label} ({found[0].positives})", 26), anchor="end", size=12))
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
                f'stroke="{colour}" stroke-width="1.2"/>{_mark(n, _x(row.f1), y, colour)}</g>'
            )
    for n, model in enumerate(models):
        x, y = _LEFT + 155 * (n % 4), bottom + 38 + 20 * (n // 4)
        out.append(_mark(n, x, y - 4, COLOURS[n % len(COLOURS)]) + _text(x + 10, y, model, size=12))
    return "".join([*out, "</svg>"])


def fold_violins(shares: NDArray[np.float64], names: Sequence[str], sizes: Sequence[int], *, title: str) -> str:
    """A violin for each fold: at each label's height as wide as the share of the fold's texts that carry it.

    Folds that are stratified well look alike. Shapes: shares (F, K), sizes (F,).
    """
    folds, labels = shares.shape
    step = max(90.0, _WIDTH / folds)
    bottom = _TOP + _ROW * labels
    out = [_open(_LEFT + step * folds + 20, bottom + 44, title), _text(8, 20, title, size=15, weight="600")]
    for k, label in enumerate(names):
        y = _TOP + _ROW * k + _ROW / 2
        out.append(_text(_LEFT - 10, y + 4, _fit(label, 26), anchor="end", size=12))
        out.append(f'<line x1="{_LEFT}" y1="{y}" x2="{_LEFT + step * folds:.1f}" y2="{y}" stroke="#f0f0f0"/>')
    reach = 0.46 * step / max(float(shares.max()), 1e-9)
    for f in range(folds):
        centre = _LEFT + step * (f + 0.5)
        heights = [_TOP + _ROW * k + _ROW / 2 for k in range(labels)]
        out.append(_violin(centre, heights, shares[f] * reach, COLOURS[f % len(COLOURS)]))
        for k in range(labels):
            out.append(
                _text(centre, heights[k] + 4, f"{100 * shares[f, k]:.1f}", anchor="middle", size=10, fill="#222")
            )
        out.append(_text(centre, bottom + 20, f"fold {f + 1}", anchor="middle", size=12))
        out.append(_text(centre, bottom + 36, f"{sizes[f]} texts", anchor="middle", size=11, fill="#555"))
    return "".join([*out, "</svg>"])


def _violin(centre: float, heights: Sequence[float], widths: NDArray[np.float64], colour: str) -> str:
    """A closed outline, straight between labels, with a blunt end at the first and the last."""
    ys = [heights[0] - _ROW / 2, *heights, heights[-1] + _ROW / 2]
    ws = [widths[0], *widths, widths[-1]]
    right = [f"{centre + w:.1f},{y:.1f}" for w, y in zip(ws, ys, strict=True)]
    left = [f"{centre - w:.1f},{y:.1f}" for w, y in zip(ws, ys, strict=True)]
    points = " ".join([*right, *reversed(left)])
    return f'<polygon points="{points}" fill="{colour}" fill-opacity="0.28" stroke="{colour}"/>'


def escape(said: str) -> str:
    """For XML, which cannot hold control characters in any spelling."""
    return _escape("".join(char if char.isprintable() else " " for char in said))


def _open(width: float, height: float, title: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" '
        f'height="{height:.0f}" role="img" aria-label="{escape(title)}" font-family="{FONT}">'
        f'<rect width="100%" height="100%" fill="#ffffff"/>'
    )


def _text(
    x: float, y: float, said: str, *, anchor: str = "start", size: int = 12, fill: str = "#111", weight: str = "400"
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" font-weight="{weight}" '
        f'fill="{fill}">{escape(said)}</text>'
    )


def _mark(n: int, x: float, y: float, colour: str) -> str:
    """Four shapes, filled for the first eight models and hollow for the next."""
    paint = f'fill="{colour if n < len(COLOURS) else "#ffffff"}" stroke="{colour}"'
    shape = n % 4
    if shape == 0:
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" {paint}/>'
    if shape == 1:
        return f'<rect x="{x - 3:.1f}" y="{y - 3:.1f}" width="6" height="6" {paint}/>'
    if shape == 2:
        points = f"{x:.1f},{y - 4:.1f} {x + 4:.1f},{y + 3:.1f} {x - 4:.1f},{y + 3:.1f}"
    else:
        points = f"{x:.1f},{y - 4.5:.1f} {x + 4.5:.1f},{y:.1f} {x:.1f},{y + 4.5:.1f} {x - 4.5:.1f},{y:.1f}"
    return f'<polygon points="{points}" {paint}/>'


def _x(share: float) -> float:
    return round(_LEFT + _WIDTH * share, 1)


def _fit(name: str, columns: int) -> str:
    """A name cut to so many Latin letters' width; a Chinese character is as wide as two."""
    width = 0
    for at, char in enumerate(name):
        width += 2 if ord(char) >= _CJK else 1
        if width > columns:
            return name[:at] + "…"
    return name
