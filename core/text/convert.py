"""Simplified and traditional characters, turned into each other by OpenCC when a round asks for it."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from core.config import CONVERSIONS
from core.errors import BadSetting, ModelUnavailable

Converter = Callable[[str], str]

_UNREADABLE = re.compile("([\x00\ud800-\udfff]+)")  # OpenCC stops at the first and refuses the others


def convert(text: str, name: str) -> str:
    """The text in the other characters; under the empty name as it is.

    Raises BadSetting: no conversion of that name. ModelUnavailable: opencc is not installed.
    """
    return converter(name)(text)


@lru_cache(maxsize=8)
def converter(name: str) -> Converter:
    """The conversion of that name; raises as ``convert`` does."""
    if name not in CONVERSIONS:
        raise BadSetting(field="conversion", value=name, why=" | ".join(filter(None, CONVERSIONS)))
    if not name:
        return _unchanged
    try:
        from opencc import OpenCC

        turn = OpenCC(name).convert
    except (ImportError, RuntimeError) as error:
        why = f'pip install opencc ({error}); or conversion = ""'
        raise ModelUnavailable(name=f"opencc {name}", why=why) from error

    def whole(text: str) -> str:
        if not _UNREADABLE.search(text):
            return turn(text)
        return "".join(part if n % 2 else turn(part) for n, part in enumerate(_UNREADABLE.split(text)))

    return whole


def _unchanged(text: str) -> str:
    return text
