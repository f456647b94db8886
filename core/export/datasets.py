"""Rows in, rows out: JSONL and CSV with text, labels, split. What is written here is read here, identical.

CSV: labels are joined by ``|`` inside one cell; the file starts with a byte-order mark, for spreadsheet programs take a
UTF-8 file without one for something else.
"""

from __future__ import annotations

import csv
import dataclasses
import gzip
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from core.errors import BadFile, EmptyText, TagtailError, TextTooLong

FORMATS = ("jsonl", "csv")
COLUMNS = ("id", "text", "labels", "split")
SEPARATOR = "|"


@dataclass(frozen=True, kw_only=True)
class Columns:
    """Which columns of a file hold what."""

    text: str = "text"
    id: str = "id"
    labels: str = "labels"
    split: str = "split"
    separator: str = SEPARATOR


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row as the file has it; ``labels`` is None when the row says nothing of labels."""

    line: int
    text: str
    id: str
    labels: tuple[str, ...] | None
    split: str
    rest: dict[str, Any] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class BadRow:
    """One row that cannot enter: where, which field, and why (an error code with its fields)."""

    line: int
    field: str
    code: str
    fields: dict[str, Any] = dataclasses.field(default_factory=dict)


def guess_format(name: str) -> str:
    """By the file's name. Raises BadFile."""
    stem = name.lower().removesuffix(".gz")
    for ending, kind in ((".jsonl", "jsonl"), (".ndjson", "jsonl"), (".json", "jsonl"), (".csv", "csv")):
        if stem.endswith(ending):
            return kind
    raise BadFile(name=name, why="jsonl_or_csv")


def _open(path: Path, encoding: str) -> IO[str]:
    if path.name.lower().endswith(".gz"):
        return gzip.open(path, "rt", encoding=encoding, newline="")
    return open(path, encoding=encoding, newline="")


def read_rows(
    path: Path, *, kind: str | None = None, columns: Columns | None = None, encoding: str = "utf-8"
) -> Iterator[Row | BadRow]:
    """Each row of a file, or what is wrong with it.

    Raises BadFile: not UTF-8, no such column, not JSONL or CSV at all.
    """
    columns = columns or Columns()
    kind = kind or guess_format(path.name)
    encoding = "utf-8-sig" if encoding.lower().replace("_", "-") == "utf-8" else encoding
    try:
        with _open(path, encoding) as stream:
            found = _json_lines(stream) if kind == "jsonl" else _csv_lines(stream, path.name, columns)
            for line, values in found:
                yield values if isinstance(values, BadRow) else _row(line, values, columns)
    except UnicodeDecodeError as error:
        raise BadFile(name=path.name, why="not_utf8", at=error.start) from error
    except (OSError, EOFError, csv.Error, LookupError) as error:
        raise BadFile(name=path.name, why="unreadable", detail=str(error)[:200]) from error


def _json_lines(stream: IO[str]) -> Iterator[tuple[int, dict[str, Any] | BadRow]]:
    for line, text in enumerate(stream, start=1):
        if not text.strip():
            continue
        try:
            values = json.loads(text)
        except (ValueError, RecursionError) as error:
            yield line, BadRow(line=line, field="", code="NotJson", fields={"why": str(error)[:120]})
            continue
        if isinstance(values, dict):
            yield line, values
        else:
            yield line, BadRow(line=line, field="", code="NotJson", fields={"why": "{…}"})


def _csv_lines(stream: IO[str], name: str, columns: Columns) -> Iterator[tuple[int, dict[str, Any] | BadRow]]:
    csv.field_size_limit(64 * 1024 * 1024)
    reader = csv.DictReader(stream)
    names = reader.fieldnames or []
    if columns.text not in names:
        raise BadFile(name=name, why="no_text_column", column=columns.text, have=", ".join(str(n) for n in names)[:300])
    while True:
        line = reader.line_num + 1
        values = next(reader, None)
        if values is None:
            return
        if None in values:
            yield (
                line,
                BadRow(line=line, field="", code="TooManyCells", fields={"have": len(names) + len(values[None])}),
            )
        else:
            yield line, values


def _row(line: int, values: dict[str, Any], columns: Columns) -> Row | BadRow:
    text = values.get(columns.text)
    if not isinstance(text, str):
        return BadRow(line=line, field=columns.text, code="NoText", fields={"column": columns.text})
    try:
        labels = _labels(values.get(columns.labels), columns.separator)
    except TypeError:
        return BadRow(line=line, field=columns.labels, code="LabelsNotAList")
    used = {columns.text, columns.id, columns.labels, columns.split}
    external_id, split = values.get(columns.id), values.get(columns.split)
    return Row(
        line=line,
        text=text,
        id="" if external_id is None else str(external_id),
        labels=labels,
        split="" if split is None else str(split).strip().lower(),
        rest={k: v for k, v in values.items() if k not in used and v not in (None, "")},
    )


def _labels(cell: Any, separator: str) -> tuple[str, ...] | None:
    """None and an empty cell say nothing; a list or a joined cell is a label set. Raises TypeError."""
    if cell is None or cell == "":
        return None
    if isinstance(cell, str):
        cell = cell.split(separator)
    if not isinstance(cell, list) or not all(isinstance(each, str) for each in cell):
        raise TypeError
    return tuple(each.strip() for each in cell if each.strip())


def check_text(text: str, *, limit: int) -> TagtailError | None:
    """What is wrong with a text, if anything: empty, or longer than a text can be."""
    if not text.strip():
        return EmptyText()
    if len(text) > limit:
        return TextTooLong(have=len(text), limit=limit)
    return None


def write_jsonl(rows: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    for each in rows:
        yield (json.dumps(each, ensure_ascii=False) + "\n").encode()


def write_csv(rows: Sequence[dict[str, Any]]) -> Iterator[bytes]:
    """Labels joined in one cell; our columns first, then any others that the rows have."""
    others = dict.fromkeys(key for each in rows for key in each if key not in COLUMNS)
    yield b"\xef\xbb\xbf"
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, (*COLUMNS, *others), lineterminator="\r\n")
    writer.writeheader()
    for each in rows:
        writer.writerow({**each, "labels": SEPARATOR.join(each.get("labels") or ())})
        yield buffer.getvalue().encode()
        buffer.seek(0)
        buffer.truncate()
