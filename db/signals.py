"""How far each round's student differs from the one before it: kept with the round."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sqlite_utils import Database

from db.connect import execute, rows

_AT_ONCE = 500  # values in one statement


def keep(db: Database, round_id: int, found: dict[str, Any]) -> None:
    """Inside the transaction that publishes the round."""
    execute(
        db, "UPDATE rounds SET signals = :s WHERE id = :r", s=json.dumps(found, ensure_ascii=False), r=round_id
    )  # fmt: skip


def everything(db: Database, project_id: int) -> dict[int, dict[str, Any]]:
    """By number of the published round, in their order; a round of before there were signals has none."""
    found = rows(
        db,
        "SELECT number, signals FROM rounds WHERE project_id = :p AND state = 'published' AND signals IS NOT NULL "
        "ORDER BY number",
        p=project_id,
    )
    return {each["number"]: json.loads(each["signals"]) for each in found}


def predictions_of(db: Database, model_id: int, document_ids: Sequence[int]) -> dict[int, bytes]:
    """A model's probabilities for those of the documents that it has scored."""
    found: dict[int, bytes] = {}
    for start in range(0, len(document_ids), _AT_ONCE):
        some = [int(each) for each in document_ids[start : start + _AT_ONCE]]
        found |= {
            each["document_id"]: each["probabilities"]
            for each in rows(
                db,
                "SELECT document_id, probabilities FROM predictions WHERE model_id = :m "
                "AND document_id IN (SELECT value FROM json_each(:ids))",
                m=model_id, ids=json.dumps(some),
            )
        }  # fmt: skip
    return found
