"""Figures against ones worked out by hand, on four test texts and three labels."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.experiments.parted import Parted
from core.reproduce.losses import table
from core.reproduce.losses.plan import BASELINES, LossPlan
from core.reproduce.losses.table import Answers, Comparison, LabelRow, Row
from core.reproduce.plan import Key
from core.reproduce.store import Store
from tests.core.reproduce.losses.making import made

VALID = np.array([[1, 0, 0], [1, 1, 0], [0, 1, 1], [1, 0, 0]], dtype=np.int8)
TEST = np.array([[1, 0, 0], [1, 1, 0], [0, 0, 1], [1, 0, 0]], dtype=np.int8)
ANSWERS = np.array([[0.9, 0.1, 0.1], [0.9, 0.45, 0.1], [0.1, 0.1, 0.1], [0.1, 0.1, 0.1]], dtype=np.float32)


def data(**changes) -> Parted:
    given = {
        "name": "four.jsonl",
        "texts": tuple(f"text {n}" for n in range(12)),
        "y": np.concatenate([VALID, VALID, TEST]),
        "label_keys": ("a", "b", "c"),
        "train": np.arange(4),
        "valid": np.arange(4, 8),
        "test": np.arange(8, 12),
        "bands": ("head", "medium", "tail"),
        "rule": "as made",
    }
    return Parted(**{**given, **changes})


def answers(model: str, *seeds: np.ndarray) -> Answers:
    predicted = np.stack([probs >= 0.5 for probs in seeds])
    return Answers("textcnn.v1", model, dict.fromkeys(table.CUTS, predicted), 1.0)


def row(rows: list[Row], group: str, cut: str = "published") -> Row:
    return next(row for row in rows if (row.group, row.cut) == (group, cut))


def test_figures_of_each_group_are_those_worked_out_by_hand() -> None:
    rows = table.table(data(), [answers("db.v1", ANSWERS)])
    # predicted: a of texts 1 and 2; missed: a of 4, b of 2, c of 3
    assert (row(rows, "total").micro, row(rows, "total").macro) == pytest.approx((100 * 4 / 7, 100 * 0.8 / 3))
    assert (row(rows, "head").macro, row(rows, "medium").macro, row(rows, "tail").macro) == pytest.approx((80, 0, 0))
    assert (row(rows, "single").micro, row(rows, "single").macro) == pytest.approx((100 * 2 / 4, 100 * (2 / 3) / 3))
    assert (row(rows, "multi").micro, row(rows, "multi").macro) == pytest.approx((100 * 2 / 3, 100 / 3))


def test_a_mean_and_spread_over_seeds() -> None:
    rows = table.table(data(), [answers("db.v1", ANSWERS, np.zeros((4, 3)))])
    found = row(rows, "head")
    assert (found.seeds, found.macro, found.macro_sd) == (2, pytest.approx(40), pytest.approx(np.std([80, 0], ddof=1)))


def test_published_figures_stand_beside_the_published_corpus_and_cut_alone() -> None:
    ours = [answers("db.v1", ANSWERS)]
    beside = table.table(data(benchmark="reuters90"), ours)
    assert (row(beside, "tail").published_micro, row(beside, "tail").published_macro) == (48.89, 31.39)
    assert row(beside, "tail", "wide").published_macro is None
    assert row(table.table(data(), ours), "tail").published_macro is None
    assert row(table.table(data(benchmark="reuters90"), [answers("asl.v1", ANSWERS)]), "total").published_micro is None


def test_a_group_without_texts_is_left_out() -> None:
    alone = data(y=np.concatenate([VALID, VALID, np.eye(3, dtype=np.int8)[[0, 1, 2, 0]]]))
    assert "multi" not in table.groups(alone)
    assert {each.group for each in table.table(alone, [answers("db.v1", ANSWERS)])} == {
        "total", "head", "medium", "tail", "single",
    }  # fmt: skip


def test_every_cut_looks_at_validation_alone() -> None:
    valid = np.where(VALID, 0.3, 0.2).astype(np.float32)
    cell = made(ANSWERS, valid)
    assert table.cut_of(cell, VALID, "published") == 0.4  # none is better: the first of the grid
    assert 0.2 < table.cut_of(cell, VALID, "wide") <= 0.3
    each = table.cut_of(cell, VALID, "each")
    assert np.shape(each) == (3,)
    assert table.cut_of(made(ANSWERS, valid, chosen={"cut": 0.61}), VALID, "published") == 0.61
    moved = made(1 - ANSWERS, valid)
    assert [table.cut_of(moved, VALID, cut) for cut in ("published", "wide")] == [
        table.cut_of(cell, VALID, cut) for cut in ("published", "wide")
    ]


def test_cells_become_answers_and_a_missing_one_is_named(tmp_path: Path) -> None:
    plan, store = LossPlan(losses=("bce.v1", "fl.v1"), seeds=(0, 1)), Store(tmp_path)
    store.cells.mkdir(parents=True)
    for key in plan.cells():
        store.write(key, made(ANSWERS, VALID.astype(np.float32)))
    found = table.gather(plan, data(), store)
    assert [(each.arch, each.model) for each in found] == [
        *((key.arch, key.model) for key in BASELINES), ("textcnn.v1", "bce.v1"), ("textcnn.v1", "fl.v1"),
    ]  # fmt: skip
    assert [each.predicted["published"].shape for each in found] == [(1, 4, 3), (1, 4, 3), (2, 4, 3), (2, 4, 3)]
    assert found[-1].seconds == 3.0
    store.path(Key(1, 0, "textcnn.v1", "fl.v1")).unlink()
    with pytest.raises(FileNotFoundError, match=r"seed1-fold0-fl"):
        table.gather(plan, data(), store)


def test_the_order_is_tested_over_seeds_and_over_texts() -> None:
    plan = LossPlan(losses=("bce.v1", "fl.v1", "hill.v1"), seeds=(0, 1))
    better = np.where(TEST > 0, 0.9, 0.1)
    given = [answers("bce.v1", ANSWERS, ANSWERS), answers("fl.v1", better, better), answers("hill.v1", better, better)]
    found = list(table.comparisons(plan, data(), given, resamples=50))
    assert {(each.model, each.against) for each in found} == {("fl.v1", "bce.v1")}
    assert {each.figure for each in found} == {"tail macro", "macro", "micro"}
    tail = next(each for each in found if (each.figure, each.cut) == ("tail macro", "published"))
    assert (tail.difference, tail.ahead, tail.seeds) == (pytest.approx(100), 2, 2)
    assert tail.seeds_p == 0
    assert 0 < tail.texts_p <= 1
    assert tail.texts_high == pytest.approx(100)
    alone = [replace(each, predicted={cut: one[:1] for cut, one in each.predicted.items()}) for each in given]
    single = list(table.comparisons(plan, data(), alone, resamples=50))
    assert {each.seeds_p for each in single} == {None}


def test_tables_are_written_with_every_field_and_nothing_that_is_no_number() -> None:
    plan, given = (
        LossPlan(losses=("bce.v1", "fl.v1"), seeds=(0,)),
        [answers("bce.v1", ANSWERS), answers("fl.v1", ANSWERS)],
    )
    written = [
        table.rows_csv(table.table(data(), given), Row),
        table.rows_csv(table.labels(data(), given), LabelRow),
        table.rows_csv(list(table.comparisons(plan, data(), given, resamples=20)), Comparison),
    ]
    for each in written:
        assert "nan" not in each
        assert "None" not in each
    found = list(csv.DictReader(written[1].splitlines()))
    assert {(one["label"], one["band"], one["training_texts"], one["test_texts"]) for one in found} == {
        ("a", "head", "3", "3"), ("b", "medium", "2", "1"), ("c", "tail", "1", "1"),
    }  # fmt: skip
