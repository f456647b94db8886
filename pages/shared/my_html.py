"""A text and its labels as HTML for reading: everything that somebody wrote is escaped here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape

from core.labels import LabelSet
from pages.shared.i18n import lang, t

EXCERPT = 110  # characters: about three lines of a telephone
BEFORE = 30  # shown before the word that was searched for
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
STYLE = """<style>
.tt-text {font-size: 1.15rem; line-height: 1.9; max-width: 36em; overflow-wrap: anywhere; line-break: strict}
.tt-text p {margin: 0 0 .7em; white-space: pre-wrap}
.tt-excerpt {line-height: 1.75; overflow-wrap: anywhere; line-break: strict; margin: .15rem 0 .45rem}
@media (max-width: 640px) {
  .tt-excerpt {display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 4; overflow: hidden}
}
.tt-facts {font-size: .875rem; opacity: .78; display: flex; flex-wrap: wrap; gap: .1rem .9rem}
.tt-facts b {font-weight: 650}
.tt-chips {display: flex; flex-wrap: wrap; gap: .35rem .4rem; align-items: center}
.tt-chip {display: inline-flex; align-items: center; gap: .4em; font-size: .9rem; line-height: 1.5; padding: .05em .6em;
  border-radius: 6px; border: 1px solid color-mix(in srgb, currentColor 26%, transparent)}
.tt-chip i {width: .6em; height: .6em; border-radius: 2px; background: var(--c)}
.tt-chip.odd {border-style: dashed; border-width: 2px; border-color: currentColor; font-weight: 650}
.tt-chip small {font-size: .8rem; font-weight: 400; opacity: .85}
.tt-beside {display: grid; grid-template-columns: max-content 1fr; gap: .6rem .9rem; align-items: baseline;
  margin: .2rem 0}
.tt-beside > span {opacity: .78; font-size: .9rem}
.tt-table {width: 100%; border-collapse: collapse; font-size: .92rem; font-variant-numeric: tabular-nums}
.tt-table th, .tt-table td {text-align: left; padding: .4rem .5rem .4rem 0; vertical-align: baseline;
  border-bottom: 1px solid color-mix(in srgb, currentColor 18%, transparent)}
.tt-table thead th {font-weight: 400; font-size: .85rem; opacity: .78}
.tt-table tbody th {font-weight: 500}
.tt-text mark, .tt-excerpt mark {background: color-mix(in srgb, #e69f00 38%, transparent); color: inherit;
  border-radius: 3px}
</style>"""


def _marked(text: str, words: Sequence[str]) -> str:
    """Escaped, with what was searched for marked, as far as it is written the same way."""
    wanted = [re.escape(word) for word in sorted(words, key=len, reverse=True) if word]
    if not wanted:
        return escape(text)
    parts = re.split(f"({'|'.join(wanted)})", text, flags=re.IGNORECASE)
    return "".join(f"<mark>{escape(part)}</mark>" if n % 2 else escape(part) for n, part in enumerate(parts))


def excerpt(text: str, words: Sequence[str] = ()) -> str:
    """The beginning of a text, or the surroundings of the first word that was searched for."""
    line = " ".join(text.split())
    at = min((found.start() for word in words if (found := re.search(re.escape(word), line, re.IGNORECASE))), default=0)
    start = max(0, at - BEFORE) if at > EXCERPT // 2 else 0
    part = line[start : start + EXCERPT]
    before, after = "…" if start else "", "…" if start + EXCERPT < len(line) else ""
    return f'<div class="tt-excerpt" lang="zh-Hant">{before}{_marked(part, words)}{after}</div>'


def whole(text: str, words: Sequence[str] = ()) -> str:
    """A text in full, by its own paragraphs."""
    paragraphs = [each for each in text.split("\n") if each.strip()]
    return (
        '<div class="tt-text" lang="zh-Hant">'
        + "".join(f"<p>{_marked(each, words)}</p>" for each in paragraphs)
        + "</div>"
    )


def facts(parts: Iterable[str]) -> str:
    """Small print: when, what, settled or not."""
    return '<div class="tt-facts">' + "".join(f"<span>{part}</span>" for part in parts if part) + "</div>"


def chips(label_set: LabelSet, keys: Sequence[str], *, odd: Sequence[str] = (), why: str = "") -> str:
    """Labels by name with their colour; the ``odd`` ones stand out and say why, in words too."""
    if not keys:
        return f'<div class="tt-chips"><span class="tt-chip">{escape(t("mine.no_labels"))}</span></div>'
    known = {label.key: label for label in label_set.every}
    found = []
    for key in keys:
        label = known.get(key)
        name = label.name(lang()) if label else key
        colour = label.colour if label and _COLOUR.fullmatch(label.colour) else "#808080"
        note = f" <small>{escape(why)}</small>" if key in odd else ""
        kind = "tt-chip odd" if key in odd else "tt-chip"
        found.append(f'<span class="{kind}" style="--c: {colour}"><i></i>{escape(name)}{note}</span>')
    return '<div class="tt-chips">' + "".join(found) + "</div>"


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Rows to read, also on a telephone and by a screen reader; the first cell names its row."""
    head = "".join(f'<th scope="col">{escape(each)}</th>' for each in heads)
    lines = [
        f'<tr><th scope="row">{escape(str(first))}</th>'
        + "".join(f"<td>{escape(f'{each:,}' if isinstance(each, int) else str(each))}</td>" for each in rest)
        + "</tr>"
        for first, *rest in rows
    ]
    return f'<table class="tt-table"><thead><tr>{head}</tr></thead><tbody>{"".join(lines)}</tbody></table>'


def beside(label_set: LabelSet, mine: Sequence[str], settled: Sequence[str]) -> str:
    """Mine above the settled ones, with what is in one of them only marked."""
    rows = (
        (t("mine.mine"), mine, [key for key in mine if key not in settled], t("mine.sign_extra")),
        (t("mine.theirs"), settled, [key for key in settled if key not in mine], t("mine.sign_missing")),
    )
    cells = [f"<span>{escape(name)}</span>{chips(label_set, keys, odd=odd, why=why)}" for name, keys, odd, why in rows]
    return '<div class="tt-beside">' + "".join(cells) + "</div>"
