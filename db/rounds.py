"""Rounds, their metrics and models, and the queue they rank: whole or not there at all."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from sqlite_utils import Database

from db.connect import execute, execute_many, row, rows, value
from db.records import Metric, QueueRow, RoundRow

_METRIC = ("model", "split", "scope", "precision", "recall", "f1", "support", "threshold", "low", "high", "n")


def _round(found: dict[str, Any]) -> RoundRow:
    return RoundRow(
        id=found["id"], number=found["number"], state=found["state"], config=json.loads(found["config"]),
        code_version=found["code_version"], n_train=found["n_train"], n_valid=found["n_valid"], n_gold=found["n_gold"],
        timings=json.loads(found["timings"] or "{}"),
        warnings=tuple((code, fields) for code, fields in json.loads(found["warnings"] or "[]")),
        error=json.loads(found["error"]) if found["error"] else None, started_at=found["started_at"],
        finished_at=found["finished_at"], snapshot_annotation=found["snapshot_annotation"], kind=found["kind"],
    )  # fmt: skip


_ROUNDS = "SELECT r.*, coalesce(j.kind, 'round') AS kind FROM rounds r LEFT JOIN jobs j ON j.id = r.job_id"


def begin(
    db: Database, project_id: int, job_id: int, *, snapshot_annotation: int, config: str, code_version: str, now: float
) -> tuple[int, int]:
    """Start a round, or start over the one that a killed worker left for this job: (id, number)."""
    old = row(db, "SELECT id, number FROM rounds WHERE job_id = :j AND state = 'running'", j=job_id)
    if old:
        execute(
            db,
            "UPDATE rounds SET snapshot_annotation = :s, config = :c, code_version = :v, started_at = :now "
            "WHERE id = :id",
            s=snapshot_annotation, c=config, v=code_version, now=now, id=old["id"],
        )  # fmt: skip
        return old["id"], old["number"]
    number = 1 + int(value(db, "SELECT coalesce(max(number), 0) FROM rounds WHERE project_id = :p", p=project_id))
    cursor = execute(
        db,
        "INSERT INTO rounds (project_id, number, job_id, state, snapshot_annotation, config, code_version, started_at) "
        "VALUES (:p, :n, :j, 'running', :s, :c, :v, :now)",
        p=project_id, n=number, j=job_id, s=snapshot_annotation, c=config, v=code_version, now=now,
    )  # fmt: skip
    return int(cursor.lastrowid or 0), number


def end(
    db: Database, round_id: int, state: str, *, error: dict[str, Any] | None = None,
    timings: dict[str, float] | None = None, now: float,
) -> None:  # fmt: skip
    """Close a round that will not be published."""
    execute(
        db,
        "UPDATE rounds SET state = :state, error = :error, timings = coalesce(:timings, timings), finished_at = :now "
        "WHERE id = :id",
        state=state, error=json.dumps(error, ensure_ascii=False) if error else None,
        timings=json.dumps(timings) if timings else None, now=now, id=round_id,
    )  # fmt: skip


def end_orphans(db: Database, *, now: float) -> None:
    """Close running rounds whose job is over: their worker died between two writes."""
    execute(
        db,
        "UPDATE rounds SET state = (SELECT CASE j.state WHEN 'cancelled' THEN 'cancelled' ELSE 'failed' END "
        "FROM jobs j WHERE j.id = rounds.job_id), finished_at = :now, "
        "error = (SELECT j.error FROM jobs j WHERE j.id = rounds.job_id) "
        "WHERE state = 'running' AND job_id IN (SELECT id FROM jobs WHERE state IN ('failed', 'cancelled', 'done'))",
        now=now,
    )


def publish(
    db: Database, round_id: int, *, n_train: int, n_valid: int, n_gold: int, timings: dict[str, float],
    warnings: Sequence[tuple[str, dict[str, Any]]], now: float,
) -> None:  # fmt: skip
    execute(
        db,
        "UPDATE rounds SET state = 'published', n_train = :n_train, n_valid = :n_valid, n_gold = :n_gold, "
        "timings = :timings, warnings = :warnings, finished_at = :now WHERE id = :id",
        n_train=n_train, n_valid=n_valid, n_gold=n_gold, timings=json.dumps(timings),
        warnings=json.dumps(list(warnings), ensure_ascii=False), now=now, id=round_id,
    )  # fmt: skip


def insert_metrics(db: Database, round_id: int, metrics: Iterable[dict[str, Any]]) -> None:
    execute_many(
        db,
        f"INSERT OR REPLACE INTO metrics (round_id, {', '.join(_METRIC)}) "  # noqa: S608 (constant columns)
        f"VALUES (:round_id, {', '.join(':' + name for name in _METRIC)})",
        [{**{name: each[name] for name in _METRIC}, "round_id": round_id} for each in metrics],
    )


def metrics(db: Database, project_id: int, *, number: int | None = None) -> list[Metric]:
    """The figures of one published round, or of all, oldest round first."""
    found = rows(
        db,
        f"SELECT r.number AS round, {', '.join('m.' + name for name in _METRIC)} FROM metrics m "  # noqa: S608
        "JOIN rounds r ON r.id = m.round_id WHERE r.project_id = :p AND r.state = 'published' "
        "AND (:number IS NULL OR r.number = :number) ORDER BY r.number, m.model, m.scope",
        p=project_id, number=number,
    )  # fmt: skip
    return [Metric(**each) for each in found]


def headline(db: Database, project_id: int) -> list[Metric]:
    """Each model's macro-F1 on gold, of every published round, oldest first."""
    found = rows(
        db,
        f"SELECT r.number AS round, {', '.join('m.' + name for name in _METRIC)} FROM rounds r "  # noqa: S608
        "JOIN metrics m ON m.round_id = r.id AND m.split = 'gold' AND m.scope = 'macro' "
        "WHERE r.project_id = :p AND r.state = 'published' ORDER BY r.number",
        p=project_id,
    )
    return [Metric(**each) for each in found]


