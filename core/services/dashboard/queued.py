"""Why the texts that still wait are in the queue: a ranking is read once, then only asked which of its texts are open.

Each ranking comes with a note of the fast lane. Without one nothing tells two rankings apart, and none is kept.
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlite_utils import Database

from core.services.per_project import PerProject
from db import documents, figures, rounds


@dataclass(frozen=True, kw_only=True)
class Reason:
    """So many waiting texts are in the queue for this label, or by chance, or for its words."""

    label: str
    random: bool
    words: bool
    source: str
    n: int


@dataclass(frozen=True)
class _Ranking:
    """Q texts; each has the number of its reason: (label, source, random, words)."""

    documents: NDArray[np.int64]
    numbers: NDArray[np.int64]
    reasons: tuple[tuple[str, str, bool, bool], ...]


@dataclass
class _Kept:
    """A project's ranking; one thread at a time."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    mark: Any = None
    ranking: _Ranking | None = None


_kept = PerProject(_Kept)


def reasons(db: Database, project_id: int) -> list[Reason]:
    """Why the texts that still wait are in the queue, counted; in order of labels. Inside the caller's read."""
    note = rounds.fast_lane(db, project_id)
    mark = None if note is None else (note["at"], note["annotation_id"], *figures.queue_ends(db, project_id))
    kept = _kept.of(db, project_id)
    with kept.lock:
        if kept.ranking is None or mark is None or kept.mark != mark:
            kept.mark, kept.ranking = mark, _read(db, project_id)
        ranking = kept.ranking
    waits = np.isin(ranking.documents, np.array(documents.open_ids(db, project_id), dtype=np.int64))
    counted = np.bincount(ranking.numbers[waits], minlength=len(ranking.reasons)).tolist()
    return [
        Reason(label=label, source=source, random=random, words=words, n=n)
        for (label, source, random, words), n in sorted(zip(ranking.reasons, counted, strict=True))
        if n
    ]


def _read(db: Database, project_id: int) -> _Ranking:
    numbers: dict[tuple[str, str, bool, bool], int] = {}
    texts: list[int] = []
    of: list[int] = []
    for document_id, stored, source in figures.queue(db, project_id):
        reason = json.loads(stored)
        label = str(reason.get("label") or "")
        why = (label, source, bool(reason.get("random")), bool(reason.get("words")))
        texts.append(document_id)
        of.append(numbers.setdefault(why, len(numbers)))
    return _Ranking(np.array(texts, dtype=np.int64), np.array(of, dtype=np.int64), tuple(numbers))
