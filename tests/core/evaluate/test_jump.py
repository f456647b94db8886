"""A jump at a threshold: found where it is, absent where there is only a slope, with an interval that holds it."""

from __future__ import annotations

import numpy as np
import pytest

from core.evaluate.jump import jump

X = (np.arange(20) - 9.5) * 0.01


def counted(seed: int, true: float, *, per_bin: int = 60) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    n = random.integers(per_bin // 2, per_bin * 2, size=len(X))
    return n, random.binomial(n, 0.4 + 2 * X + true * (X > 0))


def test_it_is_what_a_least_squares_fit_of_single_observations_finds() -> None:
    n, k = counted(1, 0.2)
    found = jump(X, n, k)
    x = np.repeat(X, n)
    y = np.concatenate([np.r_[np.ones(hits), np.zeros(many - hits)] for many, hits in zip(n, k, strict=True)])
    sides = [np.polynomial.polynomial.polyfit(x[side], y[side], 1) for side in (x < 0, x > 0)]
    assert found is not None
    assert (found.below, found.above) == pytest.approx((sides[0][0], sides[1][0]))
    assert found.value == pytest.approx(sides[1][0] - sides[0][0])
    assert found.n == n.sum()


@pytest.mark.parametrize("true", [0.0, 0.15])
def test_the_interval_holds_the_truth_about_as_often_as_it_says(true: float) -> None:
    held = 0
    for seed in range(400):
        found = jump(X, *counted(seed, true))
        held += found is not None and found.low <= true <= found.high
    assert 0.90 <= held / 400 <= 0.99, held


def test_few_observations_say_nothing_and_certain_ones_no_more_than_they_are() -> None:
    few, none = np.full(20, 2), np.zeros(20, dtype=int)
    assert jump(X, few, none) is None
    assert jump(X, none, none) is None
    many = np.full(20, 50)
    sure = jump(X, many, many * (X > 0))
    assert sure is not None
    assert sure.value == pytest.approx(1)
    assert sure.low < 1
    assert sure.high == 1
    one_sided = jump(X, many * (X > 0), none)
    assert one_sided is None
    with pytest.raises(ValueError, match="shapes"):
        jump(X, many[:3], none)
