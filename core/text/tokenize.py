"""Segmenters: a name to a function from text to tokens. A model stores the name and is read with the same one."""

from __future__ import annotations

import re
from collections.abc import Callable

from core.errors import ModelUnavailable

Segmenter = Callable[[str], list[str]]

_WORDS = re.compile(r"\w+|[^\w\s]")
_CHARACTERS = re.compile(r"[a-z]+|[0-9]+|\S")


def _characters(text: str) -> list[str]:
    """Each character by itself, but runs of Latin letters and of digits whole."""
    return _CHARACTERS.findall(text.lower())


def _words(text: str) -> list[str]:
    return _WORDS.findall(text.lower())


def _rjieba() -> Segmenter:
    try:
        import rjieba
    except ImportError as error:
        raise ModelUnavailable(name="rjieba", why=str(error)) from error

    def cut(text: str) -> list[str]:
        return [token for token in rjieba.cut(text.lower()) if not token.isspace()]

    return cut


_SEGMENTERS: dict[str, Callable[[], Segmenter]] = {
    "rjieba": _rjieba,
    "characters": lambda: _characters,
    "words": lambda: _words,
}


def segmenter(name: str) -> Segmenter:
    """The segmenter of that name; it expects normalised text.

    Raises ModelUnavailable: no segmenter of that name, or its library is not installed.
    """
    if name not in _SEGMENTERS:
        raise ModelUnavailable(name=name, why="one of " + ", ".join(_SEGMENTERS))
    return _SEGMENTERS[name]()
