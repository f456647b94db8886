"""Words for people, from ``pages/shared/texts/<area>.toml``: Traditional and Simplified Chinese, and English.

An entry has ``zh`` and ``en``. Simplified is made of ``zh`` by ``core.hans``, unless the entry says ``hans`` itself.
English words that go by a number are given twice: ``{n} {n:text has|texts have}``.

A key is ``<area>.<entry>``: ``t("people.title")`` is the table ``[title]`` of ``texts/people.toml``.
"""

from __future__ import annotations

import functools
import re
import string
import tomllib
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, cast

import streamlit as st

from core.hans import hans
from core.messages import LANGS
from core.wording import filled

Lang = Literal["zh", "hans", "en"]
NAMES: dict[Lang, str] = {"zh": "繁體", "hans": "简体", "en": "English"}  # as the choice of a language shows them
HTML_LANG: dict[Lang, str] = {"zh": "zh-Hant", "hans": "zh-Hans", "en": "en"}
TEXTS = Path(__file__).parent / "texts"
_CHOSEN = "lang"  # in st.session_state: the language of this visit


def _entries(table: Mapping[str, Any], path: tuple[str, ...]) -> dict[str, dict[str, str]]:
    if any(isinstance(table.get(language), str) for language in LANGS):  # an entry may be called zh, too
        return {".".join(path): {lang: str(table[lang]) for lang in table}}
    found: dict[str, dict[str, str]] = {}
    for name, inner in table.items():
        if isinstance(inner, Mapping):
            found |= _entries(inner, (*path, name))
    return found


@functools.cache
def catalogue() -> dict[str, dict[str, str]]:
    """Every entry of every area: key → language → text."""
    found: dict[str, dict[str, str]] = {}
    for path in sorted(TEXTS.glob("*.toml")):
        for key, entry in _entries(tomllib.loads(path.read_text("utf-8")), ()).items():
            found[key if key.startswith(path.stem + ".") else f"{path.stem}.{key}"] = entry
    return found


def placeholders(text: str) -> frozenset[str]:
    """The names that a text wants filled in."""
    return frozenset(name for _, name, _, _ in string.Formatter().parse(text) if name)


def say(key: str, language: str, /, **fields: Any) -> str:
    """The text of a key in a given language; Chinese where the language is unknown.

    Raises KeyError: no catalogue has the key (a test looks for such keys).
    """
    entry = catalogue()[key]
    text = entry.get(language) or (hans(entry["zh"]) if language == "hans" else entry["zh"])
    return filled(text, **fields) if fields else text


def known(language: object) -> Lang:
    """A language of ours; Traditional Chinese for any other."""
    return cast(Lang, language) if language in LANGS else "zh"


def lang() -> Lang:
    """The language of the person at the screen."""
    return known(st.session_state.get(_CHOSEN))


def spoken(key: str) -> str:
    """The key of a choice among words, another one in each language.

    The browser keeps what was chosen by the widget's key, and as words: under the same key it goes on showing the words
    of the language before, which no option has any more.
    """
    return _spoken_in(lang(), key)


def _spoken_in(language: Lang, key: str) -> str:
    return key if language == "zh" else f"{key}_{language}"


def respoken(key: str, options: Collection[Any], first: Any) -> str:
    """``spoken``, for a widget without a default of its own: begins with what was chosen in the language before.

    Where that is nothing, or no option any more, with ``first``. Of several choices (a list) those stay that are.
    """
    state, now = st.session_state, spoken(key)
    before = next((state[one] for one in (now, *(_spoken_in(each, key) for each in NAMES)) if one in state), first)
    if isinstance(before, list | tuple):
        chosen = [each for each in before if each in options]
    else:
        chosen = before if before in options else first
    if now not in state or state[now] != chosen:
        state[now] = chosen
    return now


def remember(language: str) -> None:
    """Makes ``language`` the language of this visit."""
    st.session_state[_CHOSEN] = known(language)


def listed(items: Iterable[str]) -> str:
    """Names one after another, with what stands between names in the reader's language."""
    return (", " if lang() == "en" else "、").join(items)


def t(key: str, /, **fields: Any) -> str:
    """The text of a key in the reader's language."""
    return say(key, lang(), **fields)


_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~$:])")
# What becomes a link, an icon or a smiley only after Markdown is read, so that no escape reaches it.
_LATER = re.compile(r"((?:https?|ftp)(?=:)|www(?=\.)|:(?=[a-z+_-])|@)", re.IGNORECASE)
_JOINER = "\u2060"  # without width; no break either


def plain(text: object) -> str:
    """Somebody's text made safe for a Markdown place: shown as it is, never as markup.

    Chinese quotation marks and brackets at its ends get something between them and the ``**`` around: next to
    punctuation Markdown takes that for no bold.
    """
    given = _LATER.sub(lambda found: found[0] + _JOINER, str(text).replace("\n", " "))
    if given and _is_bracket(given[0]):
        given = _JOINER + given
    if given and _is_bracket(given[-1]):
        given += _JOINER
    return _MARKDOWN.sub(r"\\\1", given)


def _is_bracket(letter: str) -> bool:
    return ord(letter) > 127 and unicodedata.category(letter) in ("Ps", "Pe", "Pi", "Pf")
