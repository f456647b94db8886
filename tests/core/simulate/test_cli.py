from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

import pytest

from core.config import ProjectSettings
from core.simulate import cli
from core.simulate.plan import Plan
from tests.core.simulate.making import corpus_file, rows

ROOT = Path(__file__).resolve().parents[3]


def parsed(*words: str, data: str = "x.jsonl", out: str = "out") -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    cli.add_options(parser)
    return parser.parse_args(["--data", data, "--out", out, *words])


def test_the_options_defaults_are_those_of_a_plan_and_of_the_product() -> None:
    plan = cli.plan_of(parsed("--strategy", "mean_entropy"))
    assert plan == Plan(strategies=("mean_entropy", "chance"))
    assert plan.explore_share == ProjectSettings.explore_share


def test_commas_blanks_all_and_settings_are_understood() -> None:
    plan = cli.plan_of(parsed("--strategy", "mean_entropy,max_entropy", "chance", "--set", "filters=9"))
    assert plan.strategies == ("mean_entropy", "max_entropy", "chance")
    assert plan.config(0).filters == 9
    assert {"tail_uncertainty", "chance", "mean_entropy"} <= set(cli.plan_of(parsed("--strategy", "all")).strategies)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--strategy", "luck"), "luck"), (("--strategy", "chance", "--batch", "999"), "batch"),
        (("--strategy", "chance", "--jobs", "-1"), "jobs"), (("--strategy", "chance", "--set", "filters"), "filters"),
        (("--strategy", "chance", "--limit", "-1"), "limit"),
    ],
)  # fmt: skip
def test_a_wrong_option_is_one_sentence_and_status_two(
    words: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.simulate(parsed(*words), "en") == 2
    told = capsys.readouterr().err
    assert said in told
    assert told.count("\n") == 1


def test_a_wrong_file_or_budget_leaves_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert cli.simulate(parsed("--strategy", "chance", data=str(tmp_path / "no.jsonl"), out=str(out)), "en") == 1
    assert "no.jsonl" in capsys.readouterr().err
    bad = corpus_file(tmp_path / "bad.jsonl", [*rows(9), {"text": " ", "labels": ["a"]}])
    assert cli.simulate(parsed("--strategy", "chance", data=str(bad), out=str(out)), "en") == 1
    assert "bad.jsonl:10 text:" in capsys.readouterr().err
    small = corpus_file(tmp_path / "small.jsonl")
    assert cli.simulate(parsed("--strategy", "chance", data=str(small), out=str(out)), "en") == 1
    assert "budget" in capsys.readouterr().err
    assert not out.exists()


def test_the_options_load_nothing_heavy() -> None:
    code = "import sys, core.simulate.cli; print({'torch', 'sklearn', 'scipy', 'gensim'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
