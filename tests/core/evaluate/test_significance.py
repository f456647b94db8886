from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from core.evaluate.metrics import AGGREGATES, aggregate
from core.evaluate.significance import EXACT, corrected_t, paired_bootstrap, paired_t, ratios, sign_flips

A = [0.70, 0.72, 0.68, 0.75, 0.71]
B = [0.66, 0.70, 0.67, 0.69, 0.70]


def test_corrected_t_is_the_hand_computed_one() -> None:
    # differences 4 2 1 6 1 (hundredths): mean 2.8, variance 4.7; error² = (1/5 + 1/4)·4.7 = 2.115; t = 1.9253
    found = corrected_t(A, B, ratio=0.25)
    assert found.mean == pytest.approx(0.028)
    assert found.p == pytest.approx(2 * stats.t.sf(2.8 / np.sqrt(2.115), 4))
    assert found.p == pytest.approx(0.1265, abs=5e-4)
    assert found.high - found.mean == pytest.approx(2.7764451 * np.sqrt(2.115) / 100, rel=1e-6)
    assert found.low == pytest.approx(2 * found.mean - found.high)


def test_without_the_correction_it_is_the_ordinary_paired_t() -> None:
    ordinary = stats.ttest_rel(A, B)
    interval = ordinary.confidence_interval(0.95)
    for found in (corrected_t(A, B, ratio=1e-12), paired_t(A, B)):
        told = (found.p, found.low, found.high)
        assert told == pytest.approx((ordinary.pvalue, interval.low, interval.high), rel=1e-6)


def test_sign_flips_are_those_of_scipy_and_never_surer_than_their_number_allows() -> None:
    exact = stats.permutation_test((A, B), lambda a, b: np.mean(a - b), permutation_type="samples", vectorized=False)
    found = sign_flips(A, B)
    assert found.p == pytest.approx(exact.pvalue)
    assert found.p == 2 / 2**5
    assert (found.mean, found.low, found.high) == pytest.approx((0.028, 0.01, 0.06))
    assert sign_flips(A, A).p == 1
    many = np.random.default_rng(0).normal(size=EXACT + 3)
    assert sign_flips(many, np.zeros(EXACT + 3)).p == pytest.approx(stats.ttest_1samp(many, 0).pvalue, abs=0.03)


@pytest.mark.parametrize("test", [paired_t, sign_flips])
def test_one_pair_shows_nothing(test) -> None:
    with pytest.raises(ValueError):
        test([0.5], [0.4])


def test_the_sign_turns_with_the_order_and_p_stays() -> None:
    one, other = corrected_t(A, B, ratio=0.25), corrected_t(B, A, ratio=0.25)
    assert (one.mean, one.p) == pytest.approx((-other.mean, other.p))


def test_training_texts_are_counted_as_given_or_as_learned_from() -> None:
    found = ratios(5, 0.15)
    assert found.standard == pytest.approx(20 / 80)
    assert found.learned == pytest.approx(20 / 68)
    assert corrected_t(A, B, ratio=found.learned).p > corrected_t(A, B, ratio=found.standard).p


def test_scores_without_spread_have_a_defined_answer() -> None:
    assert corrected_t(A, A, ratio=0.25).p == 1.0
    assert corrected_t([0.5, 0.7], [0.4, 0.6], ratio=0.25).p == 0.0


@pytest.mark.parametrize(("a", "b", "share"), [([1.0], [1.0], 0.2), ([1.0, 2.0], [1.0], 0.2), ([1.0, 2], [1, 2], 0.0)])
def test_what_cannot_be_compared_is_refused(a: list[float], b: list[float], share: float) -> None:
    with pytest.raises(ValueError, match="scores"):
        corrected_t(a, b, ratio=share)


def made(n: int = 300, labels: int = 4, flip: tuple[float, float] = (0.1, 0.2)) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(1)
    y = rng.random((n, labels)) < 0.4
    return y, *(y ^ (rng.random(y.shape) < share) for share in flip)


def test_the_difference_at_hand_is_that_of_the_metrics() -> None:
    y, a, b = made()
    found = paired_bootstrap(a, b, y, resamples=10)
    for name in AGGREGATES:
        assert found[name].mean == pytest.approx(aggregate(a, y)[name][2] - aggregate(b, y)[name][2], abs=1e-6)


def test_the_interval_of_exact_match_agrees_with_scipy() -> None:
    y, a, b = made()
    right = [(p == y).all(axis=1).astype(float) for p in (a, b)]
    theirs = stats.bootstrap(
        (right[0] - right[1],), np.mean, n_resamples=4000, method="percentile", rng=np.random.default_rng(0)
    ).confidence_interval
    ours = paired_bootstrap(a, b, y, resamples=4000)["subset"]
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.008)
    assert ours.p == pytest.approx(2 / 4001)


def test_two_documents_can_be_counted_by_hand() -> None:
    # Document 0: only the first is right. Document 1: both are. Draws: {0,0} 1/4, {0,1} 1/2, {1,1} 1/4.
    y = np.array([[1], [1]])
    found = paired_bootstrap(np.array([[1], [1]]), np.array([[0], [1]]), y, resamples=8000)["subset"]
    assert (found.mean, found.low, found.high) == (0.5, 0.0, 1.0)
    assert found.p == pytest.approx(2 * 0.25, abs=0.03)


def test_equal_predictions_have_p_one_and_a_better_model_a_small_p() -> None:
    y, a, b = made()
    assert all(each.p == 1.0 and each.mean == 0 for each in paired_bootstrap(a, a, y, resamples=200).values())
    assert paired_bootstrap(a, b, y, resamples=500)["macro"].p < 0.01


def test_repetitions_are_averaged_under_the_same_draws() -> None:
    y, a, b = made()
    one, two = (
        paired_bootstrap(a, b, y, resamples=200),
        paired_bootstrap(np.stack([a, a]), np.stack([b, b]), y, resamples=200),
    )
    assert one["macro"].low == pytest.approx(two["macro"].low)
    half = paired_bootstrap(np.stack([a, b]), np.stack([b, b]), y, resamples=200)
    assert half["micro"].mean == pytest.approx(one["micro"].mean / 2)


def test_unlike_shapes_are_refused() -> None:
    y, a, b = made()
    with pytest.raises(ValueError, match="shape"):
        paired_bootstrap(a[:5], b, y)
    with pytest.raises(ValueError, match="shape"):
        paired_bootstrap(np.stack([a, a]), b, y)
