"""One cell: the product's own loop on a corpus whose answers are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.experiments.corpus import Corpus
from core.simulate.cells import cell, split, tail
from core.simulate.plan import FULL, Key, Plan
from core.steps import drained
from tests.core.simulate.making import small_corpus, tiny_plan

STUDENT = {
    "vector_size": 12, "filters": 6, "hidden": 12, "max_epochs": 2, "spliced": 0.0, "teacher_arch": "textcnn.v1",
    "class_weights": [1.0], "max_tokens": 40,
}  # fmt: skip


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return small_corpus(tmp_path_factory.mktemp("data"))


def made(plan: Plan, corpus: Corpus, name: str, scratch: Path, seed: int = 0) -> dict:
    return drained(cell(plan, corpus, Key(seed, name), scratch))


def told(found: dict) -> list[tuple]:
    return [(each["n"], each["micro"], each["macro"], each["tail"], each["positives"]) for each in found["points"]]


def test_a_curve_rises_no_text_is_chosen_twice_and_none_of_the_test(corpus: Corpus, tmp_path: Path) -> None:
    plan = tiny_plan()
    found = made(plan, corpus, "tail_uncertainty", tmp_path)
    assert [each["n"] for each in found["points"]] == [10, 25, 40, 50]
    assert found["points"][-1]["macro"] > found["points"][0]["macro"]
    assert len(set(found["chosen"])) == 50
    parts = split(plan, corpus, 0)
    assert set(found["chosen"]) <= set(parts.pool.tolist())
    assert not set(parts.pool.tolist()) & set(parts.test.tolist())
    assert found["points"][-1]["positives"] == corpus.y[found["chosen"]].sum(axis=0).tolist()
    assert list(tmp_path.iterdir()) == [], "a cell leaves no file"


def test_the_same_seed_gives_the_same_curve_and_every_strategy_the_same_start(corpus: Corpus, tmp_path: Path) -> None:
    first, again = (made(tiny_plan(), corpus, "threshold_entropy", tmp_path) for _ in range(2))
    assert (told(first), first["chosen"]) == (told(again), again["chosen"])
    other = made(tiny_plan(), corpus, "chance", tmp_path)
    assert told(other)[0] == told(first)[0]
    assert other["chosen"] != first["chosen"]
    assert made(tiny_plan(), corpus, "chance", tmp_path, seed=1)["chosen"][:10] != other["chosen"][:10]


def test_the_full_cell_learns_from_the_whole_pool(corpus: Corpus, tmp_path: Path) -> None:
    plan = tiny_plan()
    found = made(plan, corpus, FULL, tmp_path)
    assert [each["n"] for each in found["points"]] == [len(split(plan, corpus, 0).pool)]
    assert found["points"][0]["macro"] >= made(plan, corpus, "chance", tmp_path)["points"][0]["macro"]


def test_the_whole_pool_may_be_asked_for(corpus: Corpus, tmp_path: Path) -> None:
    size = len(split(tiny_plan(), corpus, 0).pool)
    found = made(tiny_plan(first=40, batch=60, budget=size), corpus, "tail_uncertainty", tmp_path)
    assert sorted(found["chosen"]) == split(tiny_plan(), corpus, 0).pool.tolist()
    full = made(tiny_plan(), corpus, FULL, tmp_path)
    assert found["points"][-1]["macro"] == pytest.approx(full["points"][0]["macro"], abs=0.02)


def test_the_queue_of_the_product_finds_more_of_the_rare_label_than_chance(corpus: Corpus, tmp_path: Path) -> None:
    rare = {
        name: sum(made(tiny_plan(), corpus, name, tmp_path, seed)["points"][-1]["positives"][2] for seed in (0, 1))
        for name in ("tail_uncertainty", "chance")
    }
    assert rare["tail_uncertainty"] > rare["chance"]


def test_from_no_label_at_all_the_labels_own_words_find_the_first_texts(corpus: Corpus, tmp_path: Path) -> None:
    plan = tiny_plan(first=0, batch=5, budget=15)
    found = made(plan, corpus, "long_tail", tmp_path)
    assert [each["n"] for each in found["points"]] == [5, 10, 15]
    assert len(set(found["chosen"])) == 15
    by_chance = made(plan, corpus, "chance", tmp_path)
    assert min(found["points"][-1]["positives"]) > min(by_chance["points"][-1]["positives"])


def test_a_student_learns_by_whole_rounds(corpus: Corpus, tmp_path: Path) -> None:
    plan = tiny_plan(learner="student", first=20, batch=15, budget=35, settings=STUDENT)
    found = made(plan, corpus, "bald", tmp_path)  # it needs the teachers, which the fast lane does not have
    assert [each["n"] for each in found["points"]] == [20, 35]
    assert len(set(found["chosen"])) == 35
    assert all(0 <= each["micro"] <= 1 and len(each["f1"]) == 3 for each in found["points"])
    assert list(tmp_path.iterdir()) == []


def test_the_tail_is_the_rarest_four_of_many_labels_and_a_third_of_few() -> None:
    assert tail(9).tolist() == [5, 6, 7, 8]
    assert tail(8).tolist() == [4, 5, 6, 7]
    assert tail(7).tolist() == [5, 6]
    assert tail(2).tolist() == [1]
    assert np.array_equal(tail(1), [0])
