"""What may be written of a label: names that stay apart, colours that can be seen, digits that are free."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from core.colours import ENOUGH, is_colour, worst_contrast
from core.errors import BadLabel
from core.labels import Label

LISTS = ("examples", "counter_examples", "keywords")
FIELDS = ("zh", "en", "definition", "definition_en", *LISTS, "colour", "hotkey")
MAX_NAME, MAX_DEFINITION, MAX_LINE, MAX_LINES = 40, 2000, 500, 100
MAX_LABELS = 200
COLOURS = (
    "#1f77b4", "#d95f02", "#2a9d5c", "#8e63c7", "#c2417c", "#7a6a00", "#0f8b8d", "#b5462f", "#5a6b7b",
)  # fmt: skip


def checked(changes: Mapping[str, Any], others: Sequence[Label]) -> dict[str, Any]:
    """The changes of one label as they are stored; ``others`` are all other labels of the project, gone ones too.

    Raises BadLabel (field, why): an unknown field, a name that is empty, too long or taken, a colour that is none or
    too faint, a digit that is none or taken.
    """
    found: dict[str, Any] = {}
    for field, value in changes.items():
        if field not in FIELDS:
            raise BadLabel(field=field, why="field")
        found[field] = _lines(value, field) if field in LISTS else _text(value, field)
    for field in ("zh", "en"):
        if field in found:
            _check_name(found[field], field, others)
    if "colour" in found:
        found["colour"] = _colour(found["colour"])
    if found.get("hotkey"):
        _check_hotkey(found["hotkey"], others)
    return found


def _text(value: Any, field: str) -> str:
    text = str(value or "").encode("utf-8", "replace").decode().strip()
    if len(text) > MAX_DEFINITION:
        raise BadLabel(field=field, why="long", have=len(text), limit=MAX_DEFINITION)
    return text


def _lines(value: Iterable[Any], field: str) -> tuple[str, ...]:
    lines = tuple(dict.fromkeys(line for each in value if (line := " ".join(_text(each, field).split()))))
    if len(lines) > MAX_LINES:
        raise BadLabel(field=field, why="many", have=len(lines), limit=MAX_LINES)
    for line in lines:
        if len(line) > MAX_LINE:
            raise BadLabel(field=field, why="long", have=len(line), limit=MAX_LINE)
    return lines


def _check_name(name: str, field: str, others: Sequence[Label]) -> None:
    if not name and field == "zh":
        raise BadLabel(field=field, why="empty")
    if len(name) > MAX_NAME:
        raise BadLabel(field=field, why="long", have=len(name), limit=MAX_NAME)
    if "|" in name or not all(character.isprintable() for character in name):
        raise BadLabel(field=field, why="characters", name=name[:MAX_NAME])
    for other in others:
        if name and name.casefold() in (each.casefold() for each in (other.key, other.zh, other.en)):
            raise BadLabel(field=field, why="gone_taken" if other.gone else "taken", name=name)


def _colour(text: str) -> str:
    colour = text.lower()
    if not is_colour(colour):
        raise BadLabel(field="colour", why="colour", name=text[:20])
    if (have := worst_contrast(colour)) < ENOUGH:
        raise BadLabel(field="colour", why="faint", name=colour, have=f"{have:.1f}", limit=f"{ENOUGH:.0f}")
    return colour


def _check_hotkey(hotkey: str, others: Sequence[Label]) -> None:
    if not re.fullmatch(r"[1-9]", hotkey):
        raise BadLabel(field="hotkey", why="hotkey", name=hotkey[:10])
    for other in others:
        if other.hotkey == hotkey and not other.gone:
            raise BadLabel(field="hotkey", why="hotkey_taken", name=hotkey, other=other.zh)


def new_key(zh: str, en: str, taken: Iterable[str]) -> str:
    """A key for a new label: from its English name where it has one, else its Chinese one; never one that is taken."""
    base = re.sub(r"[^a-z0-9]+", "_", en.lower()).strip("_")[:MAX_NAME] or zh
    known = set(taken)
    return next(key for n in range(1, len(known) + 3) if (key := base if n == 1 else f"{base}_{n}") not in known)


def free_colour(labels: Sequence[Label]) -> str:
    """The colour that the fewest labels have."""
    used = [label.colour for label in labels]
    return min(COLOURS, key=used.count)


def free_hotkey(labels: Iterable[Label]) -> str:
    """The lowest digit that no label of the board has; none when there are nine."""
    used = {label.hotkey for label in labels if not label.gone}
    return next((digit for digit in "123456789" if digit not in used), "")


def typed(text: str) -> tuple[Label, ...]:
    """Labels as somebody types them: one a line, the Chinese name, and after a comma the English one if there is any.

    Raises BadLabel: none, too many, or what ``checked`` raises.
    """
    found: list[Label] = []
    for line in text.splitlines():
        zh, _, en = line.replace("，", ",").partition(",")
        if not line.strip():
            continue
        if len(found) == MAX_LABELS:
            raise BadLabel(field="labels", why="many", have=len(text.splitlines()), limit=MAX_LABELS)
        wanted = checked({"zh": zh, "en": en, "colour": free_colour(found), "hotkey": free_hotkey(found)}, found)
        found.append(Label(key=new_key(wanted["zh"], wanted["en"], {each.key for each in found}), **wanted))
    if not found:
        raise BadLabel(field="labels", why="none")
    return tuple(found)
