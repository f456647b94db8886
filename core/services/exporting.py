"""A project's texts and labels as files that can be read again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from sqlite_utils import Database

from core.errors import NothingToExport
from core.export import datasets
from core.services import projects, settling
from db import adjudications, documents
from db import annotations as annotation_rows
from db.connect import reading


def export_labels(
    db: Database, project_id: int, *, format: str, include: str = "labelled", now: float
) -> Iterator[bytes]:
    """The project's texts as a file's bytes, JSONL or CSV; importing it again gives the same texts and labels.

    ``include``: "labelled" (texts with a settled label set), "all" (also those without), or "decisions" (one row a
    person and text, as each decided). ``labels`` are those of today; ``chosen`` of a decision are the
    labels as they were chosen, those since retired or merged too. ``left_out`` marks what a reviewer left out.
    Raises NothingToExport.
    """
    with reading(db):
        build = _decision_rows if include == "decisions" else _text_rows
        rows = list(build(db, project_id, everything=include == "all"))
    if not rows:
        raise NothingToExport(what="labels")
    return datasets.write_csv(rows) if format == "csv" else datasets.write_jsonl(rows)


def _text_rows(db: Database, project_id: int, *, everything: bool) -> Iterator[dict[str, Any]]:
    label_set = projects.project(db, project_id).label_set
    names = label_set.names("zh")
    final = {each.document_id: each for role in ("pool", "gold") for each in settling.label_sets(db, project_id, role)}
    left_out = adjudications.left_out(db, project_id)
    for document in documents.stream(db, project_id):
        labelled = final.get(document["id"])
        if labelled is None and not everything:
            continue
        meta = {key: value for key, value in json.loads(document["meta"]).items() if key not in datasets.COLUMNS}
        yield {
            "id": document["external_id"],
            "text": document["text"],
            "labels": [names[key] for key in label_set.canonical(labelled.labels)] if labelled else None,
            "split": "gold" if document["role"] == "gold" else "train" if labelled else "pool",
            **meta,
            **_mark(document["id"] in left_out),
        }


def _decision_rows(db: Database, project_id: int, *, everything: bool) -> Iterator[dict[str, Any]]:
    label_set = projects.project(db, project_id).label_set
    names = label_set.names("zh")
    decided = annotation_rows.by_document(db, project_id)
    left_out = adjudications.left_out(db, project_id)
    for document in documents.stream(db, project_id):
        for each in decided.get(document["id"], []):
            yield {
                "id": document["external_id"],
                "text": document["text"],
                "labels": [names[key] for key in label_set.present(each["labels"])],
                "chosen": [names[key] for key in label_set.canonical(each["labels"])],
                "split": document["role"],
                "annotator": each["annotator"],
                "decision": each["decision"],
                "comment": each["comment"],
                "at": each["created_at"],
                "ms": each["ms"],
                **_mark(document["id"] in left_out),
            }


def _mark(left_out: bool) -> dict[str, bool]:
    """A field for the few texts that were left out, and no column in a file that has none."""
    return {"left_out": True} if left_out else {}
