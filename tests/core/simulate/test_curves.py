from __future__ import annotations

import numpy as np
import pytest

from core.simulate.curves import Curves, comparisons, reached, table
from core.simulate.plan import CHANCE, FULL
from tests.core.simulate.making import tiny_plan


def curves(name: str, *heights: list[float], n: tuple[int, ...] = (10, 20, 40)) -> Curves:
    values = np.array(heights)
    rest = np.zeros((*values.shape, 3))
    return Curves(
        strategy=name, labelled=np.array([n] * len(values)), values=dict.fromkeys(("micro", "macro", "tail"), values),
        f1=rest, positives=rest.astype(int), seconds=np.ones(len(values)), learn_s=np.ones_like(values),
    )  # fmt: skip


def test_an_area_is_the_mean_height_over_the_labels() -> None:
    assert curves("a", [0.2, 0.4, 0.6]).areas("macro") == pytest.approx([(0.3 * 10 + 0.5 * 20) / 30])
    assert curves("a", [0.2], n=(10,)).areas("macro") == pytest.approx([0.2])


def test_labels_to_a_height_lie_between_two_points() -> None:
    n, curve = np.array([10, 20, 40]), np.array([0.2, 0.4, 0.3])
    assert reached(n, curve, 0.3) == pytest.approx(15)
    assert reached(n, curve, 0.1) == 10
    assert reached(n, curve, 0.4) == 20
    assert reached(n, curve, 0.41) is None
    assert reached(n, curve, 0.0) is None, "a share of nothing"


def test_the_table_counts_labels_on_the_mean_curve_and_seeds_on_their_own() -> None:
    found = {
        FULL: curves(FULL, [0.5], [0.5], n=(99,)),
        CHANCE: curves(CHANCE, [0.1, 0.2, 0.3], [0.1, 0.2, 0.5]),
        "a": curves("a", [0.1, 0.4, 0.6], [0.1, 0.4, 0.4]),
    }
    rows = {row.strategy: row for row in table(found) if row.measure == "tail"}
    assert list(rows) == ["a", CHANCE]
    assert rows["a"].needed[0.8].labels == pytest.approx(20)
    assert (rows["a"].needed[0.9].labels, rows["a"].needed[0.9].seeds) == (pytest.approx(30), 1)
    assert (rows[CHANCE].needed[0.8].labels, rows[CHANCE].needed[0.8].seeds) == (pytest.approx(40), 1)
    assert rows[CHANCE].needed[0.9].labels is None
    assert rows["a"].full == 0.5


def test_differences_are_paired_by_seed() -> None:
    shared = np.random.default_rng(0).normal(scale=0.1, size=5)
    found = {
        FULL: curves(FULL, *[[0.9]] * 5, n=(99,)),
        CHANCE: curves(CHANCE, *[[0.3 + each] * 3 for each in shared]),
        "a": curves("a", *[[0.32 + each + 0.001 * at] * 3 for at, each in enumerate(shared)]),
    }
    told = [each for each in comparisons(tiny_plan(seeds=5), found) if each.measure == "tail"]
    assert {each.role for each in told} == {"chance"}, "nobody else to be better than"
    by_test = {each.test: each for each in told}
    assert by_test["paired_t"].p < 0.001 < by_test["sign_flips"].p == 0.0625
    assert by_test["paired_t"].p < by_test["corrected_t"].p < 0.05
    assert all(each.difference == pytest.approx(0.022) for each in told)
    assert not list(comparisons(tiny_plan(seeds=1), found))
