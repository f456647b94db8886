"""How many more gold texts a figure needs."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from core.evaluate.gold_needed import for_half_width, for_positives, recall_bound


def test_the_expected_number_is_what_is_lacking_over_the_share() -> None:
    found = for_positives(7, 28)
    assert found is not None
    assert (found.positives, found.expected) == (3, 12)
    low, high = stats.binomtest(7, 28).proportion_ci(method="wilson")
    assert (found.low, found.high) == (math.ceil(3 / high), math.ceil(3 / low))


def test_rounding_makes_no_text_of_nothing() -> None:
    found = for_positives(5, 100)
    assert found is not None
    assert found.expected == 100


def test_of_a_label_that_gold_has_never_seen_only_the_least_is_told() -> None:
    found = for_positives(0, 50)
    assert found is not None
    assert (found.expected, found.high) == (None, None)
    assert found.low == math.ceil(10 / stats.binomtest(0, 50).proportion_ci(method="wilson").high)


def test_enough_is_enough_and_nothing_says_nothing() -> None:
    assert for_positives(10, 400) is None
    assert for_positives(0, 0) is None
    with pytest.raises(ValueError, match="no share"):
        for_positives(3, 2)


def test_the_expected_number_is_right_on_average() -> None:
    rng = np.random.default_rng(3)
    waited = rng.negative_binomial(3, 0.25, size=20_000) + 3  # texts until three more have the label
    assert waited.mean() == pytest.approx(12, rel=0.02)


def test_a_half_width_falls_with_the_root_of_the_texts() -> None:
    assert for_half_width(0.4, 0.8, 100) == 300  # half as wide: four times the texts
    assert for_half_width(0.5, 0.7, 100) == 0
    assert for_half_width(None, 0.7, 100) == 0
    assert for_half_width(0.1, 0.9, 0) == 0


def test_no_hit_bounds_recall_instead_of_making_it_nought() -> None:
    assert recall_bound(7) == pytest.approx(stats.binomtest(0, 7).proportion_ci(method="wilson").high)
    assert recall_bound(1000) < 0.005
    with pytest.raises(ValueError, match="no share"):
        recall_bound(0)
