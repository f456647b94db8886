"""Whether a colour can be told from the page behind it."""

from __future__ import annotations

import re

PAPERS = ("#fbfcfc", "#10191a")  # the light and the dark page
ENOUGH = 3.0  # Source: WCAG 2.2, 1.4.11 Non-text Contrast
_COLOUR = re.compile(r"#[0-9a-f]{6}")


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours, 1 … 21. Source: WCAG 2.2, relative luminance."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def is_colour(text: str) -> bool:
    """Whether it is six hexadecimal digits after a #, in lower case."""
    return bool(_COLOUR.fullmatch(text))


def worst_contrast(colour: str) -> float:
    """Against whichever page it stands out from less."""
    return min(contrast(colour, paper) for paper in PAPERS)
