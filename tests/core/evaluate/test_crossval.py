from __future__ import annotations

import numpy as np
import pytest

from core.errors import BadSetting
from core.evaluate.crossval import fold, fold_numbers, shares

RNG = np.random.default_rng(0)


def texts(n: int) -> list[str]:
    return [f"text {i}" for i in range(n)]


def test_each_label_is_spread_evenly_over_the_folds() -> None:
    y = (RNG.random((500, 9)) < np.linspace(0.75, 0.04, 9)).astype(int)
    numbers = fold_numbers(texts(500), y, n_folds=5, seed=0)
    assert max(abs(np.bincount(numbers) - 100)) <= 8
    counts = np.array([y[numbers == f].sum(axis=0) for f in range(5)])
    assert (np.ptp(counts, axis=0) <= np.maximum(3, 0.05 * y.sum(axis=0))).all()
    np.testing.assert_allclose(shares(y, numbers)[2], y[numbers == 2].mean(axis=0))


def test_the_three_parts_are_disjoint_and_whole_and_validation_is_stratified() -> None:
    y = (RNG.random((300, 4)) < 0.3).astype(int)
    numbers = fold_numbers(texts(300), y, n_folds=5, seed=1)
    for number in range(5):
        parts = fold(texts(300), y, numbers, number, valid_share=0.15, seed=1)
        assert sorted([*parts.train, *parts.valid, *parts.test]) == list(range(300))
        assert abs(len(parts.valid) - 36) <= 3
        assert (np.abs(y[parts.valid].sum(axis=0) - 0.15 * y[numbers != number].sum(axis=0)) <= 4).all()


def test_folds_follow_the_texts_and_the_seed_not_the_order() -> None:
    y = (RNG.random((80, 3)) < 0.4).astype(int)
    names, shuffle = texts(80), RNG.permutation(80)
    first = fold_numbers(names, y, n_folds=4, seed=3)
    again = fold_numbers([names[n] for n in shuffle], y[shuffle], n_folds=4, seed=3)
    np.testing.assert_array_equal(first[shuffle], again)
    assert (first != fold_numbers(names, y, n_folds=4, seed=4)).any()


@pytest.mark.parametrize("fill", [0, 1])
@pytest.mark.parametrize("labels", [1, 2])
def test_a_label_that_all_or_none_have_and_a_single_label_are_dealt_out(fill: int, labels: int) -> None:
    y = np.full((20, labels), fill)
    numbers = fold_numbers(texts(20), y, n_folds=5, seed=0)
    assert (np.bincount(numbers) == 4).all()
    assert len(fold(texts(20), y, numbers, 0, valid_share=0.2, seed=0).valid) in (3, 4)


def test_a_label_rarer_than_the_folds_leaves_some_without_it() -> None:
    y = np.zeros((30, 2), dtype=int)
    y[:15, 0], y[[3, 9], 1] = 1, 1
    numbers = fold_numbers(texts(30), y, n_folds=5, seed=0)
    assert len(set(numbers[[3, 9]])) == 2
    assert (shares(y, numbers)[:, 1] == 0).sum() == 3


@pytest.mark.parametrize(("n", "folds"), [(3, 5), (0, 2), (10, 1)])
def test_an_impossible_number_of_folds_is_refused_with_the_possible_ones(n: int, folds: int) -> None:
    with pytest.raises(BadSetting) as caught:
        fold_numbers(texts(n), np.ones((n, 2)), n_folds=folds, seed=0)
    assert str(n) in caught.value.fields["why"]
