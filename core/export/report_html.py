"""A report as one HTML file that fetches nothing: read on any screen, printed on A4, heard by a screen reader."""

from __future__ import annotations

from collections.abc import Iterator

from core.experiments.drawing import escape
from core.export.report import Cell, Document, Section, Table
from core.export.report_pictures import picture
from core.export.report_words import say
from core.wording import fixed

LANGS = {"zh": "zh-Hant", "hans": "zh-Hans", "en": "en"}
# No script, no font, no picture from anywhere: a browser that is asked for one refuses.
POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_LONG = 18  # characters of a cell
STYLE = """
:root{color-scheme:light}
body{font:15px/1.6 'Noto Sans TC','PingFang TC','Microsoft JhengHei',system-ui,sans-serif;color:#1a1a1a;
background:#fff;max-width:1000px;margin:2rem auto;padding:0 1rem}
h1{font-size:1.6rem;margin-bottom:.4rem}h2{font-size:1.2rem;margin:2.4rem 0 .6rem;border-bottom:2px solid #0f766e}
h3{font-size:1rem;margin:1.4rem 0 .4rem}nav a{color:#0b5f58;margin-right:1rem;display:inline-block}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.15rem 1rem;margin:1rem 0}dt{color:#555}dd{margin:0}
.wide{overflow-x:auto}.wide:focus{outline:2px solid #0f766e}
table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:.86rem;margin:.3rem 0 1rem}
caption{text-align:left;font-weight:600;padding:.3rem 0}
th,td{padding:.22rem .55rem;border-bottom:1px solid #ddd;text-align:right;vertical-align:top}
thead th{border-bottom:2px solid #888;vertical-align:bottom}tbody th,.words{text-align:left;font-weight:400}
tbody th,tbody td{white-space:nowrap}
tbody td.words{white-space:normal;min-width:3.2rem}td.words.long{min-width:14rem}
.quiet{color:#555;font-size:.86rem}svg{max-width:100%;height:auto;display:block}figure{margin:1rem 0}
@media (max-width:600px){dl{grid-template-columns:1fr}dt{margin-top:.4rem}}
@page{size:A4;margin:16mm 14mm}
@media print{tbody td.long{min-width:0}
body{max-width:none;margin:0;padding:0;font-size:10pt}nav{display:none}.wide{overflow:visible}
h2,h3,caption{break-after:avoid}figure,tr,svg{break-inside:avoid}thead{display:table-header-group}
table{font-size:7pt}th,td{padding:.12rem .22rem}}
"""


def html(document: Document) -> str:
    """The whole file."""
    sections = "".join(_section(n, each, document.lang) for n, each in enumerate(document.sections))
    return (
        f'<!doctype html><html lang="{LANGS[document.lang]}"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        f'<meta name="viewport" content="width=device-width"><title>{escape(document.title)}</title>'
        f"<style>{STYLE}</style></head><body><header><h1>{escape(document.title)}</h1>{_facts(document)}"
        f"{_contents(document)}</header><main>{sections}{_methods(document)}</main></body></html>\n"
    )


def _facts(document: Document) -> str:
    return "<dl>" + "".join(f"<dt>{escape(a)}</dt><dd>{escape(b)}</dd>" for a, b in document.facts) + "</dl>"


def _contents(document: Document) -> str:
    named = [(f"s{n}", each.title) for n, each in enumerate(document.sections)]
    named.append(("methods", say("methods", document.lang)))
    links = "".join(f'<a href="#{at}">{escape(title)}</a>' for at, title in named)
    return f'<nav aria-label="{escape(say("contents", document.lang))}">{links}</nav>'


def _section(n: int, section: Section, lang: str) -> str:
    parts = [f'<section aria-labelledby="s{n}"><h2 id="s{n}">{escape(section.title)}</h2>']
    parts += [f"<p>{escape(each)}</p>" for each in section.sentences]
    for each in section.pictures:
        parts.append(f"<figure>{picture(each)}<figcaption class=quiet>{escape(each.title)}</figcaption></figure>")
    parts += [_table(each, lang) for each in section.tables]
    return "".join([*parts, "</section>"])


def _table(table: Table, lang: str) -> str:
    """The first column names the rows."""
    heads, rows = table.heads[: table.columns], [row[: table.columns] for row in table.rows[: table.shown]]
    kinds = [_kind([row[n] for row in rows]) for n in range(len(heads))]
    note = table.note
    if len(rows) < len(table.rows) or len(heads) < len(table.heads):
        note = f"{note} {say('cut', lang, file=table.name)}".strip()
    top = "".join(f'<th scope="col"{kinds[n]}>{escape(head)}</th>' for n, head in enumerate(heads))
    body = "".join(f"<tr>{''.join(_cells(row, kinds, table.decimals))}</tr>" for row in rows)
    told = f"<p class=quiet>{escape(note)}</p>" if note else ""
    name = escape(table.title)
    return (
        f'<div class="wide" tabindex="0" role="region" aria-label="{name}"><table><caption>{name}</caption>'
        f"<thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>{told}"
    )


def _cells(row: tuple[Cell, ...], kinds: list[str], decimals: int) -> Iterator[str]:
    for n, cell in enumerate(row):
        said = escape(shown(cell, decimals))
        yield f'<th scope="row">{said}</th>' if n == 0 else f"<td{kinds[n]}>{said}</td>"


def _kind(column: list[Cell]) -> str:
    """Columns of words stand to the left; those of sentences are given room."""
    if not all(isinstance(cell, str | None) for cell in column):
        return ""
    return ' class="words long"' if any(len(str(cell)) > _LONG for cell in column) else ' class="words"'


def shown(cell: Cell, decimals: int) -> str:
    """A cell as people read it: counts whole, other numbers cut, nothing as a dash."""
    if cell is None:
        return "–"
    if isinstance(cell, float):
        return fixed(cell, decimals)
    return f"{cell:,}" if isinstance(cell, int) else cell


def _methods(document: Document) -> str:
    parts = [f'<section aria-labelledby="methods"><h2 id="methods">{escape(say("methods", document.lang))}</h2>']
    for heading, sentences in document.methods:
        items = "".join(f"<li>{escape(each)}</li>" for each in sentences)
        parts.append(f"<h3>{escape(heading)}</h3><ul>{items}</ul>")
    return "".join([*parts, "</section>"])
