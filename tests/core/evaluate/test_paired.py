from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import f1_score

from core.evaluate.paired import Gain, paired_f1


def world(n: int, k: int, seed: int, *, better: float = 0.15) -> tuple[NDArray, NDArray, NDArray]:
    """Labels from common to rare; two deciders that err together on some texts, the second alone on more."""
    rng = np.random.default_rng(seed)
    y = rng.random((n, k)) < 0.5 / (1 + np.arange(k))
    both = rng.random((n, k)) < 0.12
    first = y ^ both
    return y, first, first ^ (rng.random((n, k)) < better * np.where(y, 1.0, 0.2))


def test_the_differences_are_those_of_scikit_learn() -> None:
    y, a, b = world(300, 5, 0)
    found = paired_f1(y, a, b, tail=[3, 4], draws=50)
    mine = np.array([gain.difference for gain in found.labels])
    theirs = f1_score(y, a, average=None) - f1_score(y, b, average=None)
    np.testing.assert_allclose(mine, theirs, atol=1e-12)
    assert found.macro.difference == pytest.approx(theirs.mean())
    assert found.tail is not None
    assert found.tail.difference == pytest.approx(theirs[3:].mean())
    assert found.n == 300


def test_the_interval_is_that_of_drawing_texts_by_hand() -> None:
    y, a, b = world(200, 3, 1)
    rng, drawn = np.random.default_rng(9), []
    for _ in range(2000):
        at = rng.integers(200, size=200)
        drawn.append(f1_score(y[at], a[at], average=None) - f1_score(y[at], b[at], average=None))
    low, high = np.percentile(drawn, [2.5, 97.5], axis=0)
    found = paired_f1(y, a, b, draws=2000)
    np.testing.assert_allclose([gain.low for gain in found.labels], low, atol=0.012)
    np.testing.assert_allclose([gain.high for gain in found.labels], high, atol=0.012)
    macro = np.percentile(np.mean(drawn, axis=1), [2.5, 97.5])
    assert (found.macro.low, found.macro.high) == pytest.approx(tuple(macro), abs=0.008)


def test_the_intervals_cover_the_true_difference_in_simulation() -> None:
    y, a, b = world(200_000, 4, 2)
    truth = f1_score(y, a, average=None) - f1_score(y, b, average=None)
    rng, covered = np.random.default_rng(3), np.zeros(5)
    times = 300
    for _ in range(times):
        at = rng.choice(len(y), 300, replace=False)
        found = paired_f1(y[at], a[at], b[at], draws=300)
        gains = [*zip(found.labels, truth, strict=True), (found.macro, truth.mean())]
        covered += [gain.low <= true <= gain.high for gain, true in gains]
    # 95 % wanted; 300 samples leave a standard error of 1.3 points, few positives cost some.
    assert (covered / times > 0.90).all(), covered / times
    assert (covered / times < 0.995).all(), covered / times


def test_paired_is_narrower_than_two_samples_apart() -> None:
    y, a, b = world(400, 3, 4)
    together = paired_f1(y, a, b).labels[0]
    rng = np.random.default_rng(0)
    at, other = rng.integers(400, size=(2, 1000, 400))
    apart = [f1_score(y[i, 0], a[i, 0]) - f1_score(y[j, 0], b[j, 0]) for i, j in zip(at, other, strict=True)]
    low, high = np.percentile(apart, [2.5, 97.5])
    assert together.high - together.low < 0.9 * (high - low)


def test_the_sign_turns_with_the_order_and_the_same_decisions_differ_by_nothing() -> None:
    y, a, b = world(120, 4, 5)
    one, other = paired_f1(y, a, b, tail=[3]), paired_f1(y, b, a, tail=[3])
    for left, right in zip([*one.labels, one.macro, one.tail], [*other.labels, other.macro, other.tail], strict=True):
        assert left is not None
        assert right is not None
        assert (left.difference, left.low, left.high) == pytest.approx((-right.difference, -right.high, -right.low))
    same = paired_f1(y, a, a)
    assert set(same.labels) == {Gain(0.0, 0.0, 0.0)}
    assert not same.macro.clear
    assert same.tail is None


def test_a_label_that_nobody_has_differs_by_nothing_and_one_text_is_enough() -> None:
    y, a, b = np.array([[1, 0]]), np.array([[1, 0]]), np.array([[0, 0]])
    found = paired_f1(y, a, b, draws=10)
    assert found.labels == (Gain(1.0, 1.0, 1.0), Gain(0.0, 0.0, 0.0))
    assert found.labels[0].clear


@pytest.mark.parametrize(
    ("shape", "draws"), [((0, 2), 10), ((3, 0), 10), ((3,), 10), ((3, 2), 0)], ids=["text", "label", "flat", "draw"]
)
def test_nothing_to_compare_is_refused(shape: tuple[int, ...], draws: int) -> None:
    with pytest.raises(ValueError, match="decisions"):
        paired_f1(np.zeros(shape), np.zeros(shape), np.zeros(shape), draws=draws)
    with pytest.raises(ValueError, match="decisions"):
        paired_f1(np.zeros((3, 2)), np.zeros((3, 2)), np.zeros((2, 2)))
