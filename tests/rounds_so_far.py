"""Rounds as the worker leaves them, at so many labelled texts and with such figures: what forecasts are made from."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
from sqlite_utils import Database

from core.active.stopping import Signals
from core.config import RoundConfig
from core.services import curating
from core.services.curating import ImportOptions
from db import answers, events, jobs, rounds, signals
from db.connect import writing
from tests.conftest import NOW

KEYS = ("k0", "k1", "k2")
QUIET = Signals(
    uncertainty=0.02, n_pool=400, against=1, n_both=350, decisions_changed=0.004, texts_changed=0.01, kappa=0.95,
    kappa_by_label=dict.fromkeys(KEYS, 0.95),
)  # fmt: skip
LOUD = Signals(
    uncertainty=0.7, n_pool=400, against=1, n_both=350, decisions_changed=0.2, texts_changed=0.5, kappa=0.4,
    kappa_by_label=dict.fromkeys(KEYS, 0.4),
)  # fmt: skip


def waiting(db: Database, project_id: int, count: int, folder: Path) -> None:
    """So many texts that wait."""
    path = folder / "waiting.jsonl"
    lines = (json.dumps({"text": f"第 {n} 段文字", "split": "pool"}, ensure_ascii=False) for n in range(count))
    path.write_text("\n".join(lines), "utf-8")
    curating.run_import(db, project_id, path, options=ImportOptions(), by=None, now=NOW)


def figures(f1: Sequence[float], *, keys: Sequence[str] = KEYS, support: Sequence[int] = (90, 60, 30)) -> list[dict]:
    """The student's rows of a round: each label, and macro."""
    whole = [*zip(keys, f1, support, strict=True), ("macro", float(np.mean(f1)), sum(support))]
    return [
        {
            "model": "student", "split": "gold", "scope": scope, "precision": value, "recall": value, "f1": value,
            "support": n, "threshold": None if scope == "macro" else 0.5, "low": max(0.0, value - 0.05),
            "high": min(1.0, value + 0.05), "n": 200,
        }
        for scope, value, n in whole
    ]  # fmt: skip


def a_round(
    db: Database, project_id: int, n: int, rows: list[dict], *, said: Signals | None = None, right: float | None = None,
    now: float = 0.0,
) -> int:  # fmt: skip
    """Publish one; ``right``: share of decisions on gold that are, where its answers are to be kept. Its number."""
    with writing(db):
        job_id = jobs.enqueue(db, project_id, "round", dedupe_key=f"at {n} {now}", payload={}, by=None, now=now)
        job = jobs.claim(db, lease_s=60, max_attempts=3, now=now)
        assert job is not None
        round_id, number = rounds.begin(
            db, project_id, job_id, snapshot_annotation=0, config=RoundConfig().to_json(), code_version="test", now=now
        )
        rounds.insert_metrics(db, round_id, rows)
        rounds.publish(
            db, round_id, n_train=n - n // 5, n_valid=n // 5, n_gold=200, timings={}, warnings=[], now=now + 1
        )  # fmt: skip
        if said is not None:
            signals.keep(db, round_id, asdict(said))
        if right is not None:
            rng = np.random.default_rng(0)
            truth = rng.random((200, len(KEYS))) < 0.3
            sure = np.where(rng.random(truth.shape) < right, truth, ~truth).astype(np.float64)
            kept = answers.Answers(documents=list(range(1, 201)), keys=KEYS, truth=truth, probs=sure)
            answers.keep(db, round_id, "student", kept)
        jobs.finish(db, job, "done", now=now + 1)
        events.append(db, "round_published", now=now, project_id=project_id, after={"round": number})
    return number


def rising(db: Database, project_id: int, count: int, *, every: int = 50, said: Signals = LOUD) -> None:
    """So many rounds on a curve that rises and flattens; the first has nothing to be compared with."""
    for turn in range(count):
        n = every * (turn + 1)
        height = 0.8 - 0.6 * (n / every) ** -0.6
        first = Signals(uncertainty=said.uncertainty, n_pool=said.n_pool)
        a_round(
            db, project_id, n, figures([min(1, height + 0.1), height, max(0, height - 0.1)]),
            said=said if turn else first, right=0.7 + 0.02 * turn, now=float(turn),
        )  # fmt: skip
