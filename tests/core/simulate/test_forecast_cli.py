"""What ``python -m core forecast`` says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from core.services import projects
from core.services.forecasting import when_to_stop
from core.simulate.forecast_cli import lines
from db.connect import open_database
from tests.conftest import make_project
from tests.core.simulate.test_forecasts import simulated
from tests.rounds_so_far import rising, waiting

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def core(tmp_path: Path):
    def run(*args: str, code: int = 0) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "core", "forecast", *args], cwd=ROOT, capture_output=True, text=True, check=False,
            env={**os.environ, "DATA_DIR": str(tmp_path), "TAGTAIL_LANG": "en"},
        )  # fmt: skip
        assert done.returncode == code, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done.stdout + done.stderr

    return run


def test_a_project_is_told_in_sentences_and_as_json(core, tmp_path: Path) -> None:
    with closing(open_database(tmp_path / "tagtail.db", create=True)) as db:
        project = make_project(db)
        waiting(db, project, 700, tmp_path)
    assert "0 rounds" in core()
    with closing(open_database(tmp_path / "tagtail.db")) as db:
        rising(db, project, 6)
        found = when_to_stop(db, project, labels=True)
        zh = "\n".join(first for first, _ in lines(found, projects.project(db, project).label_set))
    said = core("--project", "p")
    assert "6 rounds, the last from 300 labelled texts of 700 that can be." in said
    assert "200 more labels: about 0." in said
    assert "Tail macro-F1 (label 2)" in said
    assert said.count("go on") == 4
    assert "再標 200 篇約" in zh
    assert "長尾標籤（丙）" in zh
    told = json.loads(core("--json"))
    assert told["macro"]["next"]["n"] == 500
    assert [each["scope"] for each in told["labels"]] == ["k0", "k1", "k2"]
    assert "no project" in core("--project", "none", code=2).lower() or "none" in core("--project", "none", code=2)


def test_a_back_test_is_a_table_or_json(core, tmp_path: Path) -> None:
    out = str(simulated(tmp_path / "sim"))
    assert "covered" in core("--backtest", out, "--seeds", "0")
    told = json.loads(core("--backtest", out, "--json"))
    assert {(each["measure"], each["ahead"]) for each in told} >= {("macro", "any"), ("tail", "any")}
    assert "--seeds" in core("--backtest", out, "--seeds", "x", code=2)
    assert "nowhere" in core("--backtest", str(tmp_path / "nowhere"), code=2)
