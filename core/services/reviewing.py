"""A second look at what annotators have flagged: putting it back for labelling."""

from __future__ import annotations

from sqlite_utils import Database

from core.errors import Settled
from core.services import membership
from db import adjudications, documents, events
from db import annotations as annotation_rows
from db.annotations import NewAnnotation
from db.connect import writing
from db.errors import NotFound


def put_back(db: Database, project_id: int, document_id: int, *, by: int, now: float) -> int:
    """Take every flag off a text, so that it is labelled after all; says how many flags.

    Raises NotAllowed, Settled, NotFound (it is not flagged any more).
    """
    with writing(db):
        membership.require_member(db, project_id, by, "reviewer")
        document = documents.peek(db, project_id, document_id)
        flags = annotation_rows.flagged(db, project_id, document_id=document_id)
        if document is None or not flags:
            raise NotFound(what=f"flag {document_id}")
        if adjudications.exists(db, document_id):
            raise Settled()
        for each in flags:
            # The flag was its annotator's, and so is its end in the history; the event says who put the text back.
            undone = NewAnnotation(
                project_id=project_id, document_id=document_id, user_id=each["user_id"], decision="undone", labels=(),
                submission_id=f"put-back:{each['annotation_id']}", supersedes=each["annotation_id"],
            )  # fmt: skip
            annotation_rows.append(db, undone, now=now)
        documents.refresh_state(db, document_id)
        events.append(
            db, "put_back", now=now, project_id=project_id, user_id=by, document_id=document_id,
            before=[{"who": each["who"], "labels": each["labels"], "comment": each["comment"]} for each in flags],
        )  # fmt: skip
    return len(flags)
