"""A report as plain values: sections of sentences, pictures and tables; and the zip that holds it in every form.

What is in it comes from the services; how it looks is in ``report_html`` and ``report_pictures``.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field

from core.export.markdown import escaped
from core.export.report_words import say

Cell = str | int | float | None
EPOCH = (1980, 1, 1, 0, 0, 0)  # of every file in the zip: the same report is the same file
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, kw_only=True)
class Table:
    """``name`` is the file's; ``heads`` and the cells of ``rows`` are as people read them. None is an empty cell.

    ``decimals`` of numbers that are no counts; ``shown`` and ``columns``: at most so many on the page, all in the file.
    """

    name: str
    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""
    decimals: int = 3
    shown: int = 200
    columns: int = 100


@dataclass(frozen=True, kw_only=True)
class Point:
    """A figure with its 95 % interval, if one is known. ``faint``: measured on too little."""

    value: float
    low: float | None = None
    high: float | None = None
    faint: bool = False


@dataclass(frozen=True, kw_only=True)
class Dots:
    """One line a name, one dot a series where it has a figure. ``span``: of the axis; ``zero`` marks a line at 0."""

    title: str
    names: tuple[str, ...]
    series: tuple[tuple[str, tuple[Point | None, ...]], ...]
    axis: str
    span: tuple[float, float] = (0.0, 1.0)


@dataclass(frozen=True, kw_only=True)
class Lines:
    """Figures over whole numbers (rounds). ``series``: name, and (x, point) in order."""

    title: str
    series: tuple[tuple[str, tuple[tuple[int, Point], ...]], ...]
    x: str
    y: str


@dataclass(frozen=True, kw_only=True)
class Section:
    """Headings, sentences, then pictures, then tables."""

    title: str
    sentences: tuple[str, ...] = ()
    pictures: tuple[Dots | Lines, ...] = ()
    tables: tuple[Table, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Document:
    """``facts``: what it is about, as pairs. ``methods``: headings with their sentences, for page and methods.md."""

    lang: str
    title: str
    facts: tuple[tuple[str, str], ...]
    sections: tuple[Section, ...]
    methods: tuple[tuple[str, tuple[str, ...]], ...] = field(default=())

    @property
    def tables(self) -> tuple[Table, ...]:
        return tuple(table for section in self.sections for table in section.tables)


def as_csv(table: Table) -> bytes:
    """With a byte order mark, so that spreadsheets read Chinese; no cell of ours is taken for a formula."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([_harmless(head) for head in table.heads])
    writer.writerows([["" if each is None else _harmless(each) for each in row] for row in table.rows])
    return out.getvalue().encode("utf-8-sig")


def _harmless(cell: Cell) -> Cell:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell


def methods_text(document: Document) -> str:
    """The methods as Markdown; people's own words are in it as they are."""
    lines = [f"# {escaped(document.title)}", ""]
    for heading, sentences in document.methods:
        lines += [f"## {escaped(heading)}", "", *(f"- {escaped(each)}" for each in sentences), ""]
    return "\n".join(lines)


def readme(document: Document) -> str:
    """What each file of the zip is."""
    files: Sequence[tuple[str, str]] = [
        ("report.html", say("file_report", document.lang)),
        ("methods.md", say("file_methods", document.lang)),
        *((f"tables/{table.name}.csv", table.title) for table in document.tables),
    ]
    facts = [f"{name}: {value}" for name, value in document.facts]
    return "\n".join([document.title, "", *facts, "", *(f"{name}  {what}" for name, what in files), ""])


def bundle(document: Document) -> bytes:
    """The zip: report.html, methods.md, README.txt, and a CSV for each table."""
    from core.export.report_html import html

    files = {
        "README.txt": readme(document).encode(),
        "report.html": html(document).encode(),
        "methods.md": methods_text(document).encode(),
        **{f"tables/{table.name}.csv": as_csv(table) for table in document.tables},
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in files.items():
            about = zipfile.ZipInfo(name, EPOCH)
            about.compress_type = zipfile.ZIP_DEFLATED
            about.external_attr = 0o644 << 16
            target.writestr(about, content)
    return out.getvalue()
