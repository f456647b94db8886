from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve
from sklearn.metrics import average_precision_score, f1_score, precision_recall_curve, precision_score, recall_score

from core.evaluate.curves import decision, precision_recall, reliability
from core.evaluate.proportion import share

TEXTS = st.lists(st.tuples(st.booleans(), st.integers(0, 20)), min_size=1, max_size=60)  # with many ties


@settings(max_examples=150, deadline=None)
@given(TEXTS.filter(lambda texts: any(y for y, _ in texts)))
def test_the_curve_is_scikit_learns(texts: list[tuple[bool, int]]) -> None:
    y, p = np.array([each[0] for each in texts]), np.array([each[1] / 20 for each in texts], dtype=np.float32)
    found = precision_recall(y, p)
    precision, recall, thresholds = precision_recall_curve(y, p)
    np.testing.assert_allclose(found.precision, precision)
    np.testing.assert_allclose(found.recall, recall)
    np.testing.assert_allclose(found.thresholds, thresholds)
    assert found.average_precision == pytest.approx(average_precision_score(y, p))


@settings(max_examples=100, deadline=None)
@given(TEXTS, st.integers(0, 20))
def test_a_threshold_does_what_scikit_learn_says(texts: list[tuple[bool, int]], cut: int) -> None:
    y, p = np.array([each[0] for each in texts]), np.array([each[1] / 20 for each in texts])
    found = decision(y, p, cut / 20)
    named = p >= cut / 20
    assert found.f1 == pytest.approx(f1_score(y, named, zero_division=0))
    assert (found.named, found.positives, found.n) == (named.sum(), y.sum(), len(y))
    if named.any():
        assert found.precision is not None
        assert found.precision.value == pytest.approx(precision_score(y, named))
    else:
        assert found.precision is None
    if y.any():
        assert found.recall is not None
        assert found.recall.value == pytest.approx(recall_score(y, named))
    else:
        assert found.recall is None


def test_a_point_of_the_curve_is_the_decision_there() -> None:
    rng = np.random.default_rng(0)
    y, p = rng.random(200) < 0.2, rng.random(200).astype(np.float32)
    curve = precision_recall(y, p)
    for place in (0, 57, 199):
        at = decision(y, p, curve.thresholds[place])
        assert at.precision is not None
        assert at.recall is not None
        assert (at.precision.value, at.recall.value) == pytest.approx((curve.precision[place], curve.recall[place]))


def test_the_bins_are_scikit_learns_and_the_error_that_of_the_definition() -> None:
    rng = np.random.default_rng(1)
    p = rng.beta(0.4, 2.0, size=500)
    y = rng.random(500) < p**1.4
    found = reliability(y, p)
    observed, mean = calibration_curve(y, p, n_bins=10)
    np.testing.assert_allclose([each.observed.value for each in found.bins], observed)
    np.testing.assert_allclose([each.mean for each in found.bins], mean)
    assert sum(each.observed.n for each in found.bins) == 500
    by_hand = sum(each.observed.n / 500 * abs(each.mean - each.observed.value) for each in found.bins)
    assert found.error == pytest.approx(by_hand)
    first = found.bins[0]
    assert first.observed == share(first.observed.k, first.observed.n)


def test_probabilities_that_come_true_have_little_error_and_boastful_ones_much() -> None:
    rng = np.random.default_rng(2)
    p = rng.random(20_000)
    y = rng.random(20_000) < p
    honest, boastful = reliability(y, p).error, reliability(y, np.where(p > 0.5, 0.99, 0.01)).error
    assert honest is not None
    assert boastful is not None
    assert honest < 0.02
    assert boastful > 0.2


def test_the_ends_belong_to_bins_and_single_precision_does_too() -> None:
    found = reliability([0, 1, 1], np.array([0.0, 0.3, 1.0], dtype=np.float32))
    assert [(each.low, each.observed.k, each.observed.n) for each in found.bins] == [
        (0.0, 0, 1),
        (pytest.approx(0.3), 1, 1),
        (0.9, 1, 1),
    ]


def test_nothing_gives_nothing_and_nonsense_is_refused() -> None:
    empty = reliability([], [])
    assert empty.bins == ()
    assert empty.error is None
    assert decision([], [], 0.5).f1 == 0
    with pytest.raises(ValueError, match="without a positive"):
        precision_recall([0, 0], [0.1, 0.2])
    with pytest.raises(ValueError, match="shape"):
        precision_recall([1], [0.1, 0.2])
    with pytest.raises(ValueError, match="finite"):
        decision([1], [float("nan")], 0.5)
    with pytest.raises(ValueError, match="0 … 1"):
        reliability([1], [1.5])
