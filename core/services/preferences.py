"""How one person's desk looks, which keys it has, and where they stopped: kept on the server, so any computer has it.

A key has one name wherever it is pressed: ``S``, ``3`` (number pad too), ``Enter``, ``Shift+Enter``, ``/``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from types import MappingProxyType
from typing import Any, Self

from sqlite_utils import Database

from core.errors import BadSetting, KeyTaken, KeyUnusable
from core.services import accounts, membership
from db import events
from db import preferences as rows
from db.connect import writing

SLOTS = 9  # labels that have a key of their own
DEFAULT_KEYS: Mapping[str, str] = MappingProxyType(
    {
        "save": "Enter", "stay": "Shift+Enter", "skip": "S", "flag": "F", "undo": "U", "back": "ArrowLeft",
        "forward": "ArrowRight", "again": "R", "guide": "G", "search": "/", "number": "0", "highlights": "H",
        "settings": ",", "help": "?", **{f"label{n}": str(n) for n in range(1, SLOTS + 1)},
    }
)  # fmt: skip
ACTIONS = tuple(DEFAULT_KEYS)
SENTENCES = ("", "space", "line")
_NAMED = r"Enter|Space|Arrow(?:Left|Right|Up|Down)|Home|End|PageUp|PageDown|Insert|Delete|Backspace|F(?:[1-4]|[6-9]|10)"
_KEY = re.compile(rf"(?:Shift\+)?(?:[A-Z0-9]|{_NAMED})|[!-/:-@\[-`{{-~]")  # F5, F11, F12, Tab, Escape are the browser's
_BOUNDS: tuple[tuple[str, float, float], ...] = (
    ("font_size", 14, 40),
    ("line_height", 1.3, 3),
    ("measure", 16, 80),
    ("break_minutes", 0, 240),
)


@dataclass(frozen=True, kw_only=True)
class Desk:
    """One person's desk. ``keys`` holds what differs from ``DEFAULT_KEYS``; ``daily_goal`` None is the project's own.

    Units: ``font_size`` CSS pixels, ``measure`` characters a line, ``break_minutes`` of work in a row (0: never).
    Raises BadSetting, KeyTaken (one key for two actions), KeyUnusable (the browser's own, or no key at all).
    """

    keys: Mapping[str, str] = field(default_factory=dict)
    font_size: int = 20
    line_height: float = 1.9
    measure: int = 35
    sentences: str = ""
    highlights: bool = False
    break_minutes: int = 0
    daily_goal: int | None = None

    def __post_init__(self) -> None:
        for name, low, high in _BOUNDS:
            _number(name, getattr(self, name), low, high, whole=name != "line_height")
        if self.daily_goal is not None:
            _number("daily_goal", self.daily_goal, 0, 100_000, whole=True)
        if self.sentences not in SENTENCES:
            raise BadSetting(field="sentences", value=self.sentences, why=" | ".join(map(repr, SENTENCES)))
        if not isinstance(self.highlights, bool):
            raise BadSetting(field="highlights", value=self.highlights, why="true | false")
        if not isinstance(self.keys, Mapping):
            raise BadSetting(field="keys", value=self.keys, why="{}")
        _check_keys(self.keys)

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """From what a browser sends. Raises BadSetting for a name that no desk has."""
        if not isinstance(values, Mapping):
            raise BadSetting(field="desk", value=values, why="{}")
        known = {each.name for each in fields(cls)}
        for name in values:
            if name not in known:
                raise BadSetting(field=str(name)[:40], value=values[name], why=" | ".join(sorted(known)))
        desk = cls(**values)
        changed = {action: key for action, key in desk.keys.items() if key != DEFAULT_KEYS[action]}
        return cls(**{**values, "keys": changed})

    def values(self) -> dict[str, Any]:
        return {**asdict(self), "keys": dict(self.keys)}


def _number(name: str, value: object, low: float, high: float, *, whole: bool) -> None:
    kinds = (int,) if whole else (int, float)
    if isinstance(value, bool) or not isinstance(value, kinds) or not low <= value <= high:
        raise BadSetting(field=name, value=value, why=f"{low} … {high}")


def _check_keys(keys: Mapping[str, str]) -> None:
    for action, key in keys.items():
        if action not in DEFAULT_KEYS:
            raise BadSetting(field="keys", value=str(action)[:40], why=" | ".join(ACTIONS))
        if not isinstance(key, str) or not _KEY.fullmatch(key):
            raise KeyUnusable(key=str(key)[:40])
    owners: dict[str, str] = {}
    for action, key in {**DEFAULT_KEYS, **keys}.items():
        if key in owners:
            raise KeyTaken(key=key)
        owners[key] = action


def desk(db: Database, user_id: int) -> Desk:
    """This person's desk; the usual one where they set nothing, or where what is kept is no desk of this version."""
    try:
        return Desk.of(rows.of(db, user_id).get("desk") or {})
    except (BadSetting, KeyTaken, KeyUnusable):
        return Desk()


def set_desk(db: Database, user_id: int, values: Mapping[str, Any], *, now: float) -> Desk:
    """Keeps a desk whole. Raises BadSetting, KeyTaken, KeyUnusable, NotAllowed (a closed account)."""
    wanted = Desk.of(values)
    with writing(db):
        accounts.require_active(db, user_id)
        kept = rows.of(db, user_id)
        if kept.get("desk") != wanted.values():
            rows.put(db, user_id, {**kept, "desk": wanted.values()})
            events.append(db, "desk_set", now=now, user_id=user_id, before=kept.get("desk"), after=wanted.values())
    return wanted


def last_project(db: Database, user_id: int) -> int | None:
    """The project that this person had in hand last."""
    found = rows.of(db, user_id).get("project")
    return found if isinstance(found, int) else None


def set_last_project(db: Database, user_id: int, project_id: int) -> None:
    """Notes which project this person has in hand. No decision: nothing enters the log. Raises NotMember."""
    with writing(db):
        membership.require_member(db, project_id, user_id, "annotator")
        kept = rows.of(db, user_id)
        if kept.get("project") != project_id:
            rows.put(db, user_id, {**kept, "project": project_id})


def resume(db: Database, user_id: int, project_id: int) -> tuple[int, tuple[str, ...]] | None:
    """The text that this person had before them in a project and what they had chosen by then."""
    found = (rows.of(db, user_id).get("resume") or {}).get(str(project_id))
    return (int(found[0]), tuple(found[1])) if found else None


def set_resume(
    db: Database, user_id: int, project_id: int, document_id: int | None, labels: tuple[str, ...] = ()
) -> None:
    """Notes where somebody stopped, or with None that nothing is begun. No decision: nothing enters the log."""
    with writing(db):
        accounts.require_active(db, user_id)
        kept = rows.of(db, user_id)
        places = {**(kept.get("resume") or {})}
        places.pop(str(project_id), None)
        if document_id is not None:
            places[str(project_id)] = [document_id, list(labels)]
        if places != (kept.get("resume") or {}):
            rows.put(db, user_id, {**kept, "resume": places})
