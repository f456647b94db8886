"""Word vectors that somebody brings along: word2vec's text and binary form, also gzipped.

The file is streamed and only the vocabulary's rows are kept: three million words never lie in memory.
"""

from __future__ import annotations

import gzip
import hashlib
import zlib
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import IO, cast

import numpy as np
from numpy.typing import NDArray

from core.errors import BadFile
from core.text.vocab import Vocab

_READ = 2 * 1024 * 1024
_LONGEST_TOKEN = 64 * 1024  # bytes; a "token" beyond it is another kind of file
_LONGEST_LINE = 1024 * 1024


class _Table:
    """Rows found so far; a token spelt as in the vocabulary goes before one that only differs in case."""

    def __init__(self, vocab: Vocab, size: int) -> None:
        self.position = {token.encode("utf-8", "surrogatepass"): n for token, n in vocab.position.items()}
        self.rows = np.zeros((len(vocab), size), dtype=np.float32)
        self.exact = np.zeros(len(vocab), dtype=bool)
        self.found = np.zeros(len(vocab), dtype=bool)

    def wanted(self, token: bytes) -> int:
        """The token's position, or 0 where its row is of no use; of two rows the first counts."""
        n = self.position.get(token, 0)
        if n:
            return 0 if self.exact[n] else n
        n = self.position.get(token.lower(), 0)
        return 0 if n and self.found[n] else n

    def put(self, n: int, token: bytes, row: NDArray[np.float32]) -> None:
        self.rows[n] = row
        self.found[n] = True
        self.exact[n] = token in self.position


def content_hash(path: Path) -> Generator[tuple[int, int], None, str]:
    """SHA-256 of the file's bytes. Raises BadFile: it is not there or cannot be read."""
    digest = hashlib.sha256()
    try:
        total = path.stat().st_size
        with path.open("rb") as file:
            while part := file.read(_READ):
                digest.update(part)
                yield min(file.tell(), total), total
    except OSError as error:
        raise _unreadable(path, error) from error
    return digest.hexdigest()


def vector_rows(
    path: Path, vocab: Vocab, size: int
) -> Generator[tuple[int, int], None, tuple[NDArray[np.float32], NDArray[np.int64]]]:
    """The file's rows for the vocabulary's tokens, as they stand there. Shapes: → (V, D), positions found (F,).

    Raises BadFile: not there, damaged, vectors of another width (``have``, ``need``), or no token in common.
    """
    table = _Table(vocab, size)
    try:
        total = path.stat().st_size
        with path.open("rb") as raw:
            file = cast(IO[bytes], gzip.GzipFile(fileobj=raw) if path.suffix == ".gz" else raw)
            count = _header(path, file, size)
            sample = file.read(_READ)
            fill = _fill_text if _is_text(sample, size) else _fill_binary
            for _ in fill(path, _parts(file, sample), count, table):
                yield min(raw.tell(), total), total
    except (OSError, EOFError, zlib.error) as error:
        raise _unreadable(path, error) from error
    found = np.flatnonzero(table.found)
    if not len(found):
        detail = f"none of the {len(vocab) - 2} tokens is in it: is it of another language or segmenter?"
        raise BadFile(name=path.name, why="vectors_foreign", need=len(vocab) - 2, detail=detail)
    if not np.isfinite(table.rows[found]).all():
        raise _damaged(path, "it holds values that are no numbers")
    return table.rows, found


def _header(path: Path, file: IO[bytes], size: int) -> int:
    """The first line says how many words of what width there are."""
    fields = file.readline(_LONGEST_LINE).split()
    try:
        count, width = map(int, fields)
    except ValueError as error:
        raise _damaged(path, "its first line is not the number of words and their width, as in “50000 300”") from error
    if width != size:
        detail = f"its vectors have {width} values, the round has vector_size = {size}: set it to {width}"
        raise BadFile(name=path.name, why="vectors_width", have=width, need=size, detail=detail)
    return count


def _is_text(sample: bytes, size: int) -> bool:
    """Whether the first row reads as a token and numbers."""
    fields = sample.partition(b"\n")[0].strip().split(b" ")
    try:
        return len(list(map(float, fields[-size:]))) == size < len(fields)
    except ValueError:
        return False


def _parts(file: IO[bytes], first: bytes) -> Iterator[bytes]:
    while first:
        yield first
        first = file.read(_READ)


def _fill_text(path: Path, parts: Iterator[bytes], count: int, table: _Table) -> Iterator[None]:
    seen, rest = 0, b""
    for part in parts:
        *lines, rest = (rest + part).split(b"\n")
        seen += _text_lines(path, lines, table)
        if len(rest) > _LONGEST_LINE:
            raise _damaged(path, "it has a line that is too long")
        yield
    seen += _text_lines(path, [rest], table)
    _all_there(path, seen, count)


def _text_lines(path: Path, lines: list[bytes], table: _Table) -> int:
    seen, size = 0, table.rows.shape[1]
    for line in lines:
        if not line.strip():
            continue
        seen += 1
        token, _, values = line.lstrip().partition(b" ")
        n = table.wanted(token)
        if not n:
            continue
        row = values.split()
        try:
            if len(row) > size:
                float(row[0])  # no number: a token of several words, of which the first is wanted
        except ValueError:
            continue
        if len(row) != size:
            raise _damaged(path, f"the row of “{_shown(token)}” has {len(row)} values, not {size}")
        try:
            table.put(n, token, np.array(row, dtype=np.float32))
        except ValueError as error:
            raise _damaged(path, f"the row of “{_shown(token)}” holds something that is no number") from error
    return seen


def _fill_binary(path: Path, parts: Iterator[bytes], count: int, table: _Table) -> Iterator[None]:
    width = 4 * table.rows.shape[1]
    seen, rest = 0, b""
    for part in parts:
        data, at = rest + part, 0
        while seen < count:
            space = data.find(b" ", at, at + _LONGEST_TOKEN)
            if space < 0 or len(data) < space + 1 + width:
                break
            token = data[at:space].lstrip(b"\n")
            at = space + 1 + width
            seen += 1
            n = table.wanted(token)
            if n:
                table.put(n, token, np.frombuffer(data, dtype="<f4", count=width // 4, offset=space + 1))
        if seen == count:
            break
        rest = data[at:]
        if len(rest) > _LONGEST_TOKEN + width:
            raise _damaged(path, f"after {seen} words no further one begins")
        yield
    _all_there(path, seen, count)


def _all_there(path: Path, seen: int, count: int) -> None:
    if seen < count:
        raise _damaged(path, f"it ends after {seen} of {count} words")


def _shown(token: bytes) -> str:
    return token.decode("utf-8", "replace")[:40]


def _damaged(path: Path, detail: str) -> BadFile:
    return BadFile(name=path.name, why="vectors_damaged", detail=detail)


def _unreadable(path: Path, error: Exception) -> BadFile:
    if isinstance(error, FileNotFoundError):
        return BadFile(name=path.name, why="missing")
    return BadFile(name=path.name, why="unreadable", detail=str(error)[:200])
