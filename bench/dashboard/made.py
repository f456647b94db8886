"""A project as large as a dashboard has to bear, made straight in the database: quick to make, and as real to read.

20 people gave each text about eleven decisions; 200 rounds were published on the way, each measured on the gold texts.
Which labels come together is as in the demo corpus.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlite_utils import Database

from bench.corpus import DEMO
from bench.dashboard import rounds_made
from core.services import accounts, projects
from core.services.projects import Project
from db import documents
from db.connect import execute_many, open_database, rows, writing

PEOPLE, PER_TEXT = 20, 11
DAYS = 100.0
SUGGESTED = 0.2  # share of decisions that bear suggestions
CHUNK = 20_000


@dataclass(frozen=True, kw_only=True)
class Size:
    texts: int = 100_000
    annotations: int = 1_000_000
    rounds: int = 200
    settled: int = 2_000


@dataclass(frozen=True, kw_only=True)
class Decisions:
    """All that was decided, in order of time. Shapes: (A,), ``labels`` (A, K), ``truth`` (D, K) by document."""

    documents: NDArray[np.int64]
    people: NDArray[np.int64]
    kinds: NDArray[np.int64]  # positions in KINDS
    labels: NDArray[np.bool_]
    at: NDArray[np.float64]
    ms: NDArray[np.int64]


KINDS = ("labelled", "skipped", "flagged")


def fill(path: Path, size: Size, *, seed: int = 0) -> None:
    """Decisions, settlements, rounds, queue and predictions for the project that is in the database."""
    rng = np.random.default_rng(seed)
    with contextlib.closing(open_database(path)) as db:
        project = projects.list_projects(db)[0]
        people = [each.id for each in accounts.list_users(db) if each.name.startswith("p")]
        found = rows(db, "SELECT id, role FROM documents WHERE project_id = :p ORDER BY shuffle", p=project.id)
        order = sorted(found, key=lambda each: each["role"] != "gold")  # gold first, as the die would have it
        truth = _drawn_sets(project, len(order), rng)
        made = _decisions(order, truth, np.array(people), size, rng)
        with writing(db):
            documents.set_overlaps(db, project.id, overlap=PER_TEXT, gold_overlap=PER_TEXT, share=1.0)
            _write(db, project, made, rng)
            _settle(db, project, order, truth, size, by=people[0])
            documents.set_overlaps(db, project.id, overlap=PER_TEXT, gold_overlap=PER_TEXT, share=1.0)
        gold = [n for n, each in enumerate(order) if each["role"] == "gold"]
        rounds_made.publish(
            db, project, rounds=size.rounds, gold_ids=[order[n]["id"] for n in gold], truth=truth[gold], at=made.at,
            rng=rng,
        )  # fmt: skip
        db.conn.execute("ANALYZE")


def _drawn_sets(project: Project, n: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Label sets of the demo's texts, drawn anew. Shapes: → (n, K)."""
    seen = [json.loads(line) for line in DEMO.read_text("utf-8").splitlines()]
    names = project.label_set
    known = names.encode([[names.find(label) for label in row["labels"]] for row in seen if row["labels"]]) > 0
    return np.asarray(known[rng.integers(len(known), size=n)])


def _decisions(
    order: list[dict[str, Any]], truth: NDArray, people: NDArray, size: Size, rng: np.random.Generator
) -> Decisions:
    texts = min(len(order), -(-size.annotations // PER_TEXT))
    voters = np.argsort(rng.random((texts, len(people))), axis=1)[:, :PER_TEXT]
    n = min(size.annotations, voters.size)
    text = np.repeat(np.arange(texts), PER_TEXT)[:n]
    who = voters.ravel()[:n]
    care = rng.uniform(0.02, 0.08, len(people))[who][:, None]  # how often somebody errs
    drawn = rng.random((n, truth.shape[1]))
    labels = np.where(truth[text], drawn > care * 3, drawn < care / 3)
    labels[~labels.any(axis=1)] = truth[text][~labels.any(axis=1)]
    now = time.time()
    return Decisions(
        documents=np.array([each["id"] for each in order])[text],
        people=people[who],
        kinds=rng.choice(3, size=n, p=[0.97, 0.02, 0.01]),
        labels=labels,
        at=now - 86400 * DAYS * (1 - np.arange(n) / n),
        ms=np.exp(rng.normal(9.2, 0.6, n)).astype(np.int64),
    )


def _rows(project: Project, made: Decisions, rng: np.random.Generator) -> Iterator[dict[str, Any]]:
    keys = project.label_set.keys
    cuts = dict.fromkeys(keys, 0.5)
    known: dict[bytes, str] = {}
    shown = rng.random(len(made.at)) < SUGGESTED
    for n in range(len(made.at)):
        row = made.labels[n].tobytes()
        if row not in known:
            known[row] = json.dumps([k for k, has in zip(keys, made.labels[n], strict=True) if has], ensure_ascii=False)
        suggested = None
        if shown[n]:
            p = np.clip(made.labels[n] * 0.6 + rng.random(len(keys)) * 0.4, 0, 1).round(3).tolist()
            suggested = json.dumps(dict(zip(keys, p, strict=True)) | {":thresholds": cuts})
        kind = KINDS[made.kinds[n]]
        yield {
            "id": n + 1, "p": project.id, "d": int(made.documents[n]), "u": int(made.people[n]), "decision": kind,
            "labels": known[row] if kind == "labelled" else "[]", "s": suggested, "ms": int(made.ms[n]),
            "uid": f"made-{n:07}", "at": float(made.at[n]),
        }  # fmt: skip


def _write(db: Database, project: Project, made: Decisions, rng: np.random.Generator) -> None:
    every = _rows(project, made, rng)
    while batch := list(islice(every, CHUNK)):
        execute_many(
            db,
            "INSERT INTO annotations (id, project_id, document_id, user_id, decision, labels, suggestions, ms, "
            "submission_id, created_at) VALUES (:id, :p, :d, :u, :decision, :labels, :s, :ms, :uid, :at)",
            batch,
        )
        execute_many(
            db,
            "INSERT INTO current_annotations (document_id, user_id, project_id, annotation_id, decision, labels) "
            "VALUES (:d, :u, :p, :id, :decision, :labels)",
            batch,
        )
        execute_many(
            db,
            "INSERT INTO events (project_id, user_id, at, kind, document_id, after) "
            "VALUES (:p, :u, :at, :decision, :d, :labels)",
            batch,
        )


def _settle(
    db: Database, project: Project, order: list[dict[str, Any]], truth: NDArray, size: Size, *, by: int
) -> None:
    """A reviewer has settled the first texts, as they really are."""
    first = 1 + size.annotations
    now = time.time()
    batch = [
        {
            "id": first + n, "d": order[n]["id"], "p": project.id, "u": by, "at": now,
            "labels": json.dumps([k for k, has in zip(project.label_set.keys, truth[n], strict=True) if has]),
        }
        for n in range(min(size.settled, len(order)))
    ]  # fmt: skip
    execute_many(
        db,
        "INSERT INTO adjudications (document_id, project_id, labels, user_id, at) VALUES (:d, :p, :labels, :u, :at)",
        batch,
    )  # fmt: skip
    execute_many(
        db, "INSERT INTO settlements (id, project_id, document_id, user_id, at) VALUES (:id, :p, :d, :u, :at)", batch
    )
