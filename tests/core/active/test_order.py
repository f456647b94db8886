"""Scores to positions, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from core.active.order import added, best_first


def test_the_highest_come_first_and_no_more_than_there_are():
    rng = np.random.default_rng
    assert best_first([0.1, 0.9, 0.5], 2, rng(0)).tolist() == [1, 2]
    assert best_first([0.1, 0.9, 0.5], 9, rng(0)).tolist() == [1, 2, 0]
    assert best_first([0.1, 0.9, 0.5], 0, rng(0)).tolist() == []
    assert best_first([], 3, rng(0)).tolist() == []
    assert best_first([-np.inf, 0.0], 2, rng(0)).tolist() == [1, 0]


def test_a_tie_at_the_cut_is_broken_by_lot_and_not_by_place():
    last = {best_first([0.9, 0.4, 0.4, 0.4, 0.1], 2, np.random.default_rng(seed))[1] for seed in range(30)}
    assert last == {1, 2, 3}


def test_a_score_that_is_no_number_is_refused():
    with pytest.raises(ValueError, match="NaN"):
        best_first([0.1, np.nan], 1, np.random.default_rng(0))
    with pytest.raises(ValueError, match="one number"):
        best_first(np.zeros((2, 2)), 1, np.random.default_rng(0))


def test_a_sum_over_labels_is_the_same_bits_in_any_order():
    parts = np.random.default_rng(0).random((50, 9))
    for seed in range(5):
        assert (added(parts[:, np.random.default_rng(seed).permutation(9)]) == added(parts)).all()
