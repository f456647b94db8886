"""The labelled corpus of a cross-validated experiment, cleaned of what would make its figures wrong."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.config import MAX_TEXT
from core.errors import BadFile, BadRows
from core.export.datasets import BadRow, Columns, Row, check_text, read_rows
from core.label_rules import MAX_LABELS
from core.splits import canonical_order
from core.text.normalize import normalize

MIN_TEXTS = 8  # as many as a round needs


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """Distinct texts in the order of their hashes, with their labels, the commonest label first.

    Shapes: y (N, K) of 0 and 1. ``notes`` say in whole sentences what was left out or is out of the ordinary.
    """

    name: str
    texts: tuple[str, ...]
    y: NDArray[np.int8]
    label_keys: tuple[str, ...]
    notes: tuple[str, ...] = ()
    pool: tuple[str, ...] = field(default=(), repr=False)  # unlabelled texts, for word vectors alone

    @property
    def digest(self) -> str:
        """Changes with any text, label or pool text, not with their order."""
        digest = hashlib.sha256(json.dumps(self.label_keys, ensure_ascii=False).encode())
        for text, row in zip(self.texts, self.y, strict=True):
            digest.update(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest())
            digest.update(row.tobytes())
        for text in self.pool:
            digest.update(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest())
        return digest.hexdigest()[:24]


def load(path: Path, *, columns: Columns | None = None, limit: int = 0, pool: Path | None = None) -> Corpus:
    """A corpus from JSONL or CSV, packed by gzip or not; ``limit`` keeps so many texts, drawn by their hashes.

    Of equal texts one is kept: the same text on both sides of a split would be learned by heart.
    Raises BadFile: no such file, unreadable, without labels, too few texts or too many labels. BadRows: rows
    without a text or with wrong labels; the error's ``report`` names line and field.
    """
    rows, silent = labelled_rows(path, columns)
    texts, sets, notes = _distinct(rows)
    if silent:
        notes.append(f"{silent} rows say nothing of labels and were left out.")
    if not any(sets):
        raise BadFile(name=path.name, why="no_labels")
    if limit and limit < len(texts):
        notes.append(f"A trial on {limit} of {len(texts)} texts.")
    kept = [int(n) for n in canonical_order(texts)[: limit or None]]  # finished cells name texts by position
    texts, sets = [texts[n] for n in kept], [sets[n] for n in kept]
    counts = Counter(key for chosen in sets for key in chosen)
    keys = tuple(sorted(counts, key=lambda key: (-counts[key], key)))
    if len(keys) > MAX_LABELS:
        raise BadFile(name=path.name, why="too_many_labels", have=len(keys), limit=MAX_LABELS)
    if len(texts) < MIN_TEXTS:
        raise BadFile(name=path.name, why="unreadable", detail=f"{len(texts)} labelled texts, {MIN_TEXTS} are needed")
    y = np.array([[key in chosen for key in keys] for chosen in sets], dtype=np.int8)
    notes += [f"Label “{key}” has a single text." for key in keys if counts[key] == 1]
    notes += [f"Every text carries label “{key}”." for key in keys if counts[key] == len(texts)]
    unlabelled: tuple[str, ...] = ()
    if pool is not None:
        unlabelled, said = _pool(pool, columns, set(texts))
        notes += said
    return Corpus(name=path.name, texts=tuple(texts), y=y, label_keys=keys, notes=tuple(notes), pool=unlabelled)


def labelled_rows(path: Path, columns: Columns | None = None) -> tuple[list[Row], int]:
    """The labelled rows, and how many have no labels field. Raises BadFile, BadRows: as ``load``."""
    if not path.is_file():
        raise BadFile(name=path.name, why="missing")
    rows, bad, silent, seen = [], [], 0, 0
    for each in read_rows(path, columns=columns):
        seen += 1
        if isinstance(each, BadRow):
            bad.append(each)
        elif error := check_text(normalize(each.text), limit=MAX_TEXT):
            bad.append(BadRow(line=each.line, field="text", code=error.code, fields=error.fields))
        elif each.labels is None:
            silent += 1
        else:
            rows.append(each)
    if not seen:
        raise BadFile(name=path.name, why="empty")
    if bad:
        raise BadRows(bad=len(bad), rows=seen, report=tuple(bad))
    return rows, silent


def _distinct(rows: list[Row]) -> tuple[list[str], list[frozenset[str]], list[str]]:
    """Normalised texts without repetition, their labels, and what to say of those left out."""
    kept: dict[str, frozenset[str]] = {}
    again = unlike = 0
    for row in rows:
        text, labels = normalize(row.text), frozenset(row.labels or ())
        if text in kept:
            again += 1
            unlike += kept[text] != labels
        else:
            kept[text] = labels
    notes = []
    if again:
        notes.append(
            f"{again} rows repeat an earlier text and were left out ({unlike} of them with other labels): "
            "the first of each is kept."
        )
    return list(kept), list(kept.values()), notes


def _pool(path: Path, columns: Columns | None, known: set[str]) -> tuple[tuple[str, ...], list[str]]:
    if not path.is_file():
        raise BadFile(name=path.name, why="missing")
    found: dict[str, None] = {}
    unusable = shared = 0
    for each in read_rows(path, columns=columns):
        text = "" if isinstance(each, BadRow) else normalize(each.text)
        if not text or len(text) > MAX_TEXT:
            unusable += 1
        elif text in known:
            shared += 1  # it may be a test text of some fold
        else:
            found[text] = None
    notes = [f"Word vectors also saw {len(found)} unlabelled texts of {path.name}."]
    if unusable or shared:
        notes.append(f"Of {path.name}, {unusable} unusable rows and {shared} texts of the corpus were left out.")
    texts = list(found)
    return tuple(texts[int(n)] for n in canonical_order(texts)), notes


def describe(corpus: Corpus) -> dict[str, Any]:
    """Figures of the corpus for the report."""
    per_text = corpus.y.sum(axis=1)
    return {
        "texts": len(corpus.texts),
        "labels": len(corpus.label_keys),
        "assignments": int(corpus.y.sum()),
        "labels_per_text": float(per_text.mean()),
        "positives": dict(zip(corpus.label_keys, map(int, corpus.y.sum(axis=0)), strict=True)),
        "characters_median": float(np.median([len(text) for text in corpus.texts])),
        "unlabelled": len(corpus.pool),
    }
