"""A whole experiment on a small corpus: what it leaves behind, and what becomes of it when it is stopped."""

from __future__ import annotations

import csv
import json
import shutil
import signal
from contextlib import closing
from dataclasses import asdict, replace
from itertools import islice
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from core.__main__ import main
from core.errors import BadFile, BadSetting
from core.experiments.corpus import Corpus, load
from core.reproduce import report
from core.reproduce.plan import Key, Plan
from core.reproduce.run import run
from core.reproduce.store import Cell, Store
from tests.core.reproduce.making import LABELS, TINY, corpus_file, rows, struck, tiny_plan

RESULTS = ("table.csv", "per_label.csv", "significance.csv")


def finished(plan: Plan, corpus: Corpus, out: Path) -> Store:
    store = Store(out)
    with store.hold(plan, {"data": corpus.digest}):
        reports = list(run(plan, corpus, store))
        report.write(plan, corpus, store, command="python -m core reproduce kd", resamples=100)
    assert [each.done for each in reports] == sorted(each.done for each in reports)
    return store


def read(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return load(corpus_file(tmp_path_factory.mktemp("data") / "small.jsonl"))


@pytest.fixture(scope="module")
def whole(corpus: Corpus, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An uninterrupted run; nothing may change it."""
    return finished(tiny_plan(recipes=("kd", "oof", "mixed")), corpus, tmp_path_factory.mktemp("whole")).out


def test_the_table_has_every_model_at_both_cuts_with_mean_and_spread(whole: Path) -> None:
    found = read(whole / "table.csv")
    own = [name for recipe in ("kd", "oof", "mixed") for name in (f"{recipe} teachers", recipe)]
    models = ["linear", "teacher", "standalone", *own]
    assert [(row["model"], row["cut"]) for row in found] == [(m, cut) for m in models for cut in ("0.5", "tuned")]
    for row in found:
        assert (row["seeds"], row["folds"]) == ("1", "3")
        assert 0 <= float(row["macro_mean"]) <= 100
        assert float(row["macro_sd"]) >= 0
    figures = {
        row["model"]: {name: value for name, value in row.items() if name != "model"}
        for row in found if row["cut"] == "0.5"
    }  # fmt: skip
    assert figures["kd teachers"] == figures["mixed teachers"] == figures["teacher"]
    assert figures["oof teachers"] != figures["teacher"]


def test_each_label_and_each_comparison_has_its_rows(whole: Path) -> None:
    labels, tests = read(whole / "per_label.csv"), read(whole / "significance.csv")
    assert {row["label"] for row in labels} == set(LABELS)
    pairs = {(row["model"], row["against"]) for row in tests}
    assert {
        ("kd", "standalone"),
        ("kd", "teacher"),
        ("kd", "linear"),
        ("oof", "oof teachers"),
        ("mixed", "mixed teachers"),
        ("oof", "kd"),
    } <= pairs
    assert {row["test"] for row in tests} == {"corrected_t", "corrected_t_learned", "paired_bootstrap"}
    assert all(float(row["low"]) <= float(row["high"]) and 0 <= float(row["p"]) <= 1 for row in tests)


def test_the_report_needs_nothing_from_elsewhere_and_says_that_the_data_differ(whole: Path) -> None:
    page = (whole / "report.html").read_text(encoding="utf-8")
    assert "The data differ." in page
    assert "76.80" in page  # published, kd
    assert "甲類症狀" in page
    assert "丙&lt;&amp;&gt;" in page
    assert "丙<&>" not in page
    for outside in ("http:", "https:", "<script", "<link", "@import", "url("):
        assert outside not in page.replace('xmlns="http://www.w3.org/2000/svg"', "")


def test_the_figures_are_whole_svg_with_every_label(whole: Path) -> None:
    for name in ("per_label_f1.svg", "fold_labels.svg"):
        said = " ".join(ElementTree.parse(whole / name).getroot().itertext())
        assert all(label in said for label in LABELS), name


def test_a_finished_run_makes_no_cell_again_and_takes_more_recipes(corpus: Corpus, whole: Path, tmp_path: Path) -> None:
    out = tmp_path / "copy"
    shutil.copytree(whole, out)
    before = {path.name: path.stat().st_mtime_ns for path in (out / "cells").iterdir()}
    finished(tiny_plan(recipes=("kd", "oof", "mixed", "oof_mixed")), corpus, out)
    after = {path.name: path.stat().st_mtime_ns for path in (out / "cells").iterdir()}
    assert {name for name in after if name not in before} == {f"textcnn-seed0-fold{f}-oof_mixed.npz" for f in range(3)}
    assert before.items() <= after.items()


def test_a_damaged_cell_is_made_again_with_the_same_answers(corpus: Corpus, whole: Path, tmp_path: Path) -> None:
    out = tmp_path / "copy"
    shutil.copytree(whole, out)
    cell = out / "cells" / "textcnn-seed0-fold1-kd.npz"
    cell.write_bytes(cell.read_bytes()[:300])
    finished(tiny_plan(recipes=("kd", "oof", "mixed")), corpus, out)
    with np.load(cell) as again, np.load(whole / "cells" / cell.name) as first:
        np.testing.assert_array_equal(again["test_probs"], first["test_probs"])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"folds": 4}, "folds: 3 → 4"),
        ({"settings": {**TINY, "filters": 7}}, "filters: 6 → 7"),
        ({}, "data:"),
    ],
)
def test_other_settings_or_data_in_the_same_place_are_refused_with_the_difference(
    corpus: Corpus, whole: Path, change: dict, said: str
) -> None:
    data = corpus.digest if change else "another"
    with pytest.raises(BadSetting) as caught, Store(whole).hold(tiny_plan(**change), {"data": data}):
        pass
    assert said in caught.value.fields["why"]


def test_a_recipe_that_has_changed_since_is_refused(
    corpus: Corpus, whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("core.reproduce.plan", fromlist=["RECIPES"]).RECIPES, "mixed", {"hard_share": 0.3})
    with pytest.raises(BadSetting) as caught, Store(whole).hold(tiny_plan(recipes=("mixed",)), {"data": corpus.digest}):
        pass
    assert "hard_share: 0.5 → 0.3" in caught.value.fields["why"]
    assert "mixed.npz" in str(caught.value.fields["value"])


def test_cells_whose_spliced_texts_were_others_are_refused(tmp_path: Path) -> None:
    recipe = "oof_stack_spliced"
    plan, store, key = tiny_plan(recipes=("kd", recipe)), Store(tmp_path), Key(0, 0, "textcnn.v1", recipe)
    with store.hold(plan, {}):
        pass
    nothing = np.zeros((0, 3), dtype=np.float32)
    before = asdict(replace(plan.config(key), threads=0))
    del before["threads"]
    cell = Cell(test=np.zeros(0, dtype=np.int64), test_probs=nothing, valid_probs=nothing, thresholds=np.zeros(3))
    store.write(key, replace(cell, meta={"config": before}))
    with pytest.raises(BadSetting) as caught, store.hold(plan, {}):
        pass
    assert "splicing: of any two texts → within folds" in caught.value.fields["why"]


def test_a_cell_older_than_a_setting_is_taken_for_what_was_done_then(tmp_path: Path) -> None:
    plan, store, key = tiny_plan(), Store(tmp_path), Key(0, 0, "textcnn.v1", "kd")
    with store.hold(plan, {}):
        pass
    before = {name: v for name, v in plan.comparable(plan.config(key)).items() if name not in ("spliced", "hard_share")}
    nothing = np.zeros((0, 3), dtype=np.float32)
    cell = Cell(test=np.zeros(0, dtype=np.int64), test_probs=nothing, valid_probs=nothing, thresholds=np.zeros(3))
    store.write(key, replace(cell, meta={"config": before}))
    with store.hold(plan, {}):
        assert store.has(key)
    with (
        pytest.raises(BadSetting, match=r"spliced: 0.0 → 1.0"),
        store.hold(tiny_plan(settings={**TINY, "spliced": 1.0}), {}),
    ):
        pass


def test_two_runs_cannot_write_to_one_place(corpus: Corpus, whole: Path) -> None:
    data = {"data": corpus.digest}
    with (
        Store(whole).hold(tiny_plan(), data),
        pytest.raises(BadSetting, match="another run"),
        Store(whole).hold(tiny_plan(), data),
    ):
        pass


def test_a_place_that_cannot_be_is_said_so(corpus: Corpus, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadFile), Store(tmp_path / "file").hold(tiny_plan(), {}):
        pass


def test_closing_a_run_in_the_middle_leaves_only_whole_cells(corpus: Corpus, tmp_path: Path) -> None:
    store, plan = Store(tmp_path), tiny_plan()
    with store.hold(plan, {"data": corpus.digest}), closing(run(plan, corpus, store)) as steps:
        list(islice(steps, 30))
    assert not list(store.cells.glob("*.part"))
    assert all(store.read(key) is not None for key in plan.cells() if store.path(key).exists())


def test_a_label_of_one_text_a_label_of_all_and_an_empty_set_are_carried_through(tmp_path: Path) -> None:
    found = rows(40)
    for row in found:
        row["labels"] = [*row["labels"], "all"]
    found[3]["labels"].append("once")
    odd = load(corpus_file(tmp_path / "odd.jsonl", found))
    out = finished(tiny_plan(), odd, tmp_path / "out").out
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "no training text carries “once”" in page
    assert page.count("no test text carries “once”") == 2
    assert "Every text carries label “all”." in page
    f1 = {row["label"]: row["f1"] for row in read(out / "per_label.csv") if (row["model"], row["cut"]) == ("kd", "0.5")}
    assert {"all", "once"} <= set(f1)


def test_two_seeds_are_two_repetitions_on_folds_of_their_own(corpus: Corpus, tmp_path: Path) -> None:
    store = finished(tiny_plan(seeds=(0, 1), folds=2), corpus, tmp_path)
    assert {row["seeds"] for row in read(tmp_path / "table.csv")} == {"2"}
    assert {row["n"] for row in read(tmp_path / "significance.csv") if row["test"] == "corrected_t"} == {"4"}
    first, second = (store.read(key) for key in list(tiny_plan(seeds=(0, 1), folds=2).cells())[::8][:2])
    assert first is not None
    assert second is not None
    assert first.test.tolist() != second.test.tolist()


def command(data: Path, out: Path, *more: str) -> list[str]:
    settings = [f"{name}={json.dumps(value)}" for name, value in TINY.items() if name not in ("segmenter", "sweep")]
    return [
        "reproduce", "kd", "--data", str(data), "--out", str(out), "--arch", "textcnn",
        "--folds", "3", "--segmenter", "words", "--sweep", "fast", "--recipes", "kd,oof,mixed", "--threads", "2",
        "--resamples", "100", "--set", *settings, *more,
    ]  # fmt: skip


def test_a_killed_run_goes_on_where_it_was_and_ends_with_the_same_table(
    whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, out = corpus_file(tmp_path / "small.jsonl"), tmp_path / "out"
    assert struck(command(data, out), 5, signal.SIGKILL).returncode == -signal.SIGKILL
    before = {path.name: path.stat().st_mtime_ns for path in (out / "cells").glob("*.npz")}
    assert 5 <= len(before) < 21
    assert not (out / "table.csv").exists()
    assert main(command(data, out, "--json")) == 0
    assert Path(json.loads(capsys.readouterr().out.splitlines()[-1])["report"]).exists()
    after = {path.name: path.stat().st_mtime_ns for path in (out / "cells").glob("*.npz")}
    assert before.items() <= after.items()
    for name in RESULTS:
        seconds = [{k: v for k, v in row.items() if k != "seconds"} for row in read(out / name)]
        assert seconds == [{k: v for k, v in row.items() if k != "seconds"} for row in read(whole / name)]


def test_an_interrupted_run_says_how_to_go_on(tmp_path: Path) -> None:
    data, out = corpus_file(tmp_path / "small.jsonl"), tmp_path / "out"
    ended = struck(command(data, out), 1, signal.SIGINT)
    assert ended.returncode == 130, ended.stderr
    assert "the same command goes on" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not list((out / "cells").glob("*.part"))


def test_the_further_recipes_run_on_a_recurrent_architecture_too(tmp_path: Path) -> None:
    small = load(corpus_file(tmp_path / "small.jsonl", rows(24)))
    settings = {**TINY, "max_epochs": 1, "oof_folds": 2, "han_hidden": 4}
    recipes = ("kd", "best", "spliced", "trainable", "label_attention")
    plan = tiny_plan(archs=("textcnn.v1", "han.v1"), recipes=recipes, folds=2, settings=settings)
    store = finished(plan, small, tmp_path / "out")
    found = {(row["arch"], row["model"]) for row in read(store.out / "table.csv")}
    assert {("textcnn.v1", recipe) for recipe in recipes} <= found
    assert {("han.v1", recipe) for recipe in recipes[:-1]} <= found
    teachers = store.read(Key(0, 0, "textcnn.v1", "spliced-teacher"))
    assert teachers is not None
    assert len(teachers.soft) == 4 * (len(small.texts) - len(teachers.test) - len(teachers.valid_probs))
