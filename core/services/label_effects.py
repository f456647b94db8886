"""What a change of the label set would do, before it is done, and how far each label is in use."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlite_utils import Database

from core.labels import LabelSet
from core.services import projects, settling
from core.services.projects import Project
from db import label_uses, rounds
from db.connect import reading
from db.errors import NotFound


@dataclass(frozen=True, kw_only=True)
class Uses:
    """People's present decisions that bear a label: how many, on how many texts and gold texts, of how many people."""

    decisions: int = 0
    texts: int = 0
    people: int = 0
    gold: int = 0


@dataclass(frozen=True, kw_only=True)
class Effect:
    """What retiring or merging a label would do. Units: texts.

    ``uses`` counts decisions, also those that bear a label merged into this one. ``counted``: count with the label now.
    ``gaining``: would count with the other label and do not yet. ``emptied``: would have no label left, and so be left
    out of training, figures and export. ``resolved``: are left out now and would count. ``student``: one is in use now
    that would rest until the next round.
    """

    uses: Uses
    counted: int
    gaining: int
    emptied: int
    resolved: int
    student: bool


def uses(db: Database, project_id: int) -> dict[str, Uses]:
    """For every label key that some present decision bears, those that are gone too."""
    return {each.pop("label"): Uses(**each) for each in label_uses.each(db, project_id)}


def preview(db: Database, project_id: int, key: str, into: str = "") -> Effect:
    """Of retiring the label, or of merging it into another; nothing is written. Raises NotFound."""
    with reading(db):
        project = projects.project(db, project_id)
        if key not in project.label_set.keys or (into and into not in project.label_set.keys):
            raise NotFound(what=f"label {key}")
        before = _counted(db, project, project.label_set)
        after = _counted(db, project, _without(project, key, into))
        bearing = {key, *(gone for gone, last in project.label_set.merged.items() if last == key)}
        model = rounds.current_model(db, project_id, "student")
        return Effect(
            uses=Uses(**label_uses.together(db, project_id, bearing)),
            counted=sum(key in labels for labels in before.values()),
            gaining=sum(into in labels and into not in before.get(text, ()) for text, labels in after.items()),
            emptied=len(before.keys() - after.keys()),
            resolved=len(after.keys() - before.keys()),
            student=bool(model and model["fingerprint"] == project.label_set.fingerprint),
        )


def _counted(db: Database, project: Project, label_set: LabelSet) -> dict[int, frozenset[str]]:
    """The label set of each text that counts, were this the project's label set."""
    found = (settling.label_sets(db, project.id, role, texts=False, label_set=label_set) for role in ("pool", "gold"))
    return {each.document_id: each.labels for texts in found for each in texts}


def _without(project: Project, key: str, into: str) -> LabelSet:
    change = {"merged_into": into} if into else {"retired_at": 0.0}
    every = (replace(label, **change) if label.key == key else label for label in project.label_set.every)
    return LabelSet.of(every)
