"""The figures as SVG: F1 of each band beside the published one, and which labels come together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.evaluate.cooccurrence import together
from core.experiments.drawing import COLOURS, escape, mark, opened, text
from core.experiments.parted import Parted
from core.reproduce.losses.table import Row

_LEFT, _WIDTH, _TOP, _ROW = 160, 560, 60, 22
_CELL, _MARGIN = 7, 110
BANDS = ("head", "medium", "tail")


def band_f1(rows: Sequence[Row], *, title: str) -> str:
    """A line for each model, a panel for each band: ours filled with a bar of one sd each way, the published hollow.

    Units: per cent, as ``rows`` have them; of one cut and architecture.
    """
    models = list(dict.fromkeys(row.model for row in rows))
    panels = [band for band in BANDS if any(row.group == band for row in rows)]
    height = _TOP + len(panels) * (_ROW * len(models) + 34) + 20
    out = [opened(_LEFT + _WIDTH + 40, height, title), text(8, 20, title, size=15, weight="600")]
    said = "the bar is one standard deviation over seeds each way"
    if any(row.published_macro is not None for row in rows):
        said = f"filled: ours, {said}; hollow: published (BERT)"
    out.append(text(8, 38, said, fill="#555"))
    for at, band in enumerate(panels):
        top = _TOP + at * (_ROW * len(models) + 34)
        out.append(text(8, top + 8, f"{band}: macro-F1", weight="600"))
        for tick in range(0, 101, 20):
            x, bottom = _x(tick), top + 14 + _ROW * len(models)
            out.append(f'<line x1="{x}" y1="{top + 14}" x2="{x}" y2="{bottom}" stroke="#e2e2e2"/>')
            out.append(text(x, top + 8, str(tick), anchor="middle", size=10, fill="#555"))
        for row in (row for row in rows if row.group == band):
            y = top + 14 + _ROW * (models.index(row.model) + 0.5)
            out += [text(_LEFT - 10, y + 4, row.model.removesuffix(".v1"), anchor="end"), _marks(row, y)]
    return "".join([*out, "</svg>"])


def _marks(row: Row, y: float) -> str:
    low, high = max(0.0, row.macro - row.macro_sd), min(100.0, row.macro + row.macro_sd)
    theirs = row.published_macro
    said = f"{row.model}: {row.macro:.2f} ± {row.macro_sd:.2f}" + (
        "" if theirs is None else f", published {theirs:.2f}"
    )
    bar = f'<line x1="{_x(low)}" y1="{y:.1f}" x2="{_x(high)}" y2="{y:.1f}" stroke="{COLOURS[0]}" stroke-width="1.4"/>'
    hollow = "" if theirs is None else mark(len(COLOURS), _x(theirs), y, COLOURS[1])
    return f"<g><title>{escape(said)}</title>{bar}{hollow}{mark(0, _x(row.macro), y, COLOURS[0])}</g>"


def _x(per_cent: float) -> float:
    return round(_LEFT + _WIDTH * per_cent / 100, 1)


def cooccurrence(data: Parted, *, title: str) -> str:
    """p(column | row) among training texts, the commonest label first; darker is more. Colour alone tells it nowhere.

    A cell says its pair and figure where a pointer rests on it; pairs that no text has are left white.
    """
    y = data.y[data.train]
    share: NDArray[np.float64] = together(y).share
    k = len(data.label_keys)
    side = _CELL * k
    out = [opened(_MARGIN + side + 20, _MARGIN + side + 30, title), text(8, 20, title, size=15, weight="600")]
    out.append(f'<rect x="{_MARGIN}" y="{_MARGIN}" width="{side}" height="{side}" fill="none" stroke="#bbb"/>')
    for i, label in enumerate(data.label_keys):
        y_at, x_at = _MARGIN + _CELL * (i + 0.5), _MARGIN + _CELL * (i + 0.5)
        out.append(text(_MARGIN - 4, y_at + 2.4, label[:16], anchor="end", size=6))
        turned = text(0, 0, label[:16], size=6)
        out.append(f'<g transform="translate({x_at + 2.2:.1f} {_MARGIN - 4}) rotate(-90)">{turned}</g>')
        for j in np.flatnonzero(np.nan_to_num(share[i]) > 0):
            said = escape(f"{data.label_keys[j]} of the texts with {label}: {share[i, j]:.2f}")
            out.append(
                f'<rect x="{_MARGIN + _CELL * j}" y="{_MARGIN + _CELL * i}" width="{_CELL}" height="{_CELL}" '
                f'fill="{COLOURS[0]}" fill-opacity="{0.12 + 0.88 * share[i, j]:.2f}"><title>{said}</title></rect>'
            )
    for edge in _edges(data):
        at = _MARGIN + _CELL * edge
        out.append(
            f'<line x1="{_MARGIN}" y1="{at}" x2="{_MARGIN + side}" y2="{at}" stroke="#d55e00" stroke-width=".6"/>'
        )
        out.append(
            f'<line x1="{at}" y1="{_MARGIN}" x2="{at}" y2="{_MARGIN + side}" stroke="#d55e00" stroke-width=".6"/>'
        )
    said = "orange lines: between head, medium and tail; rows add to more than 1 where texts have several labels"
    out.append(text(_MARGIN, _MARGIN + side + 18, said, size=10, fill="#555"))
    return "".join([*out, "</svg>"])


def _edges(data: Parted) -> list[int]:
    """Where one band ends and the next begins; bands follow the counts, as labels do."""
    return [at for at in range(1, len(data.bands)) if data.bands[at] != data.bands[at - 1]]
