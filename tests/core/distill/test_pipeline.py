from collections.abc import Callable, Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.config import RoundConfig
from core.distill import student
from core.distill.lessons import Lessons
from core.distill.pipeline import run_round
from core.distill.student import train_one
from core.errors import LabelWithoutPositives, NoGold, TooFewLabels, TrainingDiverged
from core.train.predict import load_student
from tests.core.making import SMALL, drained, run, small_data

STAGES = ["text", "vectors", "teachers", "student", "standalone", "evaluate", "score", "save"]


def test_a_round_learns_measures_scores_and_publishes(tmp_path: Path):
    data = small_data(n=160, gold=60, pool=50)
    config = RoundConfig.from_mapping(
        {
            **vars(SMALL),
            "sweep": "exact",
            "max_epochs": 25,
            "patience": 10,
            "filters": 16,
            "hidden": 32,
            "vector_size": 32,
        }
    )
    reports, result = run(data, config, tmp_path)
    assert list(dict.fromkeys(report.stage for report in reports if report.stage != "standalone")) == [
        stage for stage in STAGES if stage != "standalone"
    ]
    assert {report.stage for report in reports} == set(STAGES)
    assert all(0 <= report.done <= report.total for report in reports)
    assert result.pool_probs.shape == (50, 3)
    assert result.pool_probs.dtype == np.float32
    assert result.n_train + result.n_valid == 160
    assert set(result.gold_probs) == set(result.thresholds) == {"teacher", "standalone", "student"}
    assert len(result.metrics) == 3 * 2 * (3 + 4)
    macro = {row.model: row.f1 for row in result.metrics if (row.split, row.scope) == ("gold", "macro")}
    assert min(macro.values()) > 0.8
    student = load_student(result.student_dir)
    np.testing.assert_allclose(student.probabilities(data.gold_texts), result.gold_probs["student"], atol=1e-6)
    np.testing.assert_allclose(student.probabilities(data.pool_texts), result.pool_probs, atol=1e-6)
    np.testing.assert_allclose(student.thresholds, result.thresholds["student"])
    assert set(result.teacher_weights) == {"k0", "k1", "k2"}


def test_teachers_say_of_the_pool_what_they_are_asked_for(tmp_path: Path):
    data, config = small_data(), replace(SMALL, teachers="stack")
    silent = run(data, config, tmp_path / "a")[1]
    assert silent.opinions is None
    asked = drained(run_round(data, config, tmp_path / "b" / "out", tmp_path / "b" / "cache", ask_teachers=True))[1]
    np.testing.assert_array_equal(asked.pool_probs, silent.pool_probs)
    together, members = asked.opinions[0], asked.opinions[1:]
    assert together.shape == (30, 3)
    assert len(members) == 2, "a network and a linear model"
    low, high = members.min(axis=0), members.max(axis=0)
    assert ((together >= low - 1e-6) & (together <= high + 1e-6)).mean() > 0.9  # a weight may be below zero
    none = replace(data, pool_texts=[], pool_ids=[])
    empty = drained(run_round(none, config, tmp_path / "c" / "out", tmp_path / "c" / "cache", ask_teachers=True))[1]
    assert empty.opinions.shape == (3, 0, 3)


def test_the_same_round_twice_is_the_same_and_texts_may_come_in_any_order(tmp_path: Path):
    data = small_data()
    order = np.random.default_rng(1).permutation(60)
    mixed = replace(data, train_texts=[data.train_texts[n] for n in order], train_y=data.train_y[order])
    results = [run(d, SMALL, tmp_path / name)[1] for name, d in (("a", data), ("b", data), ("c", mixed))]
    for other in results[1:]:
        np.testing.assert_array_equal(other.pool_probs, results[0].pool_probs)
        assert other.metrics == results[0].metrics


def test_gold_labels_and_texts_change_nothing_but_the_figures(tmp_path: Path):
    data = small_data()
    other = replace(data, gold_texts=["something quite different"] * 20, gold_y=1 - data.gold_y)
    first, second = (run(d, SMALL, tmp_path / name)[1] for name, d in (("a", data), ("b", other)))
    np.testing.assert_array_equal(first.pool_probs, second.pool_probs)


