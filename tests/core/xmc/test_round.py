"""A round of a tree on arrays: what it publishes, how true its answers are, and that it reads back the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

from bench.xmc.texts import texts_of
from core.config import RoundConfig
from core.errors import LabelWithoutPositives, ModelUnavailable, NoGold, TooFewLabels, TreeNeedsMemory
from core.messages import sentence
from core.steps import drained
from core.xmc.round import STAGES, TreeData, TreeResult, run_tree_round
from core.xmc.student import META, MODEL, load_tree

LABELS, TRAIN, GOLD, POOL = 40, 260, 60, 50


@cache
def _texts() -> tuple[list[str], sp.csr_matrix]:
    return texts_of(LABELS, TRAIN + GOLD + POOL, seed=1)


def data(**other: object) -> TreeData:
    texts, y = _texts()
    y = y.tolil()
    y[:TRAIN, LABELS - 1] = 0  # nobody has met it in training
    y = sp.csr_matrix(y)
    y.eliminate_zeros()
    given = {
        "label_keys": [f"k{n}" for n in range(LABELS)],
        "train_texts": texts[:TRAIN],
        "train_y": y[:TRAIN],
        "gold_texts": texts[TRAIN : TRAIN + GOLD],
        "gold_y": y[TRAIN : TRAIN + GOLD],
        "pool_texts": texts[TRAIN + GOLD :],
    }
    return TreeData(**{**given, **other})  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TreeData, TreeResult, Path, list[tuple]]]:
    out, given, told = tmp_path_factory.mktemp("tree") / "round-1", data(), []
    steps = run_tree_round(given, RoundConfig(), out)
    while True:
        try:
            told.append(next(steps))
        except StopIteration as finished:
            yield given, finished.value, out, told
            return


def test_it_learns_and_measures_on_gold(made) -> None:
    given, result, _, _ = made
    figures = {(m.split, m.scope): m for m in result.metrics}
    together = {"macro", "micro", "weighted", "subset"}
    assert {key for split, key in figures if split == "gold"} == {*given.label_keys, *together}
    assert {key for split, key in figures if split == "valid"} == together
    assert figures["gold", "micro"].f1 > 0.6
    assert all(0 <= each.low <= each.f1 <= each.high <= 1 for each in result.metrics if each.low is not None)
    assert all((each.low is None) == (each.support == 0) for each in result.metrics)
    at = {(each.measure, each.k): each.value for each in result.at_k}
    assert at["P", 1] > 0.7
    assert at["P", 1] >= at["P", 3] >= at["P", 5]
    assert set(at) == {(measure, k) for measure in ("P", "nDCG", "PSP") for k in (1, 3, 5)}
    assert result.n_train + result.n_valid == TRAIN
    assert result.timings.keys() == set(STAGES)


def test_probabilities_tell_how_often_they_are_right(made) -> None:
    _, result, _, _ = made
    assert result.quality["ece"] < 0.03
    assert result.quality["reached"] > 0.9
    p = result.gold.probs[result.gold.labels >= 0]
    assert p.min() >= 0
    assert p.max() <= 1
    assert (np.diff(result.gold.probs, axis=1) <= 0).all()


def test_a_label_nobody_has_met_is_told_and_never_predicted(made) -> None:
    _, result, _, _ = made
    assert result.unseen.tolist() == [LABELS - 1]
    assert not (result.pool.labels == LABELS - 1).any()
    assert 0.02 <= result.thresholds[-1] <= 0.98


def test_reports_go_stage_by_stage_and_a_machine_at_a_time(made) -> None:
    _, _, _, told = made
    stages = [each.stage for each in told]
    assert list(dict.fromkeys(stages)) == list(STAGES)
    machines = [each.done for each in told if each.stage == "machines"]
    assert machines == sorted(machines)
    assert len(machines) >= LABELS  # a heartbeat has a chance after each of them
    assert all(0 <= each.done <= each.total for each in told)


def test_the_student_reads_back_the_same(made) -> None:
    given, result, out, _ = made
    student = load_tree(out)
    again = drained(student.answers(given.pool_texts))
    assert again.labels.tolist() == result.pool.labels.tolist()
    assert again.probs == pytest.approx(result.pool.probs)
    assert student.label_keys == tuple(given.label_keys)
    assert student.thresholds.tolist() == result.thresholds.tolist()
    assert drained(student.answers([])).labels.shape[0] == 0
    assert drained(student.answers(["", "zzz"])).probs.shape[0] == 2


def test_the_same_seed_gives_the_same_files(made, tmp_path: Path) -> None:
    given, _, out, _ = made
    drained(run_tree_round(given, RoundConfig(), tmp_path / "again"))
    first, second = (dict(np.load(each / MODEL)) for each in (out, tmp_path / "again"))
    assert first.keys() == second.keys()
    assert all(np.array_equal(first[name], second[name]) for name in first)


def test_damaged_files_are_refused(made, tmp_path: Path) -> None:
    _, _, out, _ = made
    for name in (MODEL, META):
        (tmp_path / name).write_bytes((out / name).read_bytes())
    about = json.loads((tmp_path / META).read_text(encoding="utf-8"))
    (tmp_path / META).write_text(json.dumps({**about, "format": 99}), encoding="utf-8")
    with pytest.raises(ModelUnavailable, match="99"):
        load_tree(tmp_path)
    (tmp_path / META).write_text(json.dumps({**about, "label_keys": ["a"]}), encoding="utf-8")
    with pytest.raises(ModelUnavailable, match="1 labels"):
        load_tree(tmp_path)
    (tmp_path / MODEL).write_bytes(b"PK nothing")
    with pytest.raises(ModelUnavailable):
        load_tree(tmp_path)


def test_closing_it_leaves_nothing(tmp_path: Path) -> None:
    steps = run_tree_round(data(), RoundConfig(), tmp_path / "round")
    for report in steps:
        if report.stage == "machines":
            break
    steps.close()
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_learned_from_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = data()
    with pytest.raises(NoGold):
        drained(run_tree_round(data(gold_texts=[], gold_y=given.gold_y[:0]), RoundConfig(), tmp_path / "r"))
    few = data(train_texts=given.train_texts[:3], train_y=given.train_y[:3])
    with pytest.raises(TooFewLabels):
        drained(run_tree_round(few, RoundConfig(), tmp_path / "r"))
    with pytest.raises(LabelWithoutPositives):
        drained(run_tree_round(data(train_y=sp.csr_matrix(given.train_y.shape)), RoundConfig(), tmp_path / "r"))
    monkeypatch.setattr("core.xmc.memory.free_bytes", lambda: 2**20)
    with pytest.raises(TreeNeedsMemory) as caught:
        drained(run_tree_round(given, RoundConfig(), tmp_path / "r"))
    assert "1 MB are free" in sentence(caught.value, "en")
    assert not list(tmp_path.iterdir())


def test_one_label_is_a_tree_without_depth(tmp_path: Path) -> None:
    given = data()
    one = data(label_keys=["k0"], train_y=given.train_y[:, :1], gold_y=given.gold_y[:, :1])
    result = drained(run_tree_round(one, RoundConfig(), tmp_path / "r"))
    assert result.pool.labels.shape == (POOL, 1)
    assert {m.scope: m.f1 for m in result.metrics if m.split == "gold"}["k0"] > 0.6


def test_where_every_text_is_needed_to_learn_from_none_is_left_to_choose_on(tmp_path: Path) -> None:
    """A first round of many labels: each text is the only one of some label, so validation is empty."""
    texts, _ = _texts()
    few = data(
        label_keys=[f"k{n}" for n in range(12)], train_texts=texts[:12], train_y=sp.eye(12, format="csr"),
        gold_texts=texts[12:15], gold_y=sp.csr_matrix(np.eye(12)[:3]), pool_texts=[],
    )  # fmt: skip
    found = drained(run_tree_round(few, RoundConfig(), tmp_path / "round-1"))
    assert (found.n_train, found.n_valid) == (12, 0)
    assert np.isfinite(found.thresholds).all()
    assert {each.split for each in found.metrics} >= {"gold"}
