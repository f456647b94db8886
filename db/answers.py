"""What each published round's models said of the gold texts, beside the labels that they were measured against.

Arrays cross here as buffers, so that this layer needs no numpy: what is handed in has ``astype`` and ``tobytes``, what
comes out is bytes for ``numpy.frombuffer``.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from db.connect import execute, row, rows

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
        t=found.truth.astype("u1").tobytes(), p=found.probs.astype("<f4").tobytes(),
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
    return {**found, "keys": tuple(json.loads(found["keys"]))} if found else None


def models(db: Database, project_id: int, number: int) -> tuple[str, ...]:
    """Whose answers of a round there are."""
    found = rows(
        db,
        "SELECT a.model FROM answers a JOIN rounds r ON r.id = a.round_id "
        "WHERE r.project_id = :p AND r.number = :n AND r.state = 'published' ORDER BY a.model",
        p=project_id, n=number,
    )  # fmt: skip
    return tuple(each["model"] for each in found)
