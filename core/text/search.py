"""Whether a text holds the words of a query, whatever their width and case; two Chinese characters are enough.

The meaning is that of ``normalize``: all words of the normalised query stand in the normalised text. Normalising every
text for every query would take a hundred times as long, so a pattern that knows full-width letters looks at the text as
it is, and only texts with rarer characters are normalised.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Callable

from core.text.normalize import normalize

_WIDE = 0xFEE0  # from a printable ASCII character to its full-width form


def finder(query: str) -> Callable[[str], bool]:
    """Tells of a text whether it holds all words of the query; every text holds a query without words."""
    words = folded(query).split()
    patterns = [re.compile(_pattern(word), re.IGNORECASE) for word in words]

    def holds(text: str) -> bool:
        if all(pattern.search(text) for pattern in patterns):
            return True
        if not (_rare().search(text) or _RARE_BEYOND.search(text)):
            return False
        plain = folded(text)
        return all(word in plain for word in words)

    return holds


def folded(text: str) -> str:
    """Normalised, without case."""
    return normalize(text).casefold()


def _pattern(word: str) -> str:
    return "".join(
        f"(?:{re.escape(each)}|{re.escape(chr(ord(each) + _WIDE))})" if "!" <= each <= "~" else re.escape(each)
        for each in word
    )


# Beyond the first 65,536: all but ideographs and emoji. A pattern of its own, for one class of both would be slow.
_RARE_BEYOND = re.compile("[\U00010000-\U0001f2ff\U0001fb00-\U0001ffff\U0002f800-\U0002fa1f\U000e0000-\U0010ffff]")


@functools.cache
def _rare() -> re.Pattern[str]:
    """Characters that normalising or folding turns into others, the full-width ones left out; made once, in 0.1 s."""
    wide = range(ord("!") + _WIDE, ord("~") + _WIDE + 1)
    found = [code for code in range(0x10000) if code not in wide and _changes(chr(code))]
    return re.compile("[" + "".join(re.escape(chr(code)) for code in found) + "]")


def _changes(each: str) -> bool:
    if each.isspace():
        return False  # words have no blanks, and between them any will do
    folds = each.casefold()
    return bool(unicodedata.combining(each)) or normalize(each) != each or folds != each.lower() or len(folds) != 1
