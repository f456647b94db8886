"""The pictures of a report as SVG: nothing is fetched, text stays text, and shapes tell models apart beside colours."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from core.experiments.drawing import COLOURS, escape, fitted, mark, opened, text
from core.export.report import Dots, Lines, Point

WIDTH, NAMES, RIGHT, TOP, BOTTOM = 860.0, 230.0, 24.0, 44.0, 40.0
ROW, HEIGHT = 34.0, 320.0
MARKED = 60  # points of a curve beyond which it bears no marks
_FAINT = "0.4"
Points = Sequence[tuple[int, Point]]
Place = Callable[[int, float], tuple[float, float]]


def picture(drawn: Dots | Lines) -> str:
    """One drawing; its title is its text alternative."""
    return dots(drawn) if isinstance(drawn, Dots) else lines(drawn)


def dots(drawn: Dots) -> str:
    height = TOP + ROW * len(drawn.names) + BOTTOM
    low, high = drawn.span

    def x(value: float) -> float:
        return NAMES + (min(max(value, low), high) - low) / (high - low) * (WIDTH - NAMES - RIGHT)

    parts = [opened(WIDTH, height, drawn.title), *_legend(name for name, _ in drawn.series)]
    steps = 4 if low < 0 else 5  # so that 0 is one of them
    for n in range(steps + 1):
        value = low + (high - low) * n / steps
        parts += [_line(x(value), TOP, x(value), height - BOTTOM, "#e4e4e4")]
        parts += [text(x(value), height - BOTTOM + 16, f"{value:.2g}", anchor="middle", fill="#444")]
    if low < 0 < high:
        parts.append(_line(x(0), TOP, x(0), height - BOTTOM, "#555"))
    parts.append(text((NAMES + WIDTH) / 2, height - 6, drawn.axis, anchor="middle", fill="#444"))
    for row, name in enumerate(drawn.names):
        middle = TOP + ROW * (row + 0.5)
        parts.append(text(NAMES - 12, middle + 4, fitted(name, 30), anchor="end"))
        for n, (_, points) in enumerate(drawn.series):
            point = points[row]
            if point is not None:
                y = middle + (n - (len(drawn.series) - 1) / 2) * 6.5
                parts += _dot(n, point, x(point.value), y, [x(each) for each in _bounds(point)])
    return "".join([*parts, "</svg>"])


def _dot(n: int, point: Point, x: float, y: float, bounds: list[float]) -> Iterator[str]:
    colour = COLOURS[n % len(COLOURS)]
    yield f'<g opacity="{_FAINT if point.faint else "1"}">'
    if bounds:
        yield _line(bounds[0], y, bounds[1], y, colour, 1.6)
    yield mark(n, x, y, colour) + "</g>"


def _bounds(point: Point) -> tuple[float, ...]:
    return () if point.low is None or point.high is None else (point.low, point.high)


def lines(drawn: Lines) -> str:
    xs = [at for _, points in drawn.series for at, _ in points] or [0]
    first, last = min(xs), max(max(xs), min(xs) + 1)
    left, right, top, bottom = 56.0, WIDTH - RIGHT, TOP, HEIGHT - BOTTOM

    def place(at: int, value: float) -> tuple[float, float]:
        return left + (at - first) / (last - first) * (right - left), bottom - min(max(value, 0), 1) * (bottom - top)

    parts = [opened(WIDTH, HEIGHT, drawn.title), *_legend(name for name, _ in drawn.series)]
    for n in range(6):
        y = place(first, n / 5)[1]
        parts += [_line(left, y, right, y, "#e4e4e4"), text(left - 8, y + 4, f"{n / 5:.1f}", anchor="end", fill="#444")]
    step = max(1, (last - first) // 10)
    for at in range(first, last + 1, step):
        if at in xs or last - first > 10:
            parts.append(text(place(at, 0)[0], bottom + 16, str(at), anchor="middle", fill="#444"))
    parts += [text((left + right) / 2, HEIGHT - 6, drawn.x, anchor="middle", fill="#444"), text(8, 40, drawn.y)]
    for n, (_, points) in enumerate(drawn.series):
        parts += _curve(n, points, place)
    return "".join([*parts, "</svg>"])


def _curve(n: int, points: Points, place: Place) -> Iterator[str]:
    """A band where intervals are known, the line, and its marks where there are few enough to be seen."""
    colour = COLOURS[n % len(COLOURS)]
    low = [place(at, each.low) for at, each in points if each.low is not None and each.high is not None]
    high = [place(at, each.high) for at, each in points if each.low is not None and each.high is not None]
    if n == 0 and len(low) > 1:
        yield f'<polygon points="{_joined([*high, *reversed(low)])}" fill="{colour}" opacity="0.15"/>'
    line = [place(at, each.value) for at, each in points]
    yield f'<polyline points="{_joined(line)}" fill="none" stroke="{colour}" stroke-width="2"/>'
    if len(line) <= MARKED:
        yield from (mark(n, x, y, colour) for x, y in line)


def _joined(points: Iterable[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, width: float = 1.0) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" stroke-width="{width}"/>'


def _legend(names: Iterable[str]) -> Iterator[str]:
    at = 16.0
    for n, name in enumerate(names):
        yield mark(n, at, 18, COLOURS[n % len(COLOURS)]) + text(at + 10, 22, name)
        at += 40 + sum(12 if ord(char) >= 0x2E80 else 7 for char in escape(name))
