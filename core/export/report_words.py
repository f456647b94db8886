"""The words of a report, from ``report_words.toml``, and those of findings, which pages say too, from
``attention_words.toml``: Chinese and English; Simplified is made of the Chinese.
"""

from __future__ import annotations

import functools
import tomllib
from pathlib import Path
from typing import Any

from core.hans import hans
from core.wording import filled


@functools.cache
def catalogue() -> dict[str, dict[str, str]]:
    """Every entry: key → language → text."""
    here = Path(__file__).parent
    return {
        key: entry
        for name in ("report_words.toml", "attention_words.toml")
        for key, entry in tomllib.loads((here / name).read_text("utf-8")).items()
    }


def say(key: str, lang: str, /, **fields: Any) -> str:
    """The text of a key in a language, Chinese where that is unknown. Raises KeyError: there is no such key."""
    entry = catalogue()[key]
    text = entry.get(lang) or (hans(entry["zh"]) if lang == "hans" else entry["zh"])
    return filled(text, **fields) if fields else text
