"""A tile's small line over the rounds: a picture that comes with its tile, where a chart's code would come later."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from urllib.parse import quote

WIDTH, HEIGHT = 100.0, 28.0  # of the drawing's own units; it is stretched to the tile's width
COLOUR = "#1a9a8c"  # seen on light and on dark alike
STYLE = "<style>.tagtail-spark {display: block; width: 100%; height: 2.25rem}</style>"


def points(values: Sequence[float]) -> list[tuple[float, float]]:
    """Where values stand from left to right, the lowest at the bottom; equal ones in the middle.

    Raises ValueError: fewer than two.
    """
    if len(values) < 2:
        raise ValueError("a line needs two values")
    low, high = min(values), max(values)
    room, step = HEIGHT - 4, WIDTH / (len(values) - 1)
    heights = [2 + room * (1 - (value - low) / (high - low)) if high > low else HEIGHT / 2 for value in values]
    return [(n * step, y) for n, y in enumerate(heights)]


def drawing(values: Sequence[float], words: str) -> str:
    """HTML of a picture of these values; ``words`` say it. Raises ValueError: fewer than two."""
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points(values))
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:g} {HEIGHT:g}" preserveAspectRatio="none">'
        f'<polygon points="0,{HEIGHT:g} {line} {WIDTH:g},{HEIGHT:g}" fill="{COLOUR}" opacity=".14"/><polyline '
        f'points="{line}" fill="none" stroke="{COLOUR}" stroke-width="1.75" vector-effect="non-scaling-stroke"/></svg>'
    )
    return f'<img class="tagtail-spark" alt="{escape(words)}" src="data:image/svg+xml,{quote(svg)}">'