@pytest.mark.parametrize("stop_at", ["text", "vectors", "teachers", "standalone", "evaluate", "save"])
def test_closing_at_any_stage_leaves_nothing(tmp_path: Path, stop_at: str):
    steps = run_round(small_data(), SMALL, tmp_path / "out", tmp_path / "cache")
    while next(steps).stage != stop_at:
        pass
    steps.close()
    assert [path.name for path in tmp_path.iterdir() if path.name != "cache"] == []


def diverging(when: Callable[[np.ndarray], bool]):
    """Training in which the network whose targets are such ones gives no finite answer."""

    def train(lessons: Lessons, targets: np.ndarray, **how: Any) -> Generator[Any, None, Any]:
        if when(targets):
            lessons = replace(lessons, vectors=np.full_like(lessons.vectors, np.nan))
        return (yield from train_one(lessons, targets, **how))

    return train


def test_a_twin_that_diverges_leaves_the_round_and_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(student, "train_one", diverging(lambda y: set(np.unique(y)) == {0, 1}))
    _, result = run(small_data(), SMALL, tmp_path)
    assert ("TwinDiverged", {}) in result.warnings
    assert set(result.gold_probs) == set(result.thresholds) == {"teacher", "student"}
    assert {row.model for row in result.metrics} == {"teacher", "student"}
    assert load_student(result.student_dir).probabilities(["word01 word02"]).shape == (1, 3)


def test_a_student_that_diverges_ends_the_round(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(student, "train_one", diverging(lambda y: set(np.unique(y)) != {0, 1}))
    with pytest.raises(TrainingDiverged):
        run(small_data(), SMALL, tmp_path)
    assert not (tmp_path / "out").exists()


def test_a_label_that_nothing_has_is_a_warning(tmp_path: Path):
    data = small_data()
    data.train_y[:, 1] = 0
    _, result = run(data, SMALL, tmp_path)
    assert result.warnings == [("LabelWithoutPositives", {"labels": "k1"})]
    assert (result.gold_probs["teacher"][:, 1] < 0.01).all()
    assert result.thresholds["student"][1] == 0.5


@pytest.mark.parametrize(("n", "gold", "pool", "words"), [(30, 10, 0, 5), (8, 1, 1, 1), (12, 3, 2, 0)])
def test_tiny_rounds_do_not_crash(tmp_path: Path, n: int, gold: int, pool: int, words: int):
    _, result = run(small_data(n, gold, pool, words=words), SMALL, tmp_path)
    assert np.isfinite(result.pool_probs).all()
    assert result.pool_probs.shape == (pool, 3)


def test_texts_without_a_known_word_are_scored_all_the_same(tmp_path: Path):
    data = replace(small_data(pool=3), pool_texts=["", "？！", "\x00"])
    assert np.isfinite(run(data, SMALL, tmp_path)[1].pool_probs).all()


def test_a_round_that_cannot_run_says_what_it_lacks(tmp_path: Path):
    with pytest.raises(TooFewLabels) as caught:
        run(small_data(n=5), SMALL, tmp_path)
    assert caught.value.fields == {"have": 5, "need": 8}
    with pytest.raises(NoGold):
        run(small_data(gold=0), SMALL, tmp_path)
    data = small_data()
    data.train_y[:] = 0
    with pytest.raises(LabelWithoutPositives):
        run(data, SMALL, tmp_path)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("rule", ["half", "per_label", "micromacro"])
def test_a_rule_by_name_cuts_every_model(tmp_path: Path, rule: str):
    config = replace(SMALL, thresholds=rule, loss="db.v1", hard_share=0.5)
    result = run(small_data(), config, tmp_path)[1]
    if rule == "half":
        assert all((cuts == 0.5).all() for cuts in result.thresholds.values())
    else:
        assert any((cuts != 0.5).any() for cuts in result.thresholds.values())
    for row in result.metrics:
        if row.scope.startswith("k"):
            assert row.threshold == result.thresholds[row.model][int(row.scope[1:])]
