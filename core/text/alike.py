"""Characters that are written differently in simplified and in traditional Chinese: a word is found in either.

One character for another, by OpenCC's table, without regard to its neighbours: 干 is as much 乾 as 幹. Good enough to
guide the eye, and nothing is counted by it.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from core.errors import ModelUnavailable
from core.text.convert import converter

_BLOCKS = (range(0x3400, 0x4DC0), range(0x4E00, 0xA000))  # CJK unified ideographs and extension A


@cache
def _groups() -> dict[str, str]:
    """Character → all ways to write it, the simplified one first; nothing where OpenCC is missing."""
    try:
        turn = converter("t2s")
    except ModelUnavailable:
        return {}
    known = [chr(point) for block in _BLOCKS for point in block]
    turned = turn("\n".join(known)).split("\n")  # in one go; a line each, so that no phrase comes about
    simple_of = dict(zip(known, turned, strict=True))
    found: dict[str, str] = {}
    for character, simple in simple_of.items():
        simple = simple_of.get(simple, simple)  # one of them is itself turned on
        if character != simple and len(simple) == 1:
            found[simple] = found.get(simple, simple) + character
    return {character: group for group in found.values() for character in group}


def alike(words: Iterable[str]) -> list[str]:
    """The groups of characters, each written for the other, of which any is in ``words``."""
    groups = _groups()
    return sorted({groups[character] for word in words for character in word if character in groups})
