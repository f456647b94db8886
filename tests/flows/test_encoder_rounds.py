"""Rounds with a pretrained encoder, by the worker: a head that teaches TextCNN, a head as student, and back again."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlite_utils import Database

from core.errors import EncoderUnavailable, HeadNeedsEncoder
from core.services import curating, going_back, scheduling
from core.train.predict import load_student
from core.worker import loop
from db import jobs
from db import rounds as round_rows
from db.connect import rows
from tests.conftest import NOW
from tests.core.encoders import making
from tests.flows.conftest import WORDS

Ready = tuple[Database, int, dict[str, int]]


@pytest.fixture
def encoder(tmp_path: Path) -> Path:
    return making.folder(tmp_path / "albert", characters="".join(WORDS.values()) + "，。0123456789")


def settle(ready: Ready, place: Path | str, **changed: Any) -> None:
    db, project, who = ready
    now = curating.project(db, project).settings
    given = {"encoder": str(place), "encoder_tokens": 32, "encoder_epochs": 1, "spliced": 1.0, **changed}
    settings = replace(now, round_every=1000, round=replace(now.round, **given))
    curating.update_settings(db, project, settings, by=who["lee"], now=NOW)


def tick(ready: Ready, tmp_path: Path) -> None:
    assert loop.Worker(ready[0], tmp_path / "models", stopping=lambda: False).tick()


def run_round(ready: Ready, tmp_path: Path) -> int:
    db, project, who = ready
    job = scheduling.request_round(db, project, by=who["lee"], now=time.time())
    tick(ready, tmp_path)
    return job


def current(ready: Ready, tmp_path: Path) -> tuple[dict[str, Any], Path]:
    found = round_rows.current_model(ready[0], ready[1], "student")
    assert found is not None
    return found, tmp_path / "models" / found["path"]


def test_a_head_teaches_then_learns_is_exported_and_goes_back(ready: Ready, encoder: Path, tmp_path: Path) -> None:
    db, project, who = ready
    settle(ready, encoder, teacher_arch="encoder_cls.v1")
    run_round(ready, tmp_path)
    first, place = current(ready, tmp_path)
    assert load_student(place).config.arch == "textcnn.v1"
    named = round_rows.metrics(db, project, number=1)
    assert {each.model for each in named} >= {"teacher", "student", "standalone", "linear"}

    settle(ready, encoder, arch="encoder_cls.v1", teacher_arch="encoder_cls.v1", teachers="neural")
    run_round(ready, tmp_path)
    second, place = current(ready, tmp_path)
    stored = round_rows.predictions(db, second["id"])
    texts = {r["id"]: r["text"] for r in rows(db, "SELECT id, text FROM documents WHERE role='pool' AND state='open'")}
    assert stored.keys() == texts.keys()
    said = load_student(place).probabilities([texts[each] for each in stored])
    np.testing.assert_allclose([np.frombuffer(each, "<f2") for each in stored.values()], said, atol=2e-3)
    with zipfile.ZipFile(place / "student.zip") as archive:
        archive.extractall(tmp_path / "alone")
    asked = [texts[each] for each in list(stored)[:3]]
    command = [sys.executable, "-I", str(tmp_path / "alone" / "predict.py"), *asked]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", cwd="/", timeout=120)
    assert done.returncode == 0, done.stderr
    answers = [list(json.loads(line)["probabilities"].values()) for line in done.stdout.splitlines()]
    np.testing.assert_allclose(answers, said[:3], atol=1e-4)

    for number, model in ((1, first), (2, second)):
        going_back.request(db, project, number, by=who["lee"], now=time.time())
        tick(ready, tmp_path)
        now = current(ready, tmp_path)[0]
        assert now["path"] == model["path"]
        assert round_rows.predictions(db, now["id"]).keys() == texts.keys()
    again = round_rows.predictions(db, second["id"])
    before, after = ([np.frombuffer(part[each], "<f2") for each in stored] for part in (stored, again))
    np.testing.assert_allclose(after, before, atol=2e-3)


def test_what_cannot_be_had_is_said_when_it_is_set_or_when_the_round_begins(
    ready: Ready, encoder: Path, tmp_path: Path
) -> None:
    db, project = ready[:2]
    with pytest.raises(HeadNeedsEncoder):
        settle(ready, "", teacher_arch="encoder_cls.v1")
    with pytest.raises(EncoderUnavailable):
        settle(ready, tmp_path / "nowhere", teacher_arch="encoder_cls.v1")
    settle(ready, encoder, teacher_arch="encoder_cls.v1")
    (encoder / "model.safetensors").write_bytes(b"")
    job = jobs.peek(db, run_round(ready, tmp_path))
    assert job is not None
    assert job.state == "failed"
    assert job.error is not None
    assert (job.error["code"], job.error["fields"]["why"]) == ("EncoderUnavailable", "corrupt")
    assert round_rows.current_model(db, project, "student") is None
