"""A whole comparison on a small corpus: what it leaves behind, and what becomes of it when it is stopped."""

from __future__ import annotations

import csv
import shutil
import signal
from contextlib import closing
from itertools import islice
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from core.__main__ import main
from core.errors import BadSetting
from core.experiments.parted import Parted
from core.reproduce.losses import report
from core.reproduce.losses.plan import BAG, LossPlan
from core.reproduce.losses.published import GROUPS
from core.reproduce.losses.run import run
from core.reproduce.losses.table import CUTS
from core.reproduce.store import Store
from tests.core.reproduce.losses.making import LOSSES, data_file, small, tiny_plan
from tests.core.reproduce.making import LABELS, corpus_file, rows, struck

WORDS = [
    "--losses", "bce", "db", "--seeds", "0", "1", "--segmenter", "words", "--threads", "1", "--resamples", "50",
    "--set", "vector_size=12", "filters=6", "hidden=12", "max_epochs=2", "lr=0.01",
]  # fmt: skip


def finished(plan: LossPlan, data: Parted, out: Path) -> Store:
    store = Store(out)
    with store.hold(plan, {"data": data.digest}):
        told = list(run(plan, data, store))
        report.write(plan, data, store, command="python -m core reproduce losses", resamples=100)
    assert [each.done for each in told] == sorted(each.done for each in told)
    assert told[-1].done == told[-1].total == len(list(plan.cells()))
    return store