def all_rounds(db: Database, project_id: int) -> list[RoundRow]:
    """Newest first."""
    return [_round(each) for each in rows(db, f"{_ROUNDS} WHERE r.project_id = :p ORDER BY r.id DESC", p=project_id)]


def published(db: Database, project_id: int) -> tuple[int, int]:
    """How many rounds are published, and the latest one's id: what changes with every figure."""
    found = row(
        db, "SELECT count(*) AS n, coalesce(max(id), 0) AS last FROM rounds WHERE project_id = :p "
        "AND state = 'published'",
        p=project_id,
    )  # fmt: skip
    return (found["n"], found["last"]) if found else (0, 0)


def last_published(db: Database, project_id: int) -> RoundRow | None:
    found = row(
        db, f"{_ROUNDS} WHERE r.project_id = :p AND r.state = 'published' ORDER BY r.id DESC LIMIT 1", p=project_id
    )
    return _round(found) if found else None


def in_use(db: Database, project_id: int) -> RoundRow | None:
    """The round whose student is the current one; before there is a student, the last published."""
    found = row(
        db,
        f"{_ROUNDS} WHERE r.project_id = :p AND r.state = 'published' ORDER BY "  # noqa: S608 (constant text)
        "r.id = (SELECT round_id FROM models WHERE project_id = :p AND kind = 'student' AND current = 1) DESC, "
        "r.id DESC LIMIT 1",
        p=project_id,
    )
    return _round(found) if found else None


def last_snapshot(db: Database, project_id: int) -> int:
    """The annotation up to which the last round looked, however it ended: what came later makes the next one due."""
    return int(
        value(
            db,
            "SELECT max(coalesce((SELECT max(snapshot_annotation) FROM rounds WHERE project_id = :p), 0), "
            "coalesce((SELECT max(json_extract(payload, '$.annotation')) FROM jobs WHERE project_id = :p "
            "AND state IN ('failed', 'cancelled')), 0))",
            p=project_id,
        )
    )


def set_current_model(
    db: Database, project_id: int, round_id: int, *, kind: str, path: str, sha256: str, fingerprint: str,
    thresholds: dict[str, float], now: float,
) -> int:  # fmt: skip
    execute(db, "UPDATE models SET current = 0 WHERE project_id = :p AND kind = :k", p=project_id, k=kind)
    cursor = execute(
        db,
        "INSERT INTO models (project_id, round_id, kind, path, sha256, fingerprint, thresholds, current, created_at) "
        "VALUES (:p, :r, :k, :path, :sha, :f, :t, 1, :now)",
        p=project_id, r=round_id, k=kind, path=path, sha=sha256, f=fingerprint, t=json.dumps(thresholds), now=now,
    )  # fmt: skip
    return int(cursor.lastrowid or 0)


def current_model(db: Database, project_id: int, kind: str) -> dict[str, Any] | None:
    found = row(
        db,
        "SELECT id, round_id, path, sha256, fingerprint, thresholds, created_at FROM models "
        "WHERE project_id = :p AND kind = :k AND current = 1",
        p=project_id, k=kind,
    )  # fmt: skip
    return {**found, "thresholds": json.loads(found["thresholds"])} if found else None


