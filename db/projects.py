"""Projects, their label sets and their settings."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sqlite_utils import Database

from db.connect import execute, execute_many, row, rows, value

LISTS = ("examples", "counter_examples", "keywords")
_COLUMNS = "id, key, name, name_en, guideline, settings, archived_at, labels_mark"
_LABEL = (
    "key, zh, en, definition, definition_en, examples, counter_examples, keywords, colour, hotkey, place, retired_at, "
    "merged_into"
)
_CHANGEABLE = (
    "zh", "en", "definition", "definition_en", *LISTS, "colour", "hotkey", "retired_at", "merged_into",
)  # fmt: skip


def insert(db: Database, *, key: str, name: str, name_en: str, guideline: str, settings: str, now: float) -> int:
    cursor = execute(
        db,
        "INSERT INTO projects (key, name, name_en, guideline, settings, created_at) "
        "VALUES (:key, :name, :name_en, :guideline, :settings, :now)",
        key=key, name=name, name_en=name_en, guideline=guideline, settings=settings, now=now,
    )  # fmt: skip
    return int(cursor.lastrowid or 0)


def insert_labels(db: Database, project_id: int, labels: Sequence[dict[str, Any]]) -> None:
    """New labels after those that are there, in their canonical order and so on the board too."""
    first = int(value(db, "SELECT 1 + coalesce(max(position), -1) FROM labels WHERE project_id = :p", p=project_id))
    last = int(value(db, "SELECT 1 + coalesce(max(place), -1) FROM labels WHERE project_id = :p", p=project_id))
    execute_many(
        db,
        "INSERT INTO labels (project_id, key, position, place, zh, en, definition, definition_en, examples, "
        "counter_examples, keywords, colour, hotkey) VALUES (:project_id, :key, :position, :place, :zh, :en, "
        ":definition, :definition_en, :examples, :counter_examples, :keywords, :colour, :hotkey)",
        [
            _stored(label) | {"project_id": project_id, "position": first + n, "place": last + n}
            for n, label in enumerate(labels)
        ],
    )


def _stored(label: dict[str, Any]) -> dict[str, Any]:
    return label | {name: json.dumps(label[name], ensure_ascii=False) for name in LISTS if name in label}


def everything(db: Database) -> list[dict[str, Any]]:
    return rows(db, f"SELECT {_COLUMNS} FROM projects ORDER BY id")  # noqa: S608 (constant columns)


def peek(db: Database, project_id: int) -> dict[str, Any] | None:
    return row(db, f"SELECT {_COLUMNS} FROM projects WHERE id = :id", id=project_id)  # noqa: S608 (constant columns)


def labels(db: Database, project_id: int) -> list[dict[str, Any]]:
    """All labels that a project has ever had, in canonical order, by column, lists as tuples."""
    found = rows(db, f"SELECT {_LABEL} FROM labels WHERE project_id = :p ORDER BY position", p=project_id)  # noqa: S608
    return [each | {name: tuple(json.loads(each[name])) for name in LISTS} for each in found]


def labels_mark(db: Database, project_id: int) -> bytes:
    """Another one as soon as any label of the project has changed."""
    return bytes(value(db, "SELECT labels_mark FROM projects WHERE id = :p", p=project_id))


def set_settings(db: Database, project_id: int, settings: str) -> None:
    execute(db, "UPDATE projects SET settings = :settings WHERE id = :id", settings=settings, id=project_id)


def set_names(db: Database, project_id: int, *, name: str, name_en: str) -> None:
    execute(db, "UPDATE projects SET name = :name, name_en = :en WHERE id = :id", name=name, en=name_en, id=project_id)


def set_archived(db: Database, project_id: int, at: float | None) -> None:
    execute(db, "UPDATE projects SET archived_at = :at WHERE id = :id", at=at, id=project_id)


def set_guideline(db: Database, project_id: int, guideline: str) -> None:
    execute(db, "UPDATE projects SET guideline = :g WHERE id = :id", g=guideline, id=project_id)


def set_label(db: Database, project_id: int, key: str, changes: dict[str, Any]) -> None:
    """New values of some columns of a label; its key and its canonical order are never among them."""
    if not changes.keys() <= set(_CHANGEABLE):
        raise ValueError(f"no such column: {sorted(changes.keys() - set(_CHANGEABLE))}")
    stored = _stored(changes)
    execute(
        db,
        f"UPDATE labels SET {', '.join(f'{name} = :{name}' for name in stored)} "  # noqa: S608 (constant columns)
        "WHERE project_id = :p AND key = :of",
        p=project_id, of=key, **stored,
    )  # fmt: skip


def set_places(db: Database, project_id: int, keys: Sequence[str]) -> None:
    """The order on the board; labels that are not named stand after those that are."""
    execute(db, "UPDATE labels SET place = :n + position WHERE project_id = :p", n=len(keys), p=project_id)
    execute_many(
        db, "UPDATE labels SET place = :place WHERE project_id = :p AND key = :key",
        [{"place": place, "p": project_id, "key": key} for place, key in enumerate(keys)],
    )  # fmt: skip
