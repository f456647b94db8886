"""A published round in the tables and a small student zip on disk, as the worker leaves them."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

from sqlite_utils import Database

from core.services import curating, scheduling
from core.services.curating import ImportOptions
from db import jobs, rounds
from db.connect import writing


def publish_student(db: Database, project_id: int, folder: Path, *, by: int, now: float) -> bytes:
    """Publishes round 1 of a project that has labels enough; returns the zip's bytes."""
    scheduling.request_round(db, project_id, by=by, now=now)
    folder.mkdir(parents=True, exist_ok=True)
    bundle = folder / "student.zip"
    with zipfile.ZipFile(bundle, "w") as archive:
        archive.writestr("student/model.onnx", b"\0" * 2048)
        archive.writestr("student/labels.json", json.dumps(["甲"], ensure_ascii=False))
    figures = {"model": "student", "split": "gold", "precision": 0.5, "recall": 0.5, "support": 3, "n": 9}
    bounds = {"threshold": None, "low": None, "high": None}
    with writing(db):
        job = jobs.claim(db, lease_s=60, max_attempts=3, now=now)
        assert job is not None
        round_id, _ = rounds.begin(
            db, project_id, job.id, snapshot_annotation=0, config="{}", code_version="test", now=now
        )
        scopes = (("macro", 0.512), ("micro", 0.634))
        rounds.insert_metrics(db, round_id, [{**figures, **bounds, "scope": s, "f1": f1} for s, f1 in scopes])
        rounds.publish(db, round_id, n_train=40, n_valid=8, n_gold=9, timings={}, warnings=[], now=now)
        rounds.set_current_model(
            db, project_id, round_id, kind="student", path=str(folder), sha256="", fingerprint="", thresholds={},
            now=now,
        )  # fmt: skip
    return bundle.read_bytes()


def import_labelled(db: Database, project_id: int, folder: Path, *, n: int = 60) -> None:
    """``n`` labelled texts, every third of them gold."""
    path = folder / "labelled.jsonl"
    rows = [
        {"id": f"t{i}", "text": f"第{i}段，多喝水。", "labels": ["甲"], "split": "gold" if i % 3 == 0 else "train"}
        for i in range(n)
    ]
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    curating.run_import(db, project_id, path, options=ImportOptions(), by=None, now=1.0)
