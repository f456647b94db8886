"""Co-occurrence against counting by hand and scikit-learn; confusions where they were planted, and none by chance."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix

from core.evaluate import cooccurrence
from core.evaluate.cooccurrence import confusions, held, together


def drawn(n: int = 300, k: int = 5, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.random((n, k)) < np.linspace(0.6, 0.05, k)


def test_counts_shares_and_lift_are_those_of_counting() -> None:
    y = drawn()
    found = together(y)
    for i in range(5):
        for j in range(5):
            both = confusion_matrix(y[:, i], y[:, j], labels=[0, 1])[1, 1]
            assert found.counts[i, j] == both
            if i == j:
                assert np.isnan(found.share[i, j])
                assert np.isnan(found.lift[i, j])
                continue
            assert found.share[i, j] == pytest.approx(y[y[:, i], j].mean())
            assert found.lift[i, j] == pytest.approx((y[:, i] & y[:, j]).mean() / (y[:, i].mean() * y[:, j].mean()))
            assert found.few[i, j] == (len(y) * y[:, i].mean() * y[:, j].mean() < 5)


@pytest.mark.parametrize("y", [np.zeros((0, 3)), np.zeros((4, 3)), np.ones((4, 1)), np.zeros((2, 0))])
def test_nothing_to_divide_by_is_not_a_number_and_no_warning(y: np.ndarray) -> None:
    found = together(y)
    k = y.shape[1]
    assert found.share.shape == found.lift.shape == found.few.shape == (k, k)
    assert not np.isinf(found.lift).any()
    assert np.isnan(found.share).all()
    assert confusions(y, y) == []


def test_labels_that_are_drawn_apart_have_a_lift_around_one() -> None:
    lifts = [together(drawn(2000, 2, seed)).lift[0, 1] for seed in range(40)]
    assert np.mean(lifts) == pytest.approx(1.0, abs=0.05)


def test_a_planted_confusion_comes_first_and_is_counted() -> None:
    y = drawn()
    named = y.copy()
    swapped = np.flatnonzero(y[:, 0] & ~y[:, 3])[:9]
    named[swapped, 0], named[swapped, 3] = False, True
    first, *others = confusions(y, named)
    assert (first.missed, first.named, first.texts) == (0, 3, 9)
    assert first.expected == pytest.approx(9 * 9 / 300)
    assert others == []


def test_mistakes_that_know_nothing_of_each_other_leave_little_beyond_what_is_expected() -> None:
    rng = np.random.default_rng(1)
    y = drawn(4000)
    named = y ^ (rng.random(y.shape) < 0.2)
    assert all(each.texts < each.expected * 1.6 + 6 for each in confusions(y, named))


def test_unlike_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="shape"):
        confusions(np.zeros((2, 3)), np.zeros((3, 3)))
    with pytest.raises(ValueError, match="shape"):
        together(np.zeros(3))


def test_of_thousands_of_labels_any_few_are_counted_and_the_worst_pairs_are_named(monkeypatch) -> None:
    rng = np.random.default_rng(0)
    y, named = rng.random((60, 3000)) < 0.002, rng.random((60, 3000)) < 0.002
    found = held(y)
    assert found.n == 60
    np.testing.assert_array_equal(found.support, y.sum(axis=0))
    at = [7, 2999, 12]
    np.testing.assert_array_equal(found.of(at).counts, y[:, at].astype(int).T @ y[:, at].astype(int))
    few = confusions(y, named)
    assert len(few) == 1000
    monkeypatch.setattr(cooccurrence, "PAIRS", 0)  # by one table
    assert confusions(y, named) == few
