"""Rounds with what their students said of gold, published the way the worker publishes them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sqlite_utils import Database

from core.config import RoundConfig
from core.evaluate import metrics
from core.services import curating, projects
from core.services.curating import ImportOptions
from db import answers, events, jobs, rounds
from db.connect import rows, writing
from tests.conftest import NOW


def import_texts(db: Database, project_id: int, folder: Path, y: NDArray, *, split: str, name: str = "") -> None:
    """A text for each row of labels; a row without labels is a text that waits. Shapes: y (N, K)."""
    keys = projects.project(db, project_id).label_set.keys
    lines = []
    for n, row in enumerate(np.asarray(y)):
        chosen = [key for key, one in zip(keys, row, strict=True) if one]
        lines.append({"text": f"{name}{split} 第 {n} 段文字，談健康。", "labels": chosen or None, "split": split})
    path = folder / f"{name}{split}.jsonl"
    path.write_text("\n".join(json.dumps(line, ensure_ascii=False) for line in lines), "utf-8")
    curating.run_import(db, project_id, path, options=ImportOptions(), by=None, now=NOW)


def gold_ids(db: Database, project_id: int) -> list[int]:
    found = rows(db, "SELECT id FROM documents WHERE project_id = :p AND role = 'gold' ORDER BY id", p=project_id)
    return [each["id"] for each in found]


def publish(
    db: Database, project_id: int, documents: Sequence[int], truth: NDArray, probs: NDArray, *,
    thresholds: Sequence[float], kept: bool = True, n_train: int = 20, now: float = NOW,
) -> int:  # fmt: skip
    """A published round of one student, measured on those gold texts; ``kept``: with its answers. → its number."""
    keys = projects.project(db, project_id).label_set.keys
    cuts, single = np.array(thresholds, dtype=np.float64), np.asarray(probs, dtype=np.float32)
    with writing(db):
        job_id = jobs.enqueue(
            db, project_id, "round", dedupe_key=f"test:{now}:{len(documents)}", payload={}, by=None, now=now
        )
        job = jobs.claim(db, lease_s=60, max_attempts=3, now=now)
        assert job is not None
        round_id, number = rounds.begin(
            db, project_id, job_id, snapshot_annotation=0, config=RoundConfig().to_json(), code_version="test", now=now
        )
        found = metrics.rows(single, truth, cuts, keys=keys, model="student", split="gold")
        rounds.insert_metrics(db, round_id, [asdict(each) for each in found])
        if kept:
            said = answers.Answers(documents=documents, keys=tuple(keys), truth=np.asarray(truth), probs=single)
            answers.keep(db, round_id, "student", said)
        rounds.publish(
            db, round_id, n_train=n_train, n_valid=3, n_gold=len(documents), timings={}, warnings=(), now=now
        )
        jobs.finish(db, job, "done", now=now)
        events.append(db, "round_published", now=now, project_id=project_id, after={"round": number})
    return number
