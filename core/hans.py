"""Simplified Chinese as written on the mainland, made from the Traditional sentence of the catalogue.

OpenCC turns characters and Taiwan's phrases; ``hans_terms.toml`` goes before it where people there say it otherwise.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache, lru_cache
from pathlib import Path

from core.errors import ModelUnavailable
from core.text.convert import converter

_QUOTES = str.maketrans("「」『』", "“”‘’")


@cache
def terms() -> dict[str, str]:
    """Traditional → Simplified, as reviewed."""
    return tomllib.loads(Path(__file__).with_name("hans_terms.toml").read_text(encoding="utf-8"))


@cache
def _split() -> re.Pattern[str]:
    longest_first = sorted(terms(), key=len, reverse=True)
    return re.compile("(" + "|".join(re.escape(term) for term in longest_first) + ")")


@lru_cache(maxsize=4096)
def hans(text: str) -> str:
    """The sentence in Simplified Chinese; what is in braces stays. Where OpenCC is missing, the sentence as it is."""
    try:
        turn = converter("tw2sp")  # loaded when the first reader of Simplified Chinese comes, and not before
    except ModelUnavailable:
        return text
    parts = _split().split(text)
    return "".join(terms()[part] if n % 2 else turn(part) for n, part in enumerate(parts)).translate(_QUOTES)
