"""The texts that an encoder is pretrained on: distinct, normalised, from any files of the user's."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO

from core.errors import BadFile
from core.export.datasets import BadRow, Columns, read_rows
from core.splits import canonical_order
from core.text.convert import convert
from core.text.normalize import normalize

MIN_TEXTS = 20
_LINES = (".txt", ".txt.gz")


def load(paths: Sequence[Path], *, column: str = "text", conversion: str = "") -> list[str]:
    """Distinct texts in the order of their hashes, whatever the files' order; rows without a text are passed over.

    Raises BadFile: a file is missing or unreadable, or there are too few texts. ModelUnavailable: no such conversion
    here.
    """
    found: dict[str, None] = {}
    for path in paths:
        if not path.is_file():
            raise BadFile(name=path.name, why="missing")
        for text in _read(path, column):
            found[convert(normalize(text), conversion)] = None
    found.pop("", None)
    texts = list(found)
    if len(texts) < MIN_TEXTS:
        detail = f"{len(texts)} texts, {MIN_TEXTS} are needed / {len(texts)} 篇，至少要 {MIN_TEXTS} 篇"
        raise BadFile(name=", ".join(path.name for path in paths), why="unreadable", detail=detail)
    return [texts[int(n)] for n in canonical_order(texts)]


def _read(path: Path, column: str) -> Iterator[str]:
    if path.name.endswith(_LINES):
        try:
            with _opened(path) as lines:
                yield from lines
        except (OSError, EOFError, UnicodeDecodeError) as error:
            raise BadFile(name=path.name, why="unreadable", detail=str(error)) from error
        return
    for row in read_rows(path, columns=replace(Columns(), text=column)):
        if not isinstance(row, BadRow):
            yield row.text


def _opened(path: Path) -> IO[str]:
    return gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else open(path, encoding="utf-8")


def digest(texts: Sequence[str]) -> str:
    """Changes with any text."""
    found = hashlib.sha256()
    for text in texts:
        found.update(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest())
    return found.hexdigest()[:24]
