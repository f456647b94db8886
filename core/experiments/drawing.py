"""SVG drawn without a library: text stays text, so that any browser's fonts show label names."""

from __future__ import annotations

from html import escape as _escape

FONT = "'Noto Sans TC','PingFang TC','Microsoft JhengHei',system-ui,sans-serif"
# Okabe and Ito's colours, told apart by most people with colour blindness; the shapes say it once more.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#999999")
_CJK = 0x2E80


def escape(said: str) -> str:
    """For XML, which cannot hold control characters in any spelling."""
    return _escape("".join(char if char.isprintable() else " " for char in said))


def opened(width: float, height: float, title: str) -> str:
    """The start of a drawing; ``</svg>`` ends it."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" '
        f'height="{height:.0f}" role="img" aria-label="{escape(title)}" font-family="{FONT}">'
        f'<rect width="100%" height="100%" fill="#ffffff"/>'
    )


def text(
    x: float, y: float, said: str, *, anchor: str = "start", size: int = 12, fill: str = "#111", weight: str = "400"
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" font-weight="{weight}" '
        f'fill="{fill}">{escape(said)}</text>'
    )


def mark(n: int, x: float, y: float, colour: str) -> str:
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


def fitted(name: str, columns: int) -> str:
    """A name cut to so many Latin letters' width; a Chinese character is as wide as two."""
    width = 0
    for at, char in enumerate(name):
        width += 2 if ord(char) >= _CJK else 1
        if width > columns:
            return name[:at] + "…"
    return name
