"""Which label set each text counts with: the one place that training, figures and export ask."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from core.labels import LabelSet, settle
from core.services import projects
from db import adjudications
from db import annotations as annotation_rows


@dataclass(frozen=True, kw_only=True)
class LabelledText:
    """A document and the label set that it counts with, in today's labels."""

    document_id: int
    external_id: str
    text: str
    labels: frozenset[str]


def label_sets(
    db: Database, project_id: int, role: str, *, texts: bool = True, label_set: LabelSet | None = None
) -> list[LabelledText]:
    """Each text of a role that counts, in the order of its id: adjudicated, else by the project's rule.

    A label that was merged counts as what it was merged into, a retired one not at all; a decision of which nothing
    is left has no vote. A text that ends up without any label does not count, nor one that a reviewer left out.
    ``label_set``: as if it were the project's.
    """
    project = projects.project(db, project_id)
    present = (label_set or project.label_set).present
    settled = {each["document_id"]: each for each in adjudications.label_sets(db, project_id, role, texts=texts)}
    votes: dict[int, list[frozenset[str]]] = {}
    known: dict[int, dict[str, Any]] = dict(settled)
    for each in annotation_rows.label_sets(db, project_id, role, texts=texts):
        document_id = each["document_id"]
        known.setdefault(document_id, each)
        labels = frozenset(present(each["labels"]))
        if labels and document_id not in settled:
            votes.setdefault(document_id, []).append(labels)
    final = {document_id: frozenset(present(each["labels"])) for document_id, each in settled.items()}
    final |= {document_id: settle(same, project.settings.unsettled) for document_id, same in votes.items()}
    return [
        LabelledText(
            document_id=document_id, external_id=known[document_id]["external_id"], text=known[document_id]["text"],
            labels=final[document_id],
        )
        for document_id in sorted(final)
        if final[document_id]
    ]  # fmt: skip
