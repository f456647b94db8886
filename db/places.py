"""Figures of the first places of a ranked list, of each round that has them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlite_utils import Database

from db.connect import execute_many, rows
from db.records import Place

_COLUMNS = ("model", "split", "measure", "k", "value", "low", "high", "n")


def keep(db: Database, round_id: int, found: Iterable[dict[str, Any]]) -> None:
    """Inside the transaction that publishes the round."""
    execute_many(
        db,
        f"INSERT OR REPLACE INTO places (round_id, {', '.join(_COLUMNS)}) "  # noqa: S608 (constant columns)
        f"VALUES (:round_id, {', '.join(':' + name for name in _COLUMNS)})",
        [{**{name: each[name] for name in _COLUMNS}, "round_id": round_id} for each in found],
    )


def of_rounds(db: Database, project_id: int) -> dict[int, list[Place]]:
    """By number of the published round, each by k and measure; a flat round has none."""
    found: dict[int, list[Place]] = {}
    for each in rows(
        db,
        f"SELECT r.number, {', '.join('p.' + name for name in _COLUMNS)} FROM places p "  # noqa: S608
        "JOIN rounds r ON r.id = p.round_id WHERE r.project_id = :p AND r.state = 'published' "
        "ORDER BY r.number, p.model, p.split, p.k, p.measure",
        p=project_id,
    ):
        found.setdefault(each.pop("number"), []).append(Place(**each))
    return found
