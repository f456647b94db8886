"""Annotations, append-only, and which of them is each person's current one."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from db.connect import execute, row, rows, value
from db.numbering import NEXT

DECISIONS = ("labelled", "skipped", "flagged", "undone")


@dataclass(frozen=True, kw_only=True)
class NewAnnotation:
    project_id: int
    document_id: int
    user_id: int
    decision: str
    labels: tuple[str, ...]
    submission_id: str
    comment: str = ""
    round_id: int | None = None
    suggestions: dict[str, Any] | None = None
    ms: int = 0
    supersedes: int | None = None


def append(db: Database, new: NewAnnotation, *, now: float) -> int:
    """Write one annotation down and make it its person's current one for the document."""
    labels = json.dumps(new.labels, ensure_ascii=False)
    cursor = execute(
        db,
        "INSERT INTO annotations (id, project_id, document_id, user_id, decision, labels, comment, round_id, "  # noqa: S608
        "suggestions, ms, submission_id, supersedes, created_at) "
        f"VALUES ({NEXT}, :p, :document_id, :user_id, :decision, :labels, :comment, "
        ":round_id, :suggestions, :ms, :submission_id, :supersedes, :now)",
        p=new.project_id, document_id=new.document_id, user_id=new.user_id, decision=new.decision, labels=labels,
        comment=new.comment, round_id=new.round_id,
        suggestions=None if new.suggestions is None else json.dumps(new.suggestions), ms=new.ms,
        submission_id=new.submission_id, supersedes=new.supersedes, now=now,
    )  # fmt: skip
    annotation_id = int(cursor.lastrowid or 0)
    if new.decision == "undone":
        execute(
            db, "DELETE FROM current_annotations WHERE document_id = :d AND user_id = :u",
            d=new.document_id, u=new.user_id,
        )  # fmt: skip
    else:
        _make_current(db, annotation_id, new, labels)
    return annotation_id


def _make_current(db: Database, annotation_id: int, new: NewAnnotation, labels: str) -> None:
    execute(
        db,
        "INSERT INTO current_annotations (document_id, user_id, project_id, annotation_id, decision, labels) "
        "VALUES (:d, :u, :p, :a, :decision, :labels) ON CONFLICT (document_id, user_id) DO UPDATE SET "
        "annotation_id = excluded.annotation_id, decision = excluded.decision, labels = excluded.labels",
        d=new.document_id, u=new.user_id, p=new.project_id, a=annotation_id, decision=new.decision, labels=labels,
    )  # fmt: skip


def by_submission(db: Database, submission_id: str) -> dict[str, Any] | None:
    found = row(
        db,
        "SELECT id, project_id, document_id, user_id, decision, labels, supersedes FROM annotations "
        "WHERE submission_id = :s",
        s=submission_id,
    )
    return {**found, "labels": tuple(json.loads(found["labels"]))} if found else None


def current(db: Database, document_id: int, user_id: int) -> dict[str, Any] | None:
    """What this person says of this document now."""
    found = row(
        db,
        "SELECT annotation_id, decision, labels FROM current_annotations WHERE document_id = :d AND user_id = :u",
        d=document_id, u=user_id,
    )  # fmt: skip
    return {**found, "labels": tuple(json.loads(found["labels"]))} if found else None


def n_deciding(db: Database, document_id: int) -> int:
    """How many people have decided on this document; a skip is no decision."""
    return int(
        value(
            db, "SELECT count(*) FROM current_annotations WHERE document_id = :d AND decision != 'skipped'",
            d=document_id,
        )
    )  # fmt: skip


def skips_to_reopen(db: Database, project_id: int, user_id: int, *, now: float) -> list[dict[str, Any]]:
    """This person's skips whose texts still have room: annotation_id, document_id. Not those a colleague took over."""
    return rows(
        db,
        "SELECT c.annotation_id, c.document_id FROM current_annotations c INDEXED BY current_annotations_mine "
        "JOIN documents d ON d.id = c.document_id "
        "WHERE c.project_id = :p AND c.user_id = :u AND c.decision = 'skipped' AND d.state = 'open' "
        "AND d.overlap > (SELECT count(*) FROM current_annotations o WHERE o.document_id = d.id "
        "AND o.decision != 'skipped') + (SELECT count(*) FROM leases l WHERE l.document_id = d.id "
        "AND l.user_id != :u AND l.state = 'open' AND l.until > :now) ORDER BY c.annotation_id",
        p=project_id, u=user_id, now=now,
    )  # fmt: skip


def latest_ms(db: Database, project_id: int, user_id: int, *, n: int) -> list[int]:
    """How long this person's latest n timed decisions took, later versions left out."""
    found = rows(
        db,
        "SELECT ms FROM annotations INDEXED BY annotations_by_user WHERE user_id = :u AND project_id = :p AND ms > 0 "
        "AND decision IN ('labelled', 'flagged') AND supersedes IS NULL ORDER BY id DESC LIMIT :n",
        p=project_id, u=user_id, n=n,
    )  # fmt: skip
    return [each["ms"] for each in found]


