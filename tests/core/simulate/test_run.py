"""A whole simulation: what it leaves behind, and what becomes of it when it is stopped."""

from __future__ import annotations

import csv
import json
import re
from contextlib import closing
from pathlib import Path
from xml.etree import ElementTree

import pytest

from core.__main__ import main
from core.errors import BadSetting
from core.experiments.corpus import Corpus
from core.simulate import report
from core.simulate.plan import Key, Plan
from core.simulate.run import checked, run
from core.simulate.store import Store
from tests.core.simulate.making import LABELS, corpus_file, rows, small_corpus, tiny_plan

RESULTS = ("curves.csv", "significance.csv", "curves_tail.svg")  # what depends on nothing but plan and data


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return small_corpus(tmp_path_factory.mktemp("data"))


def finished(plan: Plan, corpus: Corpus, out: Path) -> Path:
    store = Store(out)
    with store.hold(plan, {"data": corpus.digest}):
        steps = list(run(plan, corpus, store))
        report.write(plan, corpus, store, checked(plan, corpus), command="python -m core simulate")
    assert [each.done for each in steps] == sorted(each.done for each in steps)
    assert (steps[-1].done, steps[-1].total, steps[-1].eta_s) == (steps[-1].total, steps[-1].total, 0)
    return out


@pytest.fixture(scope="module")
def whole(corpus: Corpus, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An uninterrupted run; nothing may change it."""
    return finished(tiny_plan(strategies=("tail_uncertainty", "mean_entropy")), corpus, tmp_path_factory.mktemp("w"))


def read(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


def test_it_leaves_its_results_and_nothing_half_written(whole: Path) -> None:
    files = {path.relative_to(whole).as_posix() for path in whole.rglob("*") if path.is_file()}
    names = ("all", "chance", "mean_entropy", "tail_uncertainty")
    assert files == {
        ".lock", "run.json", "table.csv", "report.html", "curves_micro.svg", "curves_macro.svg", *RESULTS,
        *(f"cells/{name}-seed{seed}.json" for name in names for seed in (0, 1)),
    }  # fmt: skip
    curves = read(whole / "curves.csv")
    measures = {"micro", "macro", "tail", *(f"{what}:{label}" for what in ("f1", "positives") for label in LABELS)}
    assert {row["measure"] for row in curves} == measures
    assert len(curves) == len(measures) * 2 * (3 * 4 + 1)
    table = {(row["strategy"], row["measure"]): row for row in read(whole / "table.csv")}
    assert len(table) == 9
    assert {row["full"] for key, row in table.items() if key[1] == "tail"} != {""}
    found = read(whole / "significance.csv")
    assert {row["test"] for row in found} == {"paired_t", "corrected_t", "sign_flips"}
    assert {(row["strategy"], row["against"], row["role"]) for row in found} == {
        ("tail_uncertainty", "chance", "chance"), ("mean_entropy", "chance", "chance"),
        ("tail_uncertainty", "mean_entropy", "best other"), ("mean_entropy", "tail_uncertainty", "best other"),
    }  # fmt: skip


def test_the_report_needs_nothing_else_and_says_what_its_tests_can_show(whole: Path) -> None:
    html = (whole / "report.html").read_text(encoding="utf-8")
    assert set(re.findall(r"https?://[^\s\"'<]+", html)) <= {"http://www.w3.org/2000/svg"}
    assert not re.search(r"<(script|link|img|iframe)\b", html)
    assert "cannot fall below 0.5" in html
    assert "57 texts without any label" in html
    assert "藥物&lt;&amp;&gt;" in html
    for measure in ("micro", "macro", "tail"):
        ElementTree.parse(whole / f"curves_{measure}.svg")


def test_a_stopped_run_goes_on_where_it_was(corpus: Corpus, whole: Path, tmp_path: Path) -> None:
    plan = tiny_plan(strategies=("mean_entropy", "tail_uncertainty"))  # in another order, which changes nothing
    store = Store(tmp_path)
    with store.hold(plan, {"data": corpus.digest}), closing(run(plan, corpus, store)) as steps:
        for each in steps:
            if each.done == 2 and each.share > 0:
                break
    assert not store.scratch.exists()
    kept = {path.name: path.stat().st_mtime_ns for path in store.cells.iterdir()}
    assert len(kept) == 2
    (store.cells / "chance-seed1.json").write_text('{"key": [1, "cha', encoding="utf-8")  # of a full disk
    (tmp_path / "scratch").mkdir()
    (tmp_path / "scratch" / "left by a kill").touch()
    finished(plan, corpus, tmp_path)
    assert kept.items() <= {path.name: path.stat().st_mtime_ns for path in store.cells.iterdir()}.items()
    for name in RESULTS:
        assert (tmp_path / name).read_bytes() == (whole / name).read_bytes(), name


def test_strategies_and_seeds_may_be_added_other_sizes_may_not(corpus: Corpus, whole: Path) -> None:
    with Store(whole).hold(tiny_plan(seeds=9), {"data": corpus.digest}):
        pass
    with pytest.raises(BadSetting, match="batch"), Store(whole).hold(tiny_plan(batch=9), {"data": corpus.digest}):
        pass
    with pytest.raises(BadSetting, match="data"), Store(whole).hold(tiny_plan(), {"data": "another"}):
        pass


def test_a_budget_over_the_pool_is_refused(corpus: Corpus) -> None:
    with pytest.raises(BadSetting, match="138") as error:
        checked(tiny_plan(budget=139), corpus)
    assert error.value.fields["field"] == "budget"
    assert len(checked(tiny_plan(budget=138), corpus)) == 2


def test_the_command_from_end_to_end_in_two_processes(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("core.__main__.LANG", "en")
    data = corpus_file(tmp_path / "small.jsonl")
    words = [
        "simulate", "--data", str(data), "--out", str(tmp_path / "out"), "--strategy", "tail_uncertainty,mean_entropy",
        "--seeds", "2", "--first", "10", "--batch", "15", "--budget", "50", "--jobs", "2", "--json",
    ]  # fmt: skip
    assert main(words) == 0
    said = capsys.readouterr()
    path = Path(json.loads(said.out.splitlines()[-1])["report"])
    assert path == tmp_path / "out" / "report.html"
    assert "All cells are finished" in said.err
    for name in RESULTS:
        assert (path.parent / name).read_bytes() == (whole / name).read_bytes(), name


def test_what_goes_wrong_in_a_process_is_said_in_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = [{**row, "labels": ["甲"]} for row in rows(30)]
    data = corpus_file(tmp_path / "one.jsonl", found)
    words = [
        "simulate", "--data", str(data), "--out", str(tmp_path / "out"), "--strategy", "chance", "--learner", "student",
        "--seeds", "1", "--first", "10", "--batch", "5", "--budget", "15", "--jobs", "2", "--set", "segmenter=ckip",
    ]  # fmt: skip
    assert main(words) == 1
    assert "ckip" in capsys.readouterr().err
    assert not list((tmp_path / "out" / "cells").iterdir())
    assert not (tmp_path / "out" / "scratch").exists()


def test_a_cell_of_another_key_is_not_taken(whole: Path, tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.cells.mkdir()
    store.path(Key(3, "chance")).write_bytes(Store(whole).path(Key(0, "chance")).read_bytes())
    assert store.read(Key(3, "chance")) is None
    assert Store(whole).read(Key(0, "chance")) is not None
