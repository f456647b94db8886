"""How often a forecast was right: fitted to the beginning of a curve, held against what came after."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.evaluate.forecast import MIN_POINTS, PLATEAU, Fitted, fit

AHEAD = (50, 100, 200, 400)  # labels after the last point that is known
SMOOTH = 5  # points in the mean by which a curve is said to have crossed a height


@dataclass(frozen=True, kw_only=True)
class Series:
    """One measured curve. ``total`` texts could be labelled, and with all of them F1 is ``full``. Shapes: (T,) each."""

    name: str
    seed: int
    measure: str
    n: NDArray[np.int64]
    f1: NDArray[np.float64]
    errors: NDArray[np.float64]
    prevalence: NDArray[np.float64]  # of each label of which F1 is the mean
    total: int
    full: float


@dataclass(frozen=True)
class Outcome:
    """One forecast and what came: F1, or labels until PLATEAU of ``full`` (``ahead`` "until"), None: none was made.

    ``ahead`` "all": with all texts labelled. ``known``: points the forecast was made from; ``n``: labels at the last.
    """

    name: str
    seed: int
    measure: str
    ahead: str
    n: int
    known: int
    truth: float
    middle: float | None
    low: float | None
    high: float | None

    @property
    def covered(self) -> bool:
        return self.low is not None and self.high is not None and self.low <= self.truth <= self.high


@dataclass(frozen=True)
class Coverage:
    """Share of outcomes within the 80 % interval. ``seeds_low`` and ``seeds_high``: of the worst and the best seed."""

    measure: str
    ahead: str
    n: int
    covered: float
    below: float
    above: float
    width: float
    error: float  # mean distance of truth and middle
    seeds_low: float
    seeds_high: float
    silent: float  # share of forecasts not made: not foreseeable


def outcomes(series: Series, *, every: int = 50) -> Iterator[Outcome]:
    """Forecasts from each point on at which there are enough, made of points ``every`` labels apart as rounds are."""
    apart = max(1, round(every / float(np.median(np.diff(series.n)))))
    for last in range(len(series.n) - 1):
        known = np.arange(last, -1, -apart)[::-1]
        if len(known) < MIN_POINTS or last % apart:
            continue
        fitted = fit(
            series.n[known],
            series.f1[known],
            series.errors[known],
            total=series.total,
            positives=series.prevalence * series.n[last],
        )
        yield from _ahead(series, fitted, last, len(known))


def _ahead(series: Series, fitted: Fitted, last: int, known: int) -> Iterator[Outcome]:
    now = int(series.n[last])
    ends: list[tuple[str, int, float]] = []
    for labels in AHEAD:
        place = int(np.searchsorted(series.n, now + labels))
        if place < len(series.n):
            ends.append((str(labels), int(series.n[place]), float(series.f1[place])))
    ends.append(("all", series.total, series.full))
    points = fitted.points([n for _, n, _ in ends])
    common = (series.name, series.seed, series.measure)
    for (ahead, _, truth), point in zip(ends, points, strict=True):
        yield Outcome(*common, ahead, now, known, truth, point.middle, point.low, point.high)
    reached = crossing(np.append(series.n, series.total), np.append(series.f1, series.full), PLATEAU * series.full)
    if len(series.prevalence) > 1 and reached is not None and reached > now:
        until = fitted.until_plateau()
        told = (now, now, now) if until.state == "reached" else (until.n, until.low, until.high)
        yield Outcome(*common, "until", now, known, reached, *told)


def crossing(n: NDArray, f1: NDArray, goal: float) -> float | None:
    """Labels at which the curve, smoothed over SMOOTH points, first has this height; None where it never does."""
    if len(n) < SMOOTH:
        return None
    kernel = np.full(SMOOTH, 1 / SMOOTH)
    heights, at = np.convolve(f1, kernel, "valid"), np.convolve(n, kernel, "valid")
    above = np.flatnonzero(heights >= goal)
    if not len(above):
        return None
    first = int(above[0])
    if first == 0:
        return float(at[0])
    rise = heights[first] - heights[first - 1]
    return float(at[first - 1] + (goal - heights[first - 1]) / rise * (at[first] - at[first - 1]))


def coverage(found: Iterable[Outcome]) -> list[Coverage]:
    """A row for each measure and each look ahead, and one for all of a measure's F1 together ("any")."""
    groups: dict[tuple[str, str], list[Outcome]] = {}
    for each in found:
        groups.setdefault((each.measure, each.ahead), []).append(each)
        if each.ahead in map(str, AHEAD):
            groups.setdefault((each.measure, "any"), []).append(each)
    return [_row(measure, ahead, group) for (measure, ahead), group in groups.items()]


def _row(measure: str, ahead: str, group: Sequence[Outcome]) -> Coverage:
    made = [each for each in group if each.low is not None]
    by_seed = [[each.covered for each in made if each.seed == seed] for seed in sorted({each.seed for each in made})]
    shares = [float(np.mean(each)) for each in by_seed] or [0.0]
    of_each = [(each.truth, each.middle, each.low, each.high) for each in made]
    truth, middle, low, high = np.array(of_each, dtype=np.float64).reshape(-1, 4).T
    n = len(made)
    return Coverage(
        measure, ahead, n, float(np.mean([each.covered for each in made])) if n else 0.0,
        float((truth < low).mean()) if n else 0.0, float((truth > high).mean()) if n else 0.0,
        float((high - low).mean()) if n else 0.0, float(np.abs(truth - middle).mean()) if n else 0.0,
        min(shares), max(shares), 1 - n / len(group),
    )  # fmt: skip
