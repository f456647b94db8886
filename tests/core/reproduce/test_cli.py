from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

import pytest

from core.reproduce import cli
from core.reproduce.plan import PUBLISHED_ARCHS, RECIPES
from tests.core.reproduce.making import corpus_file

ROOT = Path(__file__).resolve().parents[3]


def parsed(*words: str, data: str = "x.jsonl", out: str = "out") -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    cli.add_options(parser)
    return parser.parse_args(["kd", "--data", data, "--out", out, *words])


def test_without_options_it_is_the_published_protocol() -> None:
    plan = cli.plan_of(parsed())
    assert (plan.archs, plan.folds, plan.seeds, plan.recipes) == (PUBLISHED_ARCHS, 5, (0,), ("kd",))


def test_short_names_commas_and_settings_are_understood() -> None:
    plan = cli.plan_of(
        parsed("--arch", "textcnn,han", "gru_att.v1", "--recipes", "all", "--seeds", "3", "4", "--set", "filters=9",
               "class_weights=[1, 3]", "--sweep", "exact")
    )  # fmt: skip
    assert plan.archs == ("textcnn.v1", "han.v1", "gru_att.v1")
    assert plan.recipes == tuple(RECIPES)
    assert plan.seeds == (3, 4)
    assert (plan.settings["filters"], plan.settings["class_weights"], plan.settings["sweep"]) == (9, [1, 3], "exact")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--arch", "bert"), "bert.v1"), (("--recipes", "magic"), "magic"), (("--set", "filters"), "filters"),
        (("--set", "filters=0"), "filters"), (("--folds", "1"), "folds"), (("--limit", "-1"), "limit"),
    ],
)  # fmt: skip
def test_a_wrong_option_is_one_sentence_and_status_two(
    words: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.reproduce(parsed(*words), "en") == 2
    told = capsys.readouterr().err
    assert said in told
    assert told.count("\n") == 1


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_bad_rows_are_told_with_file_line_and_field(
    lang: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = corpus_file(tmp_path / "bad.jsonl", [{"text": "good", "labels": ["a"]}, {"text": " ", "labels": ["a"]}])
    assert cli.reproduce(parsed(data=str(data), out=str(tmp_path / "out")), lang) == 1
    assert "bad.jsonl:2 text:" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_more_folds_than_texts_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = corpus_file(tmp_path / "few.jsonl", [{"text": f"text {n}", "labels": ["a", "b"][: n % 3]} for n in range(9)])
    words = ("--folds", "10", "--segmenter", "words")
    assert cli.reproduce(parsed(*words, data=str(data), out=str(tmp_path / "out")), "en") == 1
    assert "2 … 9" in capsys.readouterr().err


def test_the_options_load_nothing_heavy() -> None:
    code = "import sys, core.reproduce.cli; print({'torch', 'sklearn', 'scipy', 'gensim'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
