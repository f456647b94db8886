"""A whole comparison on a small corpus: what it leaves behind, and what becomes of it when it is stopped."""

from __future__ import annotations

import csv
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from core.__main__ import main
from core.encoders.load import load
from core.errors import BadSetting, TooManyClusters
from core.experiments.parted import Parted
from core.reproduce.xmc import report
from core.reproduce.xmc.models import NOTHING, Answer, task_of
from core.reproduce.xmc.plan import MODELS, XmcPlan
from core.reproduce.xmc.run import path, read, run
from core.steps import drained
from core.xmc.nets.readers import Encoded
from tests.core.encoders.making import folder
from tests.core.reproduce.losses.making import data_file, small
from tests.core.reproduce.making import LABELS

TINY = {"seeds": (0, 1), "depth": 1, "kept": 1, "width": 8, "steps": 30, "batch": 16, "lr": 0.02}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Parted:
    return small(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def whole(data: Parted, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An uninterrupted run; nothing may change it."""
    out = tmp_path_factory.mktemp("whole")
    told = list(run(XmcPlan(**TINY), data, out, words=True))
    assert [each.done for each in told] == sorted(each.done for each in told)
    assert told[-1].done == told[-1].total == 3 + 3 * 2
    report.write(XmcPlan(**TINY), data, out, command="python -m core reproduce xmc")
    return out


def test_the_table_has_every_way_and_the_lists_together(whole: Path) -> None:
    found = list(csv.DictReader((whole / "table.csv").read_text(encoding="utf-8").splitlines()))
    assert [row["model"] for row in found] == [*MODELS[:5], "tree together", "aplc"]
    for row in found:
        for figure in report.FIGURES:
            assert row[figure] == "" or 0 <= float(row[figure]) <= 100
    assert found[5]["micro"] == ""
    assert float(found[0]["P@1"]) > 50
    page = (whole / "report.html").read_text(encoding="utf-8")
    assert "nan" not in page
    assert "pretrained" in page


def test_the_ranker_alone_is_one_vs_rest(data: Parted, whole: Path) -> None:
    found = [read(whole, name, 0) for name in ("ranker", "svm")]
    ranker, machines = (each[0].test for each in found if each)
    seen = task_of(data, words=True).seen
    assert np.array_equal(ranker[:, seen].argmax(axis=1), machines[:, seen].argmax(axis=1))


def test_a_stopped_run_goes_on_and_gives_the_same(data: Parted, whole: Path, tmp_path: Path) -> None:
    plan = XmcPlan(**TINY)
    steps = run(plan, data, tmp_path, words=True)
    for told in islice(steps, 500):
        if told.done == 4:
            break
    steps.close()
    assert len(list((tmp_path / "cells").glob("*.npz")) if (tmp_path / "cells").exists() else []) == 4
    path(tmp_path, "svm", 0).write_bytes(b"damaged")
    told = list(run(plan, data, tmp_path, words=True))
    assert told[0].done == 3
    for name, seed in plan.cells():
        first, again = read(whole, name, seed), read(tmp_path, name, seed)
        assert first is not None
        assert again is not None
        assert np.array_equal(first[0].test, again[0].test)
    assert list(run(plan, data, tmp_path, words=True)) == []


def test_what_is_no_candidate_is_given_to_nobody(data: Parted, whole: Path) -> None:
    cell = read(whole, "tree", 0)
    assert cell is not None
    assert (cell[0].test <= NOTHING).any(axis=1).all()  # one of two clusters is kept
    silent = Answer(np.full_like(cell[0].valid, NOTHING), np.full_like(cell[0].test, NOTHING))
    assert set(report.measured(data, silent).values()) == {0.0}


def test_more_clusters_than_labels_end_it_in_words(data: Parted, tmp_path: Path) -> None:
    with pytest.raises(TooManyClusters):
        drained(run(XmcPlan(**{**TINY, "models": ("tree",), "depth": 3}), data, tmp_path, words=True))


@pytest.mark.parametrize(
    "wrong", [{"models": ("bert",)}, {"models": ()}, {"seeds": (0, 0)}, {"kept": 0}, {"lr": 0}, {"depth": -2}]
)
def test_settings_outside_their_bounds_are_refused(wrong: dict) -> None:
    with pytest.raises(BadSetting):
        XmcPlan(**wrong)


def test_the_command_writes_a_report_and_refuses_other_settings(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = [
        "reproduce",
        "xmc",
        "--data",
        str(data_file(tmp_path / "d.jsonl")),
        "--out",
        str(tmp_path / "out"),
        "--words",
    ]
    line += ["--models", "ranker", "recursive", "--seeds", "0", "--kept", "1"]
    assert main(line) == 0
    assert (tmp_path / "out" / "report.html").is_file()
    assert capsys.readouterr().out.strip().endswith("report.html")
    assert main([*line[:-1], "2"]) == 1
    assert "kept: 1" in capsys.readouterr().err
    assert main([*line, "--models", "bert"]) == 2
    assert len(LABELS) == 3


def test_tree_and_clusters_read_by_an_encoder(data: Parted, whole: Path, tmp_path: Path) -> None:
    folder(tmp_path / "encoder", characters=sorted(set("".join(data.texts))), vocab=400)
    encoder = load(str(tmp_path / "encoder"))
    before = encoder.digest
    plan = XmcPlan(**{**TINY, "seeds": (0,)}, models=("tree", "aplc"), encoder=before, tokens=16)
    out = tmp_path / "out"
    list(run(plan, data, out, words=True, encoder=encoder))
    report.write(plan, data, out, command="python -m core reproduce xmc")
    assert encoder.digest == before  # each way has its own copy to teach
    assert before in (out / "report.html").read_text(encoding="utf-8")
    for name in ("tree", "aplc"):
        found, other = read(out, name, 0), read(whole, name, 0)
        assert found is not None
        assert other is not None
        assert found[0].test.shape == other[0].test.shape
        assert not np.array_equal(found[0].test, other[0].test)


def test_a_directory_is_of_one_encoder() -> None:
    """Plans without an encoder are compared as before there was any."""
    assert not set(XmcPlan().frozen()) & {"encoder", "tokens", "encoder_lr"}
    assert XmcPlan(encoder="a").frozen() != XmcPlan(encoder="b").frozen()
    for field, value in (("tokens", 4), ("encoder_lr", 0.0)):
        with pytest.raises(BadSetting):
            XmcPlan(**{field: value})


def test_what_an_encoder_reads_does_not_depend_on_the_texts_beside_it(tmp_path: Path) -> None:
    folder(tmp_path)
    reader = Encoded(load(str(tmp_path)))
    rows = [np.arange(2, 2 + length) for length in (3, 9, 1)]
    alone = np.concatenate([reader.embedded([row]) for row in rows])
    assert np.allclose(reader.embedded(rows), alone, atol=1e-5)
    reader(reader.batch(rows, np.arange(3))).sum().backward()
    assert any(value.grad is not None and value.grad.abs().sum() > 0 for value in reader.network.parameters())
