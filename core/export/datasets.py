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
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from core.errors import BadFile, EmptyText, TagtailError, TextTooLong

FORMATS = ("jsonl", "csv")
MAX_BYTES = 256 * 2**20  # of a file, unpacked: more would not fit in memory while it is checked
MAX_LINE = 16 * 2**20  # characters
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet would run a cell that begins so
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
    zipped = path.name.lower().endswith(".gz")
    raw: Any = gzip.open(path) if zipped else open(path, "rb")  # noqa: SIM115 (closed with the wrapper)
    return io.TextIOWrapper(io.BufferedReader(_Capped(raw, path.name)), encoding=encoding, newline="")


class _Capped(io.RawIOBase):
    """A stream that ends in BadFile where it grows past MAX_BYTES: a small archive can unpack to anything."""

    def __init__(self, raw: IO[bytes], name: str) -> None:
        self._raw, self._name, self._seen = raw, name, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        piece = self._raw.read(len(buffer))
        self._seen += len(piece)
        if self._seen > MAX_BYTES:
            raise _too_large(self._name)
        buffer[: len(piece)] = piece
        return len(piece)

    def close(self) -> None:
        self._raw.close()
        super().close()


def _too_large(name: str) -> BadFile:
    return BadFile(name=name, why="too_large", limit_mb=MAX_BYTES // 2**20)


def _lines(stream: IO[str], name: str) -> Iterator[str]:
    """Line by line, none of them without end."""
    while line := stream.readline(MAX_LINE):
        if len(line) >= MAX_LINE:
            raise _too_large(name)
        yield line


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
            lines = _lines(stream, path.name)
            found = _json_lines(lines) if kind == "jsonl" else _csv_lines(lines, path.name, columns)
            for line, values in found:
                yield values if isinstance(values, BadRow) else _row(line, values, columns)
    except UnicodeDecodeError as error:
        raise BadFile(name=path.name, why="not_utf8", at=error.start) from error
    except (OSError, EOFError, zlib.error, csv.Error, LookupError) as error:
        raise BadFile(name=path.name, why="unreadable", detail=str(error)[:200]) from error


def _json_lines(stream: Iterator[str]) -> Iterator[tuple[int, dict[str, Any] | BadRow]]:
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


def _csv_lines(stream: Iterator[str], name: str, columns: Columns) -> Iterator[tuple[int, dict[str, Any] | BadRow]]:
    csv.field_size_limit(MAX_LINE)
    reader = csv.DictReader(stream, strict=True)  # an unclosed quote would swallow the rest of the file
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
            yield line, {key: _without_guard(cell) for key, cell in values.items()}


def _row(line: int, values: dict[str, Any], columns: Columns) -> Row | BadRow:
    text = values.get(columns.text)
    if not isinstance(text, str):
        return BadRow(line=line, field=columns.text, code="NoText", fields={"column": columns.text})
    try:
        labels = _labels(values.get(columns.labels), columns.separator)
    except TypeError:
        return BadRow(line=line, field=columns.labels, code="LabelsNotAList")
    if not _writable(values):
        return BadRow(line=line, field="", code="NotWritable")
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
        cell = cell.split(separator or SEPARATOR)
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
        flat = {**each, "labels": SEPARATOR.join(each.get("labels") or ())}
        writer.writerow({key: _guarded(_flat(cell)) for key, cell in flat.items()})
        yield buffer.getvalue().encode()
        buffer.seek(0)
        buffer.truncate()


def _flat(cell: Any) -> Any:
    """Lists and objects as JSON: one cell, and readable again."""
    return json.dumps(cell, ensure_ascii=False) if isinstance(cell, list | dict) else cell


def _guarded(cell: Any) -> Any:
    """A text that a spreadsheet would run as a formula, with an apostrophe before it."""
    if isinstance(cell, str) and (cell.startswith(_FORMULA) or (cell[:1] == "'" and cell[1:2] in (*_FORMULA, "'"))):
        return "'" + cell
    return cell


def _without_guard(cell: Any) -> Any:
    """What ``_guarded`` put there is taken away again."""
    if isinstance(cell, str) and cell[:1] == "'" and cell[1:2] in (*_FORMULA, "'"):
        return cell[1:]
    return cell


def _writable(values: Any) -> bool:
    """Whether UTF-8 can hold it: JSON can spell half a character, a file cannot."""
    try:
        json.dumps(values, ensure_ascii=False, default=str).encode()
    except UnicodeEncodeError:
        return False
    return True
