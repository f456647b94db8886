"""Intervals hold their figures, and cover what they are intervals of, also of labels that hardly any text has."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy import stats

from core.evaluate import intervals, metrics, wide
from core.evaluate.metrics import macro_bounds, rows
from core.evaluate.paired import paired_f1

RARE = np.full(60, 0.01)  # of 300 texts: three positives a label on the mean, some have none


def world(rng: np.random.Generator, prevalence: NDArray, n: int = 300, hit: float = 0.6) -> tuple[NDArray, NDArray]:
    """Decisions and labels: ``hit`` of the positives are named, and of those named ``hit`` are positive."""
    y = rng.random((n, len(prevalence))) < prevalence
    wrong = prevalence * (1 - hit) / (1 - prevalence)
    return np.where(y, rng.random(y.shape) < hit, rng.random(y.shape) < wrong), y


def figures(predicted: NDArray, y: NDArray) -> list[metrics.MetricRow]:
    keys = [f"k{n}" for n in range(y.shape[1])]
    return rows(predicted.astype(float), y, np.full(y.shape[1], 0.5), keys=keys, model="m", split="gold")


@pytest.mark.parametrize(("hits", "wrong", "missed"), [(1, 0, 0), (0, 2, 1), (2, 1, 3), (40, 7, 12)])
def test_a_labels_interval_is_wilsons_of_the_share_of_hits(hits: int, wrong: int, missed: int) -> None:
    low, high = intervals.of_f1(hits, 2 * hits + wrong + missed)
    share = stats.binomtest(hits, hits + wrong + missed).proportion_ci(method="wilson")
    assert float(low) == pytest.approx(2 * share.low / (1 + share.low), abs=1e-12)
    assert float(high) == pytest.approx(2 * share.high / (1 + share.high))


def test_every_interval_holds_its_figure_or_is_absent() -> None:
    rng = np.random.default_rng(0)
    for hit in (0.02, 0.3, 0.6, 1.0):
        found, y = world(rng, np.geomspace(0.3, 0.002, 60), hit=hit)
        for row in figures(found, y):
            if row.low is None or row.high is None:
                assert not row.support
                assert row.low is row.high
            else:
                assert 0 <= row.low <= row.f1 <= row.high <= 1, row
                assert row.high > row.low


def test_a_rare_labels_interval_covers_its_f1_and_percentiles_do_not() -> None:
    rng, true = np.random.default_rng(1), 0.6
    covered, by_percentile, n = 0, 0, 0
    for _ in range(60):
        found, y = world(rng, RARE)
        hits, both, there = (found & y).sum(axis=0), found.sum(axis=0) + y.sum(axis=0), y.any(axis=0)
        low, high = intervals.of_f1(hits, both)
        draws = rng.multinomial(len(y), np.full(len(y), 1 / len(y)), size=200)
        drawn = metrics.rates(*(draws @ part.astype(float) for part in (found & y, found, y)))[2]
        below, above = np.percentile(drawn, [2.5, 97.5], axis=0)
        covered += int(((low <= true) & (true <= high))[there].sum())
        by_percentile += int(((below <= true) & (true <= above))[there].sum())
        n += int(there.sum())
    assert 0.93 < covered / n < 0.99, covered / n  # 95 % wanted; 3,400 of them leave a standard error of 0.4 points
    assert by_percentile / n < 0.9, by_percentile / n


def test_the_mean_of_rare_labels_lies_in_its_interval_and_so_does_what_it_estimates() -> None:
    rng = np.random.default_rng(2)
    expected = np.mean([metrics.per_label(*world(rng, RARE))[2].mean() for _ in range(400)])
    covered, beside, times = 0, 0, 150
    for seed in range(times):
        found, y = world(rng, RARE)
        value = metrics.per_label(found, y)[2].mean()
        low, high = macro_bounds(found, y, seed=seed)
        assert low <= value <= high
        covered += int(low <= expected <= high)
        draws = rng.multinomial(len(y), np.full(len(y), 1 / len(y)), size=200)
        drawn = metrics.rates(*(draws @ part.astype(float) for part in (found & y, found, y)))[2].mean(axis=1)
        beside += int(not np.percentile(drawn, 2.5) <= value <= np.percentile(drawn, 97.5))
    assert covered / times > 0.88, covered / times  # a standard error of 1.8 points
    assert beside / times > 0.15, beside / times  # which is what the figures' intervals did


def test_commoner_labels_macro_interval_covers_the_true_f1() -> None:
    rng, covered, times = np.random.default_rng(3), 0, 200
    for seed in range(times):
        low, high = macro_bounds(*world(rng, np.full(5, 0.15), n=400), seed=seed)
        covered += int(low <= 0.6 <= high)
        assert high - low < 0.12  # no wider than it takes: five labels of sixty positives
    assert covered / times > 0.9, covered / times


def test_nothing_hit_is_not_known_to_be_nothing() -> None:
    y = np.zeros((100, 3), dtype=bool)
    y[:4] = True
    made = {row.scope: row for row in figures(np.zeros_like(y), y)}
    for scope in ("k0", "macro", "micro", "weighted"):
        row = made[scope]
        assert (row.f1, row.low) == (0, 0)
        assert row.high is not None
        assert 0.2 < row.high < 0.8, row
    assert made["subset"].f1 == 0.96


def test_some_labels_interval_is_that_of_the_rows() -> None:
    found, y = world(np.random.default_rng(4), np.geomspace(0.3, 0.004, 30))
    macro = next(row for row in figures(found, y) if row.scope == "macro")
    assert macro_bounds(found, y) == pytest.approx((macro.low, macro.high))
    truth, probs = sp.csr_matrix(y.astype(float)), sp.csr_matrix(found.astype(float))
    keys = [f"k{n}" for n in range(30)]
    listed = wide.rows(probs, truth, np.full(30, 0.5), keys=keys, model="m", split="gold", labels=False)[0]
    assert (listed.low, listed.high) == pytest.approx((macro.low, macro.high))


def test_differences_of_rare_labels_lie_in_their_intervals() -> None:
    rng = np.random.default_rng(5)
    for seed in range(10):
        found, y = world(rng, RARE)
        other = found & (rng.random(y.shape) < 0.3)  # much of what the first finds is not found
        compared = paired_f1(y, found, other, tail=range(40), seed=seed, draws=200)
        for gain in (*compared.labels, compared.macro, compared.tail):
            assert gain is not None
            assert gain.low <= gain.difference <= gain.high


def test_draws_that_are_off_by_their_own_noise_stay_where_they_are() -> None:
    rng = np.random.default_rng(6)
    drawn = rng.integers(0, 3, size=(800, 4)) / 2
    assert (intervals.moved(np.full(4, 0.5), drawn) == drawn).all()
    low, high = intervals.around(np.array([0.5, 0.9]), drawn[:, :2])
    assert (low[0], high[0]) == (0.0, 1.0)
    assert low[1] == pytest.approx(0.4, abs=0.05)
    assert (intervals.holding(1.2, drawn[:, 0])[1], intervals.holding(-0.2, drawn[:, 0])[0]) == (1.2, -0.2)