def flagged(db: Database, project_id: int, *, document_id: int | None = None) -> list[dict[str, Any]]:
    """Current flags, newest first: annotation_id, document_id, external_id, user_id, who, at, labels, comment, text."""
    found = rows(
        db,
        "SELECT c.annotation_id, c.document_id, d.external_id, c.user_id, u.name AS who, a.created_at AS at, c.labels, "
        "a.comment, substr(d.text, 1, 400) AS text FROM current_annotations c "
        "JOIN annotations a ON a.id = c.annotation_id JOIN documents d ON d.id = c.document_id "
        "JOIN users u ON u.id = c.user_id "
        "WHERE c.project_id = :p AND c.decision = 'flagged' AND (:d IS NULL OR c.document_id = :d) "
        "ORDER BY c.annotation_id DESC",
        p=project_id, d=document_id,
    )  # fmt: skip
    return [{**each, "labels": tuple(json.loads(each["labels"]))} for each in found]


def latest_id(db: Database, project_id: int) -> int:
    """The number of the latest decision or settlement; what comes later has a higher one."""
    # A maximum for each decision is a look at an index; one over all of them would read the project's whole index.
    return int(
        value(
            db,
            "SELECT max(coalesce((SELECT max(id) FROM settlements WHERE project_id = :p), 0), "
            "coalesce((SELECT max((SELECT max(a.id) FROM annotations a WHERE a.project_id = :p "
            "AND a.decision = x.value)) FROM json_each(:decisions) x), 0))",
            p=project_id, decisions=json.dumps(DECISIONS),
        )
    )  # fmt: skip


def latest_at(db: Database) -> float:
    """When anybody last decided or settled anything, in any project; 0 before the first time."""
    return float(
        value(
            db,
            "SELECT max(coalesce((SELECT created_at FROM annotations ORDER BY id DESC LIMIT 1), 0), "
            "coalesce((SELECT at FROM settlements ORDER BY id DESC LIMIT 1), 0))",
        )
    )


def n_labelled_since(db: Database, project_id: int, mark: int, *, most: int = -1) -> int:
    """Labelled decisions on pool documents, and settlements of such, after that number of ``latest_id``.

    ``most``: no more than so many of each are looked at.
    """
    return int(
        value(
            db,
            "SELECT (SELECT count(*) FROM (SELECT 1 FROM annotations a JOIN documents d ON d.id = a.document_id "
            "WHERE a.project_id = :p AND a.decision = 'labelled' AND a.id > :mark AND d.role = 'pool' LIMIT :most)) "
            "+ (SELECT count(*) FROM (SELECT 1 FROM settlements s JOIN documents d ON d.id = s.document_id "
            "WHERE s.project_id = :p AND s.id > :mark AND d.role = 'pool' LIMIT :most))",
            p=project_id, mark=mark, most=most,
        )
    )  # fmt: skip


def label_sets(db: Database, project_id: int, role: str, *, texts: bool = True) -> list[dict[str, Any]]:
    """Every current labelled decision on documents of a role: document_id, external_id, text (or none), labels."""
    found = rows(
        db,
        "SELECT d.id AS document_id, d.external_id, c.labels, CASE WHEN :texts THEN d.text ELSE '' END AS text "
        "FROM current_annotations c JOIN documents d ON d.id = c.document_id "
        "WHERE c.project_id = :p AND c.decision = 'labelled' "
        "AND d.role = :role ORDER BY d.id, c.user_id",
        p=project_id, role=role, texts=int(texts),
    )  # fmt: skip
    return [{**each, "labels": frozenset(json.loads(each["labels"]))} for each in found]


def by_document(db: Database, project_id: int) -> dict[int, list[dict[str, Any]]]:
    """Current decisions with who and when, by document, for exports."""
    found = rows(
        db,
        "SELECT c.document_id, u.name AS annotator, c.decision, c.labels, a.comment, a.created_at, a.ms "
        "FROM current_annotations c JOIN annotations a ON a.id = c.annotation_id JOIN users u ON u.id = c.user_id "
        "WHERE c.project_id = :p ORDER BY c.document_id, u.name",
        p=project_id,
    )
    by_id: dict[int, list[dict[str, Any]]] = {}
    for each in found:
        each["labels"] = json.loads(each["labels"])
        by_id.setdefault(each.pop("document_id"), []).append(each)
    return by_id


def n_documents(db: Database, project_id: int, decision: str) -> int:
    """Documents of which somebody's present decision is this one."""
    return int(
        value(
            db,
            "SELECT count(DISTINCT document_id) FROM current_annotations WHERE project_id = :p AND decision = :d",
            p=project_id, d=decision,
        )
    )  # fmt: skip


def tally(db: Database, project_id: int, user_id: int) -> tuple[int, int]:
    """(texts that this person has decided on, those of them that wait for somebody else); skips are no decisions."""
    found = row(
        db, "SELECT decided, waiting FROM own_tallies WHERE project_id = :p AND user_id = :u", p=project_id, u=user_id
    )
    return (found["decided"], found["waiting"]) if found else (0, 0)
