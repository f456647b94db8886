"""Rounds of which all four models' answers on gold are kept, and a queue, published the way the worker does it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict

import numpy as np
from numpy.typing import NDArray
from sqlite_utils import Database

from core.config import RoundConfig
from core.evaluate import metrics
from core.services import projects
from db import answers, events, jobs, rounds
from db.connect import writing
from db.records import QueueRow
from tests.conftest import NOW

NOISE = {"student": 0.3, "standalone": 0.4, "teacher": 0.28, "linear": 0.5}


def labelled(seed: int, n: int, shares: Sequence[float]) -> NDArray[np.bool_]:
    """Label sets, none empty: the first label is given to a text that would have none. Shapes: → (n, K)."""
    rng = np.random.default_rng(seed)
    y = rng.random((n, len(shares))) < np.asarray(shares)
    y[~y.any(axis=1), 0] = True
    return y


def said(y: NDArray, seed: int, *, noise: Mapping[str, float] = NOISE) -> dict[str, NDArray[np.float32]]:
    """Each model's probabilities: some right, some confidently wrong. Shapes: (N, K) → (N, K) by model."""
    rng = np.random.default_rng(seed)
    return {
        model: np.clip(np.where(y, 0.7, 0.22) + rng.normal(0, spread, y.shape), 0.001, 0.999).astype(np.float32)
        for model, spread in noise.items()
    }


def publish(
    db: Database, project_id: int, documents: Sequence[int], truth: NDArray, probs: Mapping[str, NDArray], *,
    thresholds: Sequence[float], kept: bool = True, now: float = NOW,
) -> int:  # fmt: skip
    """A published round with a current student; ``kept``: with all models' answers. → its number."""
    project = projects.project(db, project_id)
    keys, cuts = project.label_set.keys, np.asarray(thresholds, dtype=np.float64)
    with writing(db):
        job_id = jobs.enqueue(db, project_id, "round", dedupe_key=f"modelled:{now}", payload={}, by=None, now=now)
        job = jobs.claim(db, lease_s=60, max_attempts=3, now=now)
        assert job is not None
        round_id, number = rounds.begin(
            db, project_id, job_id, snapshot_annotation=0, config=RoundConfig().to_json(), code_version="test", now=now
        )
        for model, p in probs.items():
            found = metrics.rows(p, truth, cuts, keys=keys, model=model, split="gold")
            rounds.insert_metrics(db, round_id, [asdict(each) for each in found])
            if kept:
                answers.keep(db, round_id, model, answers.Answers(documents=documents, keys=keys, truth=truth, probs=p))
        rounds.publish(db, round_id, n_train=20, n_valid=3, n_gold=len(documents), timings={}, warnings=(), now=now)
        jobs.finish(db, job, "done", now=now)
        rounds.set_current_model(
            db, project_id, round_id, kind="student", path=f"p/round-{number}", sha256="0" * 64,
            fingerprint=project.label_set.fingerprint,
            thresholds=dict(zip(keys, map(float, cuts), strict=True)), now=now,
        )  # fmt: skip
        events.append(db, "round_published", now=now, project_id=project_id, after={"round": number})
    return number


def rank(db: Database, project_id: int, reasons: Sequence[dict], *, source: str = "student") -> None:
    """The open pool in the order of its ids, with these reasons in turn."""
    waits = db.query(
        "SELECT id FROM documents WHERE project_id = ? AND state = 'open' AND role = 'pool'", (project_id,)
    )
    queue = [
        QueueRow(document_id=each["id"], rank=n, score=0.5, reason=reasons[n % len(reasons)])
        for n, each in enumerate(waits)
    ]
    with writing(db):
        rounds.replace_queue(db, project_id, queue, source=source, round_id=None)
        events.append(db, "queue_ranked", now=NOW, project_id=project_id)
