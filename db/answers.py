"""What each published round's models said of the gold texts, beside the labels that they were measured against.

Arrays cross here as buffers, so that this layer needs no numpy: what is handed in has ``astype`` and ``tobytes``, what
comes out is bytes for ``numpy.frombuffer``.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from db.connect import execute, row, rows

LARGE = 1_000_000  # bytes, beyond which answers are compressed
OTHERS_KEPT = 10  # rounds of which the models beside the student keep their answers


@dataclass(frozen=True, kw_only=True)
class Answers:
    """N texts by K labels, as a round hands them in; truth is 0 or 1."""

    documents: Sequence[int]
    keys: tuple[str, ...]
    truth: Any
    probs: Any


def keep(db: Database, round_id: int, model: str, found: Answers) -> None:
    """Inside the transaction that publishes the round."""
    execute(
        db,
        "INSERT OR REPLACE INTO answers (round_id, model, keys, documents, truth, probabilities) "
        "VALUES (:r, :m, :k, :d, :t, :p)",
        r=round_id, m=model, k=json.dumps(found.keys, ensure_ascii=False),
        d=b"".join(int(each).to_bytes(8, "little", signed=True) for each in found.documents),
        t=_short(found.truth.astype("u1").tobytes()), p=_short(found.probs.astype("<f4").tobytes()),
    )  # fmt: skip


def prune(db: Database, project_id: int) -> None:
    """The student's answers stay; those of the others go with age."""
    execute(
        db,
        "DELETE FROM answers WHERE model != 'student' AND round_id IN (SELECT id FROM rounds WHERE project_id = :p "
        "AND state = 'published' ORDER BY number DESC LIMIT -1 OFFSET :kept)",
        p=project_id, kept=OTHERS_KEPT,
    )  # fmt: skip


def peek(db: Database, project_id: int, number: int, model: str) -> dict[str, Any] | None:
    """One model's answers in a published round: keys, documents, truth, probabilities (bytes, see the data model)."""
    found = row(
        db,
        "SELECT a.keys, a.documents, a.truth, a.probabilities FROM answers a JOIN rounds r ON r.id = a.round_id "
        "WHERE r.project_id = :p AND r.number = :n AND r.state = 'published' AND a.model = :m",
        p=project_id, n=number, m=model,
    )  # fmt: skip
    if found is None:
        return None
    keys = tuple(json.loads(found["keys"]))
    cells = len(found["documents"]) // 8 * len(keys)
    whole = {"truth": _whole(found["truth"], cells), "probabilities": _whole(found["probabilities"], 4 * cells)}
    return {**found, **whole, "keys": keys}


def _short(blob: bytes) -> bytes:
    """Thousands of labels are zeros nearly everywhere."""
    packed = zlib.compress(blob, 1) if len(blob) > LARGE else blob
    return packed if len(packed) < len(blob) else blob


def _whole(blob: bytes, size: int) -> bytes:
    return zlib.decompress(blob) if len(blob) < size else blob


def models(db: Database, project_id: int, number: int) -> tuple[str, ...]:
    """Whose answers of a round there are."""
    found = rows(
        db,
        "SELECT a.model FROM answers a JOIN rounds r ON r.id = a.round_id "
        "WHERE r.project_id = :p AND r.number = :n AND r.state = 'published' ORDER BY a.model",
        p=project_id, n=number,
    )  # fmt: skip
    return tuple(each["model"] for each in found)
