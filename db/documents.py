"""Documents: in once each, by the hash of their normalised text."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from sqlite_utils import Database

from db.connect import execute, row, rows, value
from db.records import NewDocument


def known_hashes(db: Database, project_id: int) -> set[str]:
    return {each["sha256"] for each in rows(db, "SELECT sha256 FROM documents WHERE project_id = :p", p=project_id)}


def insert(db: Database, project_id: int, document: NewDocument, *, overlap: int, done: bool, now: float) -> int:
    """``shuffle`` orders a pool without a ranking: as good as random, and the same on every machine."""
    cursor = execute(
        db,
        "INSERT INTO documents (project_id, external_id, text, sha256, role, state, overlap, shuffle, source, meta, "
        "created_at) VALUES (:p, :external_id, :text, :sha256, :role, :state, :overlap, :shuffle, :source, :meta, "
        ":now)",
        p=project_id, external_id=document.external_id, text=document.text, sha256=document.sha256, role=document.role,
        state="done" if done else "open", overlap=overlap, shuffle=_shuffle(document.sha256),
        source=document.source, meta=json.dumps(document.meta, ensure_ascii=False), now=now,
    )  # fmt: skip
    return int(cursor.lastrowid or 0)


def peek(db: Database, project_id: int, document_id: int) -> dict | None:
    return row(
        db, "SELECT id, text, role, state, overlap, external_id FROM documents WHERE id = :id AND project_id = :p",
        id=document_id, p=project_id,
    )  # fmt: skip


def refresh_state(db: Database, document_id: int) -> None:
    """Done once adjudicated, or once as many people have decided as are to; else open."""
    execute(
        db,
        "UPDATE documents SET state = CASE WHEN EXISTS (SELECT 1 FROM adjudications j WHERE j.document_id = :id) "
        "OR overlap <= (SELECT count(*) FROM current_annotations c WHERE c.document_id = :id "
        "AND c.decision != 'skipped') THEN 'done' ELSE 'open' END WHERE id = :id",
        id=document_id,
    )


def set_overlaps(db: Database, project_id: int, *, overlap: int, gold_overlap: int, share: float) -> None:
    """How many people are to label each text that is still open; that share of gold texts has ``gold_overlap``.

    Which ones goes by ``shuffle`` as in ``is_double``. What has enough decisions for the new number is done.
    """
    execute(
        db,
        "UPDATE documents SET overlap = CASE WHEN role = 'gold' AND shuffle % 9973 < :share * 9973 "
        "THEN :gold ELSE :overlap END WHERE project_id = :p AND state = 'open'",
        p=project_id, overlap=overlap, gold=gold_overlap, share=share,
    )  # fmt: skip
    execute(
        db,
        "UPDATE documents SET state = 'done' WHERE project_id = :p AND state = 'open' AND overlap <= (SELECT count(*) "
        "FROM current_annotations c WHERE c.document_id = documents.id AND c.decision != 'skipped')",
        p=project_id,
    )


def is_double(sha256: str, share: float) -> bool:
    """Whether a gold text is one of the share that two people label; independent of its place in the order."""
    return _shuffle(sha256) % 9973 < share * 9973


def _shuffle(sha256: str) -> int:
    return int(sha256[:12], 16)


def texts(db: Database, ids: Sequence[int]) -> dict[int, str]:
    wanted = json.dumps(list(ids))
    return {
        each["id"]: each["text"]
        for each in rows(
            db, "SELECT id, text FROM documents WHERE id IN (SELECT value FROM json_each(:ids))", ids=wanted
        )
    }


def unlabelled_pool(db: Database, project_id: int) -> list[tuple[int, str]]:
    """Pool documents that still wait for an annotation: (id, text)."""
    found = rows(
        db, "SELECT id, text FROM documents WHERE project_id = :p AND role = 'pool' AND state = 'open' ORDER BY id",
        p=project_id,
    )  # fmt: skip
    return [(each["id"], each["text"]) for each in found]


def gold_exists(db: Database, project_id: int) -> bool:
    return (
        value(db, "SELECT 1 FROM documents WHERE project_id = :p AND role = 'gold' LIMIT 1", p=project_id) is not None
    )


def gold_waits(db: Database, project_id: int, user_id: int) -> bool:
    """Whether a gold document is still open that this person has not decided on."""
    sql = (
        "SELECT 1 FROM documents d WHERE d.project_id = :p AND d.role = 'gold' AND d.state = 'open' "
        "AND NOT EXISTS (SELECT 1 FROM current_annotations c WHERE c.document_id = d.id AND c.user_id = :u "
        "AND c.decision != 'skipped') LIMIT 1"
    )
    return value(db, sql, p=project_id, u=user_id) is not None


def counts(db: Database, project_id: int) -> dict[str, dict[str, int]]:
    """By role: documents, those that are open, and those of which somebody's present decision is labelled."""
    found = rows(db, "SELECT role, documents, open, labelled FROM tallies WHERE project_id = :p", p=project_id)
    none = {"documents": 0, "open": 0, "labelled": 0}
    return {"pool": none, "gold": none} | {each.pop("role"): each for each in found}


def open_ids(db: Database, project_id: int) -> list[int]:
    """Open documents, pool and gold, in no order. The index holds all of it."""
    cursor = db.conn.execute(
        "SELECT id FROM documents INDEXED BY documents_open WHERE project_id = ? AND role IN ('pool', 'gold') "
        "AND state = 'open'",
        (project_id,),
    )
    return [each[0] for each in cursor]


def open_for_several(db: Database, project_id: int) -> list[int]:
    """Open documents, pool and gold, that more than one person is to read; ascending. The index holds all of it."""
    cursor = db.conn.execute(
        "SELECT id FROM documents INDEXED BY documents_several WHERE project_id = ? AND state = 'open' AND overlap > 1 "
        "ORDER BY id",
        (project_id,),
    )
    return [each[0] for each in cursor]


def stream(db: Database, project_id: int) -> Iterator[dict]:
    """Every document in the order it entered, for exports."""
    cursor = db.conn.execute(
        "SELECT id, external_id, text, role, state, source, meta FROM documents WHERE project_id = ? ORDER BY id",
        (project_id,),
    )
    names = [column[0] for column in cursor.description]
    for found in cursor:
        yield dict(zip(names, found, strict=True))
