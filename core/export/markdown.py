"""Somebody's words in a Markdown file: shown as they are, never as markup, HTML or a link."""

from __future__ import annotations

import re

_SIGNS = re.compile(r"([\\`*_{}\[\]<>&#|~$!@])")
# What means something at the beginning of a line alone: a list, a heading underlined, a number of a list.
_FIRST = re.compile(r"^(\d*)([-+=.)])")
# What readers make a link of without any sign.
_LINK = re.compile(r"\b(?:(https?|ftp|mailto)(:)|(www)(\.))", re.IGNORECASE)


def escaped(text: str) -> str:
    """One line of CommonMark that reads as ``text`` does; whatever is no printable character becomes a space."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    line = _SIGNS.sub(r"\\\1", line)
    line = _LINK.sub(lambda found: f"{found[1] or found[3]}\\{found[2] or found[4]}", line)
    return _FIRST.sub(r"\1\\\2", line)
