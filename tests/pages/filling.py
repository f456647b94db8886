"""Texts, labels and rounds for pages to show, written the way the product writes them."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path

from core.approximations import deeper
from core.config import RoundConfig
from core.services import curating
from core.services.curating import ImportOptions
from db import events, jobs, rounds
from db.connect import writing
from tests.pages.conftest import House

KEYS = ("k0", "k1", "k2")
# Label sets by how common they are: 甲 in all, 乙 in every second, 丙 in every fifth text.
MODELS = {"student": 0.6, "standalone": 0.5, "teacher": 0.65, "linear": 0.4}


def fill(house: House, tmp_path: Path, *, pool: int = 20, gold: int = 12, open_texts: int = 6) -> None:
    """Labelled pool and gold texts, and texts that wait."""
    lines = []
    for n in range(pool + gold):
        labels = ["甲", *(["乙"] if n % 2 == 0 else []), *(["丙"] if n % 5 == 0 else [])]
        lines.append({"text": f"第 {n} 段文字，談健康。", "labels": labels, "split": "gold" if n >= pool else "train"})
    lines += [{"text": f"等待標註的第 {n} 段文字。", "labels": None, "split": "pool"} for n in range(open_texts)]
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(json.dumps(line, ensure_ascii=False) for line in lines), "utf-8")
    with house.open() as db:
        curating.run_import(
            db, house.project_id, path, options=ImportOptions(), by=house.people["admin"].id, now=time.time(),
            progress=None,
        )  # fmt: skip


def metrics_of(base: float) -> list[dict]:
    found = []
    for model, f1 in MODELS.items():
        for place, scope in enumerate((*KEYS, "macro", "micro")):
            value = max(0.0, f1 + base - 0.1 * place) if scope in KEYS else f1 + base
            found.append(
                {
                    "model": model, "split": "gold", "scope": scope, "precision": value, "recall": value, "f1": value,
                    "support": (12, 12, 3, 27, 27)[place], "threshold": 0.4 if scope in KEYS else None,
                    "low": max(0.0, value - 0.1), "high": min(1.0, value + 0.1), "n": 12,
                }
            )  # fmt: skip
    return found


def publish_round(
    house: House, *, base: float = 0.0, warnings: Sequence[tuple[str, dict]] = (), config: RoundConfig | None = None
) -> int:
    """A finished round with figures, as the worker publishes one; returns its number."""
    now = time.time()
    with house.open() as db, writing(db):
        job_id = jobs.enqueue(
            db, house.project_id, "round", dedupe_key=f"test:{now}", payload={}, by=house.people["lead"].id, now=now
        )  # fmt: skip
        job = jobs.claim(db, lease_s=60, max_attempts=3, now=now)
        assert job is not None
        round_id, number = rounds.begin(
            db, house.project_id, job_id, snapshot_annotation=0, config=(config or RoundConfig()).to_json(),
            code_version="test", now=now,
        )  # fmt: skip
        rounds.insert_metrics(db, round_id, metrics_of(base))
        rounds.publish(
            db, round_id, n_train=17, n_valid=3, n_gold=12, timings={"teachers": 1.5}, warnings=warnings, now=now + 61
        )  # fmt: skip
        jobs.finish(db, job, "done", now=now + 61)
        events.append(db, "round_published", now=now, project_id=house.project_id, after={"round": number})
    return number


def set_aside_round(house: House, error: dict) -> None:
    """A deeper round that was not taken, as the worker leaves one."""
    now = time.time()
    with house.open() as db, writing(db):
        job_id = jobs.enqueue(db, house.project_id, "deeper", dedupe_key=f"test:{now}", payload={}, by=None, now=now)
        job = jobs.claim(db, lease_s=60, max_attempts=3, now=now)
        assert job is not None
        round_id, _ = rounds.begin(
            db, house.project_id, job_id, snapshot_annotation=0, config=deeper(RoundConfig()).to_json(),
            code_version="test", now=now,
        )  # fmt: skip
        rounds.end(db, round_id, "cancelled", error=error, timings={"teachers": 9.0}, now=now + 9)
        jobs.finish(db, job, "done", now=now + 9)
