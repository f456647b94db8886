"""A simulation's curves against forecasts made from their beginnings."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from core.errors import BadFile
from core.evaluate.backtest import Outcome, coverage, crossing, outcomes
from core.simulate.forecasts import backtest, series, table

N = list(range(30, 531, 50))
POSITIVES = [400, 300, 200, 90, 60]


def curve(seed: int, rise: float) -> list[list[float]]:
    rng = np.random.default_rng(seed)
    heights = [[0.9 - (0.3 + 0.15 * k) * (n / 30) ** -rise for k in range(len(POSITIVES))] for n in N]
    return np.clip(np.array(heights) + rng.normal(size=(len(N), len(POSITIVES))) * 0.02, 0, 1).tolist()


def simulated(out: Path, seeds: int = 2) -> Path:
    """Cells as ``python -m core simulate`` leaves them, of curves that are known."""
    (out / "cells").mkdir(parents=True)
    for seed in range(seeds):
        common = {"n_test": 250, "n_pool": 1000}
        for name, rise in (("chance", 0.4), ("long_tail", 0.6)):
            points = [
                {"n": n, "f1": f1, "positives": [int(each * n / 1000) for each in POSITIVES]}
                for n, f1 in zip(N, curve(seed, rise), strict=True)
            ]
            cell = {**common, "key": [seed, name], "points": points}
            (out / "cells" / f"{name}-seed{seed}.json").write_text(json.dumps(cell), "utf-8")
        full = {"n": 1000, "f1": [0.85] * len(POSITIVES), "positives": POSITIVES}
        cell = {**common, "key": [seed, "all"], "points": [full]}
        (out / "cells" / f"all-seed{seed}.json").write_text(json.dumps(cell), "utf-8")
    return out


def test_cells_become_macro_tail_and_labels(tmp_path: Path) -> None:
    found = list(series(simulated(tmp_path), seeds=[1], labels=True))
    assert {(each.name, each.seed) for each in found} == {("chance", 1), ("long_tail", 1)}
    macro, tail = found[0], found[1]
    assert (macro.measure, len(macro.prevalence), macro.total, macro.full) == ("macro", 5, 1000, pytest.approx(0.85))
    assert (tail.measure, tail.prevalence.tolist()) == ("tail", [0.09, 0.06])
    f1 = np.array(curve(1, 0.4))
    np.testing.assert_allclose(macro.f1, f1.mean(axis=1))
    np.testing.assert_allclose(tail.f1, f1[:, 3:].mean(axis=1))
    assert (tail.errors > macro.errors).all()
    assert sum(each.measure == "label" for each in found) == 2 * len(POSITIVES)


def test_forecasts_see_nothing_of_what_came_after(tmp_path: Path) -> None:
    one = next(series(simulated(tmp_path)))
    other = next(series(tmp_path))
    other.f1[7:] = 0.0
    early = [each for each in outcomes(one) if each.n == N[5]]
    later = [each for each in outcomes(other) if each.n == N[5]]
    told = [(each.middle, each.low, each.high) for each in early if each.ahead != "until"]
    assert told
    assert told == [(each.middle, each.low, each.high) for each in later if each.ahead != "until"]
    assert [each.truth for each in early] != [each.truth for each in later]


def test_coverage_counts_what_lies_within(tmp_path: Path) -> None:
    made = [
        Outcome("a", 0, "macro", "50", 100, 4, 0.5, 0.5, 0.4, 0.6),
        Outcome("a", 0, "macro", "50", 150, 4, 0.7, 0.5, 0.4, 0.6),
        Outcome("a", 1, "macro", "100", 150, 4, 0.3, 0.5, 0.4, 0.6),
        Outcome("a", 1, "macro", "until", 150, 4, 300.0, None, None, None),
    ]
    rows = {each.ahead: each for each in coverage(made)}
    assert (rows["50"].n, rows["50"].covered, rows["50"].above) == (2, 0.5, 0.5)
    assert (rows["any"].n, rows["any"].covered) == (3, pytest.approx(1 / 3))
    assert (rows["any"].seeds_low, rows["any"].seeds_high) == (0.0, 0.5)
    assert (rows["until"].n, rows["until"].silent) == (0, 1.0)
    assert "33.3%" in table(list(rows.values()))
    found = backtest(simulated(tmp_path))
    assert {(each.measure, each.ahead) for each in found} >= {("macro", "any"), ("tail", "any"), ("macro", "all")}
    assert all(0 <= each.covered <= 1 and each.n for each in found if each.ahead != "until")


def test_a_crossing_is_read_off_the_smoothed_curve() -> None:
    n, f1 = np.arange(10, 110, 10), np.arange(10) / 10
    f1[2] = 0.9  # one lucky point
    assert crossing(n, f1, 0.65) == pytest.approx(75)
    assert crossing(n, f1, 0.95) is None
    assert crossing(n[:4], f1[:4], 0.1) is None


def test_a_folder_without_finished_cells_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match=r"no finished cells|unreadable"):
        backtest(tmp_path)
    (tmp_path / "cells").mkdir()
    (tmp_path / "cells" / "chance-seed0.json").write_text("{", "utf-8")
    with pytest.raises(BadFile):
        backtest(tmp_path)
