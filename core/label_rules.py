"""What may be written of a label: names that stay apart, colours that can be seen, digits that are free."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from core.colours import ENOUGH, is_colour, worst_contrast
from core.errors import BadLabel
from core.labels import Label

MAX_LABELS = 5000  # of a project, and in a file: what the board, the pages and a round are measured with
LISTED = 40  # a board lists so many; of more it shows those at hand, and finds the others
LISTS = ("examples", "counter_examples", "keywords")
FIELDS = ("zh", "en", "definition", "definition_en", *LISTS, "colour", "hotkey")
MAX_NAME, MAX_DEFINITION, MAX_LINE, MAX_LINES = 40, 2000, 500, 100
COLOURS = (
    "#1f77b4", "#d95f02", "#2a9d5c", "#8e63c7", "#c2417c", "#7a6a00", "#0f8b8d", "#b5462f", "#5a6b7b",
)  # fmt: skip


def checked(
    changes: Mapping[str, Any], others: Sequence[Label], *, taken: Mapping[str, Label] | None = None
) -> dict[str, Any]:
    """The changes of one label as they are stored; ``others`` are all other labels of the project, gone ones too.

    ``taken``: their names, as ``names_of`` has them, for whoever asks often.
    Raises BadLabel (field, why): an unknown field, a name that is empty, too long or taken, a colour that is none or
    too faint, a digit that is none or taken.
    """
    found: dict[str, Any] = {}
    for field, value in changes.items():
        if field not in FIELDS:
            raise BadLabel(field=field, why="field")
        found[field] = _lines(value, field) if field in LISTS else _text(value, field)
    taken = names_of(others) if taken is None else taken
    for field in ("zh", "en"):
        if field in found:
            _check_name(found[field], field, taken)
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


def names_of(labels: Iterable[Label]) -> dict[str, Label]:
    """Every name that is taken, whatever its case, and the label that has it."""
    found: dict[str, Label] = {}
    for label in labels:
        for name in (label.key, label.zh, label.en):
            found.setdefault(name.casefold(), label)
    return found


def _check_name(name: str, field: str, taken: Mapping[str, Label]) -> None:
    if not name and field == "zh":
        raise BadLabel(field=field, why="empty")
    if len(name) > MAX_NAME:
        raise BadLabel(field=field, why="long", have=len(name), limit=MAX_NAME)
    if "|" in name or not all(character.isprintable() for character in name):
        raise BadLabel(field=field, why="characters", name=name[:MAX_NAME])
    other = taken.get(name.casefold()) if name else None
    if other is not None:
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
    """The lowest digit that no label of the board has; none when there are nine.

    None either beside so many labels that the board's digits are for those at hand.
    """
    used = [label.hotkey for label in labels if not label.gone]
    if len(used) >= LISTED:
        return ""
    return next((digit for digit in "123456789" if digit not in used), "")


def typed(text: str) -> tuple[Label, ...]:
    """Labels as somebody types them: one a line, the Chinese name, and after a comma the English one if there is any.

    Raises BadLabel: none, too many, or what ``checked`` raises with the number of the line.
    """
    lines = [(at, line) for at, line in enumerate(text.splitlines(), 1) if line.strip()]
    if not lines:
        raise BadLabel(field="labels", why="none")
    if len(lines) > MAX_LABELS:
        raise BadLabel(field="labels", why="many", have=len(lines), limit=MAX_LABELS)
    found: list[Label] = []
    taken: dict[str, Label] = {}
    keys: set[str] = set()
    for n, (at, line) in enumerate(lines):
        zh, _, en = line.replace("，", ",").partition(",")
        try:
            wanted = checked({"zh": zh, "en": en, **looks(n, len(lines))}, found, taken=taken)
        except BadLabel as error:
            raise BadLabel(**error.fields, line=f"{at:,}") from error
        label = Label(key=new_key(wanted["zh"], wanted["en"], keys), **wanted)
        keys.add(label.key)
        taken |= names_of([label])
        found.append(label)
    return tuple(found)


def looks(n: int, of: int) -> dict[str, str]:
    """Colour and digit of the n-th of so many new labels."""
    return {"colour": COLOURS[n % len(COLOURS)], "hotkey": str(n + 1) if n < 9 and of <= LISTED else ""}