def students(db: Database, project_id: int) -> list[dict[str, Any]]:
    """Each published round's student, newest round first: id, number, path, sha256, fingerprint, current."""
    return rows(
        db,
        "SELECT m.id, r.number, m.round_id, m.path, m.sha256, m.fingerprint, m.current FROM models m "
        "JOIN rounds r ON r.id = m.round_id "
        "WHERE m.project_id = :p AND m.kind = 'student' AND r.state = 'published' ORDER BY r.number DESC",
        p=project_id,
    )  # fmt: skip


def make_current(db: Database, project_id: int, model_id: int, *, kind: str) -> None:
    """An earlier model in place of the present one; its thresholds come with it."""
    execute(db, "UPDATE models SET current = 0 WHERE project_id = :p AND kind = :k", p=project_id, k=kind)
    execute(db, "UPDATE models SET current = 1 WHERE id = :id", id=model_id)


def replace_predictions(db: Database, project_id: int, model_id: int, blobs: Iterable[tuple[int, bytes]]) -> None:
    """The current model's probabilities (K little-endian float16 a document) in place of the last one's."""
    execute(db, "DELETE FROM predictions WHERE model_id IN (SELECT id FROM models WHERE project_id = :p)", p=project_id)
    execute_many(
        db,
        "INSERT INTO predictions (model_id, document_id, probabilities) VALUES (?, ?, ?)",
        ((model_id, document_id, blob) for document_id, blob in blobs),
    )


def prediction(db: Database, project_id: int, document_id: int) -> tuple[int, bytes] | None:
    """(round id, probabilities) of the current student for one document."""
    found = row(
        db,
        "SELECT m.round_id, p.probabilities FROM predictions p JOIN models m ON m.id = p.model_id "
        "WHERE m.project_id = :p AND m.current = 1 AND m.kind = 'student' AND p.document_id = :d",
        p=project_id, d=document_id,
    )  # fmt: skip
    return (found["round_id"], found["probabilities"]) if found else None


def predictions(db: Database, model_id: int) -> dict[int, bytes]:
    """A model's probabilities by document."""
    found = rows(db, "SELECT document_id, probabilities FROM predictions WHERE model_id = :m", m=model_id)
    return {each["document_id"]: each["probabilities"] for each in found}


def replace_queue(
    db: Database, project_id: int, ranked: Iterable[QueueRow], *, source: str, round_id: int | None
) -> None:
    """A new ranking in place of the old one."""
    execute(db, "DELETE FROM queue WHERE project_id = :p", p=project_id)
    execute_many(
        db,
        "INSERT INTO queue (project_id, document_id, rank, score, reason, source, round_id) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            (project_id, each.document_id, each.rank, each.score, json.dumps(each.reason), source, round_id)
            for each in ranked
        ),
    )


def queue_reason(db: Database, project_id: int, document_id: int) -> dict[str, Any] | None:
    found = row(
        db, "SELECT reason, source FROM queue WHERE project_id = :p AND document_id = :d", p=project_id, d=document_id
    )
    return {**json.loads(found["reason"]), "source": found["source"]} if found else None


def queue_head(db: Database, project_id: int, *, n: int) -> list[dict[str, Any]]:
    """The next texts that still wait: document_id, score, reason, source, text."""
    found = rows(
        db,
        "SELECT q.document_id, q.score, q.reason, q.source, substr(d.text, 1, 80) AS text FROM queue q "
        "JOIN documents d ON d.id = q.document_id WHERE q.project_id = :p AND d.state = 'open' "
        "ORDER BY q.rank LIMIT :n",
        p=project_id, n=n,
    )  # fmt: skip
    return [{**each, "reason": {**json.loads(each["reason"]), "source": each["source"]}} for each in found]


def set_fast_lane(
    db: Database, project_id: int, *, annotation_id: int, n_labelled: int, seconds: float, now: float
) -> None:
    execute(
        db,
        "INSERT INTO fast_lane (project_id, annotation_id, n_labelled, seconds, at) VALUES (:p, :a, :n, :s, :now) "
        "ON CONFLICT (project_id) DO UPDATE SET annotation_id = :a, n_labelled = :n, seconds = :s, at = :now",
        p=project_id, a=annotation_id, n=n_labelled, s=seconds, now=now,
    )  # fmt: skip


def fast_lane(db: Database, project_id: int) -> dict[str, Any] | None:
    return row(db, "SELECT annotation_id, n_labelled, seconds, at FROM fast_lane WHERE project_id = :p", p=project_id)


def forget_fast_lane(db: Database, project_id: int) -> None:
    """The linear model of this project is refitted at the worker's next look."""
    execute(db, "DELETE FROM fast_lane WHERE project_id = :p", p=project_id)
