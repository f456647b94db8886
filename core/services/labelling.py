"""A lead's changes of the label set, each whole, each with its event, each to be taken back.

Nobody's decision is ever rewritten. A label that is retired or merged keeps its key in the decisions that bear it, and
reading them maps it to the labels of today (``LabelSet.present``); bringing it back gives them their old meaning again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from core import label_rules
from core.errors import BadLabel, ChangedMeanwhile
from core.labels import Label
from core.services import membership, projects, scheduling
from core.services.projects import Project
from db import events, label_notes, rounds
from db import projects as project_rows
from db.connect import writing
from db.errors import NotFound

MAX_NOTE, MAX_GUIDELINE = 2000, 100_000
KINDS = (
    "label_added", "label_changed", "labels_ordered", "label_retired", "label_merged", "label_brought_back",
    "label_noted", "guideline_set",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Note:
    """What a lead has said about a label."""

    text: str
    who: str
    at: float


@dataclass(frozen=True, kw_only=True)
class Change:
    """One change of the label set or the guideline, as its event tells it."""

    at: float
    who: str
    kind: str
    before: Any
    after: Any


@contextmanager
def _changing(db: Database, project_id: int, *, by: int, now: float) -> Iterator[Project]:
    """One transaction for a lead of the project; what a new label set asks for is done before it ends.

    Raises NotAllowed.
    """
    with writing(db):
        membership.require_member(db, project_id, by, "lead")
        before = projects.project(db, project_id)
        yield before
        after = projects.project(db, project_id)
        if after.label_set.fingerprint != before.label_set.fingerprint:
            rounds.forget_fast_lane(db, project_id)  # it ranks anew at the worker's next look
            scheduling.request_if_outdated(db, after, by=by, now=now)


def _label(project: Project, key: str) -> Label:
    """Raises NotFound."""
    for label in project.label_set.every:
        if label.key == key:
            return label
    raise NotFound(what=f"label {key}")


def _others(project: Project, key: str) -> list[Label]:
    return [label for label in project.label_set.every if label.key != key]


def edit(
    db: Database, project_id: int, key: str, changes: Mapping[str, Any], *, steps: int = 0, said: str | None = None,
    by: int, now: float,
) -> Label:  # fmt: skip
    """New words, colour or digit of a label, its place on the board and the note to it: all of it or nothing.

    Fields that are not named stay as they are, and so does the key. ``steps``: as ``move``; ``said``: as ``note``, None
    leaves the note alone. Raises NotAllowed, NotFound, BadLabel.
    """
    with _changing(db, project_id, by=by, now=now) as project:
        label = _label(project, key)
        wanted = label_rules.checked(changes, _others(project, key))
        changed = {field: value for field, value in wanted.items() if getattr(label, field) != value}
        if changed:
            project_rows.set_label(db, project_id, key, changed)
            before = {field: getattr(label, field) for field in changed}
            events.append(
                db, "label_changed", now=now, project_id=project_id, user_id=by, before={"label": key, **before},
                after={"label": key, **changed},
            )  # fmt: skip
        if steps:
            _move(db, project, key, steps, by=by, now=now)
        if said is not None:
            _note(db, project, key, said, by=by, now=now)
    return _label(projects.project(db, project_id), key)


def add(db: Database, project_id: int, fields: Mapping[str, Any], *, by: int, now: float) -> Label:
    """A new label, last on the board. What was labelled before counts as not having it.

    Raises NotAllowed, BadLabel.
    """
    with _changing(db, project_id, by=by, now=now) as project:
        every = project.label_set.every
        if len(every) >= label_rules.MAX_LABELS:
            raise BadLabel(field="labels", why="many", have=len(every) + 1, limit=label_rules.MAX_LABELS)
        given = {"zh": "", "colour": label_rules.free_colour(project.label_set.labels),
                 "hotkey": label_rules.free_hotkey(every)}  # fmt: skip
        wanted = label_rules.checked(given | {k: v for k, v in fields.items() if v or k == "zh"}, every)
        key = label_rules.new_key(wanted["zh"], wanted.get("en", ""), (label.key for label in every))
        label = Label(key=key, **wanted)
        project_rows.insert_labels(db, project_id, [vars(label)])
        events.append(
            db, "label_added", now=now, project_id=project_id, user_id=by, after={"label": key, "zh": label.zh}
        )
    return _label(projects.project(db, project_id), key)


def move(db: Database, project_id: int, key: str, steps: int, *, by: int, now: float) -> None:
    """Move a label on the board, up (below zero) or down; the order in models and exports stays. Raises NotFound."""
    with _changing(db, project_id, by=by, now=now) as project:
        _move(db, project, key, steps, by=by, now=now)


def _move(db: Database, project: Project, key: str, steps: int, *, by: int, now: float) -> None:
    before = [label.key for label in project.label_set.on_board]
    if key not in before:
        raise NotFound(what=f"label {key}")
    after = [each for each in before if each != key]
    after.insert(min(max(before.index(key) + steps, 0), len(after)), key)
    if after != before:
        project_rows.set_places(db, project.id, after)
        events.append(db, "labels_ordered", now=now, project_id=project.id, user_id=by, before=before, after=after)


def retire(db: Database, project_id: int, key: str, *, by: int, now: float) -> None:
    """Nobody may choose the label any more, and decisions that bear it count as if they did not.

    Raises NotAllowed, NotFound, BadLabel (the last one, or gone already).
    """
    with _changing(db, project_id, by=by, now=now) as project:
        _check_may_go(project, key)
        _set_state(db, project, key, "label_retired", by=by, now=now, retired_at=now)


def merge(db: Database, project_id: int, key: str, into: str, *, by: int, now: float) -> None:
    """From now on ``into`` stands for the label, in decisions of the past too.

    Raises NotAllowed, NotFound, BadLabel (gone already, or ``into`` is not another label in use).
    """
    with _changing(db, project_id, by=by, now=now) as project:
        _check_may_go(project, key)
        _check_target(project, key, into)
        _set_state(db, project, key, "label_merged", by=by, now=now, merged_into=into)


def bring_back(db: Database, project_id: int, key: str, *, by: int, now: float) -> None:
    """A retired or merged label may be chosen again, and decisions that bear it mean it again.

    Its digit is gone where another label has it by now. Raises NotAllowed, NotFound, BadLabel (it is in use).
    """
    with _changing(db, project_id, by=by, now=now) as project:
        label = _label(project, key)
        if not label.gone:
            raise BadLabel(field="labels", why="used", name=label.zh)
        if label.hotkey in {each.hotkey for each in project.label_set.labels}:
            project_rows.set_label(db, project_id, key, {"hotkey": ""})
        _set_state(db, project, key, "label_brought_back", by=by, now=now)


def _check_may_go(project: Project, key: str) -> None:
    label = _label(project, key)
    if label.gone:
        raise BadLabel(field="labels", why="gone", name=label.zh)
    if len(project.label_set) == 1:
        raise BadLabel(field="labels", why="last")


def _check_target(project: Project, key: str, into: str) -> None:
    if into == key or into not in project.label_set.keys:
        raise BadLabel(field="labels", why="into")


def _set_state(
    db: Database, project: Project, key: str, kind: str, *, by: int, now: float, retired_at: float | None = None,
    merged_into: str = "",
) -> None:  # fmt: skip
    label = _label(project, key)
    before = {"label": key, "retired_at": label.retired_at, "merged_into": label.merged_into}
    after: dict[str, Any] = {"retired_at": retired_at, "merged_into": merged_into}
    project_rows.set_label(db, project.id, key, after)
    events.append(db, kind, now=now, project_id=project.id, user_id=by, before=before, after={"label": key, **after})


def note(db: Database, project_id: int, key: str, text: str, *, by: int, now: float) -> None:
    """Say something about a label to everybody who labels; an empty text takes it back.

    Raises NotAllowed, NotFound, BadLabel (too long).
    """
    with _changing(db, project_id, by=by, now=now) as project:
        _label(project, key)
        _note(db, project, key, text, by=by, now=now)


def _note(db: Database, project: Project, key: str, text: str, *, by: int, now: float) -> None:
    said = text.encode("utf-8", "replace").decode().strip()
    if len(said) > MAX_NOTE:
        raise BadLabel(field="note", why="long", have=len(said), limit=MAX_NOTE)
    found = notes(db, project.id).get(key)
    before = found.text if found else ""
    if said != before:
        label_notes.append(db, project.id, key, said, by, now=now)
        events.append(
            db, "label_noted", now=now, project_id=project.id, user_id=by, before={"label": key, "note": before},
            after={"label": key, "note": said},
        )  # fmt: skip


def notes(db: Database, project_id: int) -> dict[str, Note]:
    """The present note of each label that has one."""
    found = label_notes.latest(db, project_id)
    return {each["label"]: Note(text=each["note"], who=each["who"], at=each["at"]) for each in found if each["note"]}


def note_history(db: Database, project_id: int, key: str) -> list[Note]:
    """All that was ever said about a label, newest first; an empty text is a note taken back."""
    found = label_notes.of_label(db, project_id, key)
    return [Note(text=each["note"], who=each["who"], at=each["at"]) for each in found]


def set_guideline(db: Database, project_id: int, text: str, *, seen: str, by: int, now: float) -> None:
    """A new guideline in place of the one that was ``seen``. Its history is in the events.

    Raises NotAllowed, ChangedMeanwhile (it is not the one seen any more), BadLabel (too long).
    """
    wanted = text.replace("\r\n", "\n").encode("utf-8", "replace").decode().strip()
    if len(wanted) > MAX_GUIDELINE:
        raise BadLabel(field="guideline", why="long", have=len(wanted), limit=MAX_GUIDELINE)
    with _changing(db, project_id, by=by, now=now) as project:
        if project.guideline == wanted:
            return
        if project.guideline != seen:
            raise ChangedMeanwhile(who=next((each.who for each in changes(db, project_id, ("guideline_set",))), "?"))
        project_rows.set_guideline(db, project_id, wanted)
        events.append(
            db, "guideline_set", now=now, project_id=project_id, user_id=by, before=project.guideline, after=wanted
        )


def changes(db: Database, project_id: int, kinds: Sequence[str] = KINDS, *, n: int = 50) -> list[Change]:
    """Who changed what, newest first."""
    return [Change(**each) for each in events.recent(db, project_id, kinds, n=n)]
