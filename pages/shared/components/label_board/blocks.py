"""A written guideline as blocks of plain text, for a place that shows no markup: headings, items and paragraphs.

What it knows of Markdown is what guidelines use: ``#`` headings, lists, ``**strong**``, quotes, table rows. The rest is
shown as it was typed.
"""

from __future__ import annotations

import re
from typing import Any

_HEADING = re.compile(r"#{1,6}\s+(.*?)\s*#*$")
_ITEM = re.compile(r"\s*(?:[-*+]|\d+[.)、])\s+(.*)$")
_RULE = re.compile(r"\s*(?:[-*_]\s*){3,}$|\s*\|?[\s:|-]*-{3,}[\s:|-]*$")
_STRONG = re.compile(r"\*\*(.+?)\*\*|__(.+?)__")
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_SOFT = re.compile(r"(?<![*\w])[*_`]([^*_`]+)[*_`](?![*\w])")


def _plain(text: str) -> str:
    return _SOFT.sub(r"\1", _LINK.sub(r"\1", text))


def _runs(text: str) -> list[list[Any]]:
    """Stretches of text and whether each is strong."""
    found: list[list[Any]] = []
    start = 0
    for hit in _STRONG.finditer(text):
        if hit.start() > start:
            found.append([_plain(text[start : hit.start()]), False])
        found.append([_plain(hit[1] or hit[2]), True])
        start = hit.end()
    if start < len(text):
        found.append([_plain(text[start:]), False])
    return found


def _wide(left: str, right: str) -> bool:
    """Whether two lines of one paragraph are joined without a space: Chinese has none."""
    return bool(left) and bool(right) and (left[-1] > "\u2e80" or right[0] > "\u2e80")


def blocks(markdown: str) -> list[dict[str, Any]]:
    """→ [{"kind": "heading" | "item" | "row" | "text", "runs": [[text, strong], …]}, …]"""
    found: list[dict[str, Any]] = []
    paragraph = ""

    def close() -> None:
        nonlocal paragraph
        if paragraph:
            found.append({"kind": "text", "runs": _runs(paragraph)})
        paragraph = ""

    for raw in markdown.splitlines():
        line = raw.strip().removeprefix(">").strip()
        heading, item = _HEADING.match(line), _ITEM.match(line)
        if not line or _RULE.match(line):
            close()
        elif heading:
            close()
            found.append({"kind": "heading", "runs": _runs(heading[1])})
        elif item:
            close()
            found.append({"kind": "item", "runs": _runs(item[1])})
        elif line.startswith("|"):
            close()
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            found.append({"kind": "row", "runs": _runs("　".join(cells))})
        else:
            paragraph += line if not paragraph or _wide(paragraph, line) else " " + line
    close()
    return found