def read(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Parted:
    return small(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def whole(data: Parted, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An uninterrupted run; nothing may change it."""
    return finished(tiny_plan(), data, tmp_path_factory.mktemp("whole")).out


def test_the_table_has_every_model_group_and_cut(whole: Path) -> None:
    found = read(whole / "table.csv")
    models = ["svm", "linear", *LOSSES]
    assert [(row["model"], row["cut"], row["group"]) for row in found] == [
        (model, cut, group) for model in models for cut in CUTS for group in GROUPS
    ]
    for row in found:
        assert row["seeds"] == ("1" if row["model"] in models[:2] else "2")
        assert 0 <= float(row["macro"]) <= 100
        assert row["published_macro"] == ""
    assert len({(row["micro"], row["macro"]) for row in found if row["cut"] == "wide"}) > len(GROUPS)


def test_each_label_and_each_pair_has_its_rows(whole: Path) -> None:
    assert {row["label"] for row in read(whole / "per_label.csv")} == set(LABELS)
    pairs = {(row["model"], row["against"]) for row in read(whole / "order.csv")}
    assert pairs == {("fl.v1", "bce.v1"), ("db.v1", "fl.v1"), ("db.v1", "bce.v1")}


def test_the_page_needs_nothing_from_elsewhere_and_says_how_the_parts_were_made(whole: Path) -> None:
    page = (whole / "report.html").read_text(encoding="utf-8")
    assert "The test part is the file&#x27;s own" in page
    assert "What differs from the paper" not in page
    assert "丙&lt;&amp;&gt;" in page
    for outside in ("http:", "https:", "<script", "<link", "@import", "url(", "nan"):
        assert outside not in page.replace('xmlns="http://www.w3.org/2000/svg"', "")


def test_beside_the_published_corpus_stand_the_published_figures_and_what_differs(
    data: Parted, whole: Path, tmp_path: Path
) -> None:
    out = tmp_path / "copy"
    shutil.copytree(whole, out)
    named = Parted(**{**vars(data), "benchmark": "reuters90"})
    page = report.write(tiny_plan(), named, Store(out), command="x", resamples=20).read_text(encoding="utf-8")
    assert "BERT-base-cased" in page
    assert "TextCNN" in page
    assert "(48.89 / 31.39)" in page
    assert {row["published_macro"] for row in read(out / "table.csv") if row["model"] == "db.v1"} >= {"31.3900", ""}


def test_the_figures_are_whole_svg(whole: Path) -> None:
    together = " ".join(ElementTree.parse(whole / "cooccurrence.svg").getroot().itertext())
    assert all(label in together for label in LABELS)
    bands = " ".join(ElementTree.parse(whole / "band_f1.svg").getroot().itertext())
    assert all(word in bands for word in ("head", "tail", "svm", "db"))


def test_a_finished_run_makes_no_cell_again_and_takes_more_losses_and_seeds(
    data: Parted, whole: Path, tmp_path: Path
) -> None:
    out = tmp_path / "copy"
    shutil.copytree(whole, out)
    before = {path.name: path.stat().st_mtime_ns for path in (out / "cells").iterdir()}
    finished(tiny_plan(losses=(*LOSSES, "zlpr.v1"), seeds=(0, 1, 2)), data, out)
    after = {path.name: path.stat().st_mtime_ns for path in (out / "cells").iterdir()}
    assert before.items() <= after.items()
    assert len(after) == len(before) + 4 + 2  # seed 2 of four losses, zlpr of the two seeds that were there


def test_the_plainest_encoder_goes_the_same_way(data: Parted, tmp_path: Path) -> None:
    out = finished(tiny_plan(archs=(BAG,), losses=("bce.v1", "db.v1")), data, tmp_path).out
    found = [row for row in read(out / "table.csv") if row["arch"] == BAG and row["group"] == "total"]
    assert [(row["model"], row["cut"]) for row in found] == [
        (loss, cut) for loss in ("bce.v1", "db.v1") for cut in CUTS
    ]
    named = Parted(**{**vars(data), "benchmark": "reuters90"})
    page = report.write(
        tiny_plan(archs=(BAG,), losses=("bce.v1", "db.v1")), named, Store(out), command="x", resamples=9
    )
    assert "no hidden units" in page.read_text(encoding="utf-8")
    assert "So also the networks" not in page.read_text(encoding="utf-8")


def test_a_damaged_cell_is_made_again_with_the_same_answers(data: Parted, whole: Path, tmp_path: Path) -> None:
    out = tmp_path / "copy"
    shutil.copytree(whole, out)
    cell = out / "cells" / "textcnn-seed1-fold0-db.v1.npz"
    cell.write_bytes(cell.read_bytes()[:300])
    finished(tiny_plan(threads=1), data, out)
    with np.load(cell) as again, np.load(whole / "cells" / cell.name) as first:
        np.testing.assert_array_equal(again["test_probs"], first["test_probs"])


def test_other_settings_in_the_same_place_are_refused_with_the_difference(data: Parted, whole: Path) -> None:
    changed = tiny_plan(settings={**tiny_plan().settings, "filters": 7})
    with pytest.raises(BadSetting) as caught, Store(whole).hold(changed, {"data": data.digest}):
        pass
    assert "filters: 6 → 7" in caught.value.fields["why"]


def test_closing_a_run_in_the_middle_leaves_only_whole_cells(data: Parted, tmp_path: Path) -> None:
    store, plan = Store(tmp_path), tiny_plan()
    with store.hold(plan, {"data": data.digest}), closing(run(plan, data, store)) as steps:
        list(islice(steps, 25))
    assert not list(store.cells.glob("*.part"))
    assert all(store.read(key) is not None for key in plan.cells() if store.path(key).exists())


def command(data: Path, out: Path) -> list[str]:
    return ["reproduce", "losses", "--data", str(data), "--out", str(out), *WORDS]


def test_a_killed_command_goes_on_where_it_was_and_ends_as_one_that_was_not(tmp_path: Path) -> None:
    data, out, undisturbed = data_file(tmp_path / "small.jsonl", 60), tmp_path / "killed", tmp_path / "whole"
    assert struck(command(data, out), 2, signal.SIGKILL).returncode == -signal.SIGKILL
    before = {path.name: path.stat().st_mtime_ns for path in (out / "cells").glob("*.npz")}
    assert 2 <= len(before) < 6
    assert not (out / "report.html").exists()
    assert main(command(data, out)) == main(command(data, undisturbed)) == 0
    after = {path.name: path.stat().st_mtime_ns for path in (out / "cells").glob("*.npz")}
    assert before.items() <= after.items()
    first, second = ([{**row, "seconds": ""} for row in read(each / "table.csv")] for each in (out, undisturbed))
    assert first == second


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["--losses", "magic"], 2, "magic.v1"), (["--seeds", "-1"], 2, "seeds"), (["--resamples", "0"], 2, "resamples"),
        (["--set", "loss=db.v1"], 2, "loss"), (["--parts", "reuters90"], 1, "Reuters-90"),
    ],
)  # fmt: skip
def test_a_wrong_option_is_one_sentence(
    words: list[str], status: int, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr("core.__main__.LANG", "en")
    file = data_file(tmp_path / "small.jsonl", 30)
    assert main(["reproduce", "losses", "--data", str(file), "--out", str(tmp_path / "out"), *words]) == status
    told = capsys.readouterr().err
    assert said in told
    assert told.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_bad_rows_are_told_with_file_line_and_field(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = corpus_file(tmp_path / "bad.jsonl", [*rows(30), {"text": " ", "labels": ["a"]}])
    assert main(["reproduce", "losses", "--data", str(file), "--out", str(tmp_path / "out")]) == 1
    assert "bad.jsonl:31 text:" in capsys.readouterr().err
