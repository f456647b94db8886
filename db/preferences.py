"""What a person has set for themselves: one JSON object a person."""

from __future__ import annotations

import json
from typing import Any

from sqlite_utils import Database

from db import users
from db.connect import value


def of(db: Database, user_id: int) -> dict[str, Any]:
    """Empty for somebody who has set nothing, and for a row that is no object."""
    found = json.loads(value(db, "SELECT preferences FROM users WHERE id = :id", id=user_id) or "{}")
    return found if isinstance(found, dict) else {}


def put(db: Database, user_id: int, preferences: dict[str, Any]) -> None:
    users.update(db, user_id, preferences=json.dumps(preferences, ensure_ascii=False))
