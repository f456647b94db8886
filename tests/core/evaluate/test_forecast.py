"""Learning curves carried on: what comes out of curves that are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.evaluate.forecast import MIN_POINTS, Fitted, fit, mean_error, standard_error
from core.evaluate.metrics import per_label, rows

N = np.arange(50, 451, 50)
TOTAL = 4000


def power(n: np.ndarray, a: float = 0.75, b: float = 3.0, c: float = 0.5) -> np.ndarray:
    return np.maximum(0.0, a - b * n**-c)


def fitted(f1: np.ndarray | None = None, *, error: float = 0.01, n: np.ndarray = N, total: int = TOTAL) -> Fitted:
    heights = power(n) if f1 is None else f1
    return fit(n, heights, np.full(len(n), error), total=total, positives=[60] * 9)


def test_a_curve_without_noise_is_carried_on() -> None:
    for point, truth in zip(fitted().points([500, 650, 850]), power(np.array([500, 650, 850])), strict=True):
        assert point.low < truth < point.high
        assert point.middle == pytest.approx(truth, abs=0.02)


def test_the_interval_grows_with_the_distance_and_with_the_noise_of_gold() -> None:
    near, far = fitted().points([500, 900])
    assert far.high - far.low > 1.3 * (near.high - near.low)
    unsure = fitted(error=0.05).points([500])[0]
    assert unsure.high - unsure.low > 1.3 * (near.high - near.low)


def test_outcomes_drawn_from_crooked_noisy_curves_lie_in_the_interval_as_often_as_it_says() -> None:
    """Curves of many shapes, each with a walk and noise of gold of the sizes that are assumed."""
    rng, covered = np.random.default_rng(5), []
    n = np.arange(50, 851, 50)
    for _ in range(150):
        a, c, d = rng.uniform(0.4, 0.9), rng.uniform(0.3, 1.5), rng.choice([0.0, 100.0, 400.0])
        curve = a - rng.uniform(0.3, 0.9) * a * ((n + d) / (50 + d)) ** -c
        walk = np.cumsum(np.append(0, rng.normal(size=len(n) - 1) * 0.027 * np.sqrt(np.diff(np.log(n)))))
        seen = np.clip(curve + walk + rng.normal(size=len(n)) * 0.4 * 0.02, 0, 1)
        known = rng.integers(4, 13)
        for point, truth in zip(
            fitted(seen[:known], error=0.02, n=n[:known]).points(n[known:]), seen[known:], strict=True
        ):
            covered.append(point.low <= truth <= point.high)
    assert 0.7 <= np.mean(covered) <= 0.9


def test_the_same_points_give_the_same_forecast() -> None:
    assert fitted().points([700]) == fitted().points([700])


def test_labels_until_a_height_lie_about_where_the_curve_crosses_it() -> None:
    found = fitted().until(0.62)  # power(n) = 0.62 at (3 / 0.13)² = 533
    assert found.state == "foreseen"
    assert None not in (found.low, found.n, found.high)
    assert 450 <= found.low <= 533 <= found.high
    assert found.n == pytest.approx(533, rel=0.15)


def test_what_is_reached_and_what_nobody_can_foresee() -> None:
    assert fitted().until(0.3).state == "reached"
    beyond = fitted().until(0.99)
    assert (beyond.state, beyond.n, beyond.low, beyond.high) == ("not_foreseeable", None, None, None)


def test_a_flat_curve_has_reached_its_plateau_and_a_steep_one_has_not() -> None:
    flat = np.array([0.3, 0.5, 0.58, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6])
    assert fitted(flat, error=0.005, total=1000).until_plateau().state == "reached"
    steep = np.linspace(0.05, 0.45, 9)
    assert fitted(steep).until_plateau().state != "reached"


def test_nothing_is_foreseen_beyond_the_texts_that_there_are() -> None:
    assert fitted(total=500).until(0.7).state == "not_foreseeable"


def test_a_rare_label_that_nobody_found_at_first_has_a_forecast() -> None:
    late = np.array([0, 0, 0, 0, 0.05, 0.12, 0.2, 0.27, 0.33])
    point = fit(N, late, standard_error(late, 30), total=TOTAL, positives=20).points([600])[0]
    assert 0.2 < point.middle < 0.6
    assert 0 <= point.low < point.middle < point.high <= 1


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=MIN_POINTS, max_size=12), st.floats(0, 0.3), st.integers(0, 3))
def test_whatever_the_points_the_forecast_is_a_figure(heights: list[float], error: float, extra: int) -> None:
    n = 40 + 30 * np.arange(len(heights))
    made = fit(n, np.array(heights), np.full(len(n), error), total=int(n[-1]) + extra, positives=9)
    for point in made.points([n[-1], n[-1] + extra]):
        assert 0 <= point.low <= point.middle <= point.high <= 1
    assert made.until(0.8).state in ("reached", "foreseen", "not_foreseeable")
    assert made.until_plateau().state in ("reached", "foreseen", "not_foreseeable")


@pytest.mark.parametrize(
    ("n", "f1", "total"),
    [
        ([50, 100], [0.1, 0.2], 500),
        ([50, 100, 100], [0.1, 0.2, 0.3], 500),
        ([50, 100, 150], [0.1, 0.2, 1.3], 500),
        ([50, 100, 150], [0.1, 0.2, float("nan")], 500),
        ([50, 100, 150], [0.1, 0.2, 0.3], 120),
        ([0, 100, 150], [0.1, 0.2, 0.3], 500),
    ],
)
def test_what_is_no_curve_is_refused(n: list[int], f1: list[float], total: int) -> None:
    with pytest.raises(ValueError, match=r"points|labelled texts"):
        fit(n, f1, np.full(len(n), 0.01), total=total, positives=9)


@pytest.mark.parametrize(("share", "hit", "wrong"), [(0.3, 0.8, 0.1), (0.05, 0.5, 0.03), (0.6, 0.9, 0.3)])
def test_the_standard_error_is_near_the_bootstraps(share: float, hit: float, wrong: float) -> None:
    rng = np.random.default_rng(3)
    y = rng.random((400, 1)) < share
    found = np.where(y, rng.random(y.shape) < hit, rng.random(y.shape) < wrong)
    row = rows(found.astype(float), y, np.array([0.5]), keys=["a"], model="student", split="gold")[0]
    known = (row.high - row.low) / (2 * 1.96)
    assert standard_error(per_label(found, y)[2], y.sum(axis=0))[0] == pytest.approx(known, rel=0.35)


def test_no_hit_is_not_certain_and_no_positive_has_no_error() -> None:
    assert standard_error(0.0, 20) > 0.02
    assert standard_error(0.0, 20) > standard_error(0.0, 200)
    assert standard_error(0.0, 0) == 0
    assert mean_error([[0.3, 0.4]]) == pytest.approx([0.25])
