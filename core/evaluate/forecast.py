"""A learning curve carried on: what F1 more labels will give, and how sure one may be of it.

The curve is a shifted power law, F(n) = a - b·(n + d)^-c with 0 ≤ F ≤ a ≤ 1; with d = 0 it is a - b·n^-c. Rare labels
begin late, so that macro-F1 first rises faster than any plain power law; d is for that. No single curve is fitted:
every curve of a grid is weighed by how well it explains the measured points (a posterior over curves), and the
interval is that of draws from it. So few points or a crooked curve widen the interval by themselves.

Who chooses texts takes the useful ones first, and the last ones teach little. So n above is not the labelled texts t
themselves but N·(1 - (1 - t/N)^s), with N all texts of the pool: s = 1 for choice by chance, more where the first texts
are worth s times the average. In a large pool this changes nothing.

A measured point scatters about the curve for two reasons. Gold is a sample, but the same one at every point, so only a
part (``SHARED``) of its standard error is seen from point to point; and no real curve is a power law: what is missed
grows like a random walk in log n (``DRIFT``), more for labels that few texts have (``JUMP``). All were set on simulated
curves; ``core.evaluate.backtest`` says how often outcomes on others lie within the interval.

Source: figueroa2012 for the inverse power law of labelled texts, domhan2015 for a posterior over curves,
viering2023 for the shifted form. The two causes of scatter and their sizes are ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.seeds import numbers

MIN_POINTS = 3  # fewer say nothing of a curve
INTERVAL = 0.8  # what lies between low and high
REACH = 4.0  # times the labelled texts: beyond, "after about N" is not said
PLATEAU = 0.95
SHARED = 0.4  # of gold's standard error is seen between two points on the same gold
DRIFT = 0.045  # F1 per √log n by which the curve of a common label leaves a power law
JUMP = 0.45  # the same of a label that one labelled text has; of one that p texts have, 1/√p of it
DRAWS = 2000
_STEPS = 60  # of a path, up to REACH
_PRIOR_POINTS = 4  # what SHARED, DRIFT and JUMP are worth against the scatter that is seen
_RISE, _RISE_SPREAD = 0.7, 0.7  # of c: the middle and the spread of its logarithm
_HEAVY = 3.5  # how much room above the last point is expected: density of the remaining share u is u^_HEAVY
_EXPONENTS = np.geomspace(0.1, 5, 13)
_SHIFTS = np.array([0.0, 0.2, 0.5, 1.0, 2.0, 4.0])  # d in units of the labelled texts so far
_WORTH = np.array([1.0, 2.0, 3.0])  # s
_ROOM = ((np.arange(20) + 0.5) / 20) ** 2  # share of what lies between the curve at the last point and 1
_HEIGHTS = np.linspace(-4, 4, 15)  # of the curve at the last point, in units of its noise
_FLOOR = 1e-3  # no point is surer than that


@dataclass(frozen=True)
class Point:
    """What will be measured on the same gold at n labelled texts; ``low`` to ``high`` is the 80 % interval."""

    n: int
    middle: float
    low: float
    high: float


@dataclass(frozen=True)
class Until:
    """Labelled texts until a height is reached. The numbers are None where it is not foreseeable."""

    state: Literal["reached", "foreseen", "not_foreseeable"]
    n: int | None = None
    low: int | None = None
    high: int | None = None


@dataclass(frozen=True)
class Fitted:
    """Draws of curves that explain the points. ``height`` is each one's value at ``last``, ``top`` its limit.

    Shapes: (DRAWS,) each but the first four: labelled texts and standard error of the last point, drift, all texts.
    """

    last: float
    error: float
    drift: float
    total: float
    height: NDArray[np.float64]
    top: NDArray[np.float64]
    exponent: NDArray[np.float64]
    shift: NDArray[np.float64]
    worth: NDArray[np.float64]
    scale: NDArray[np.float64]  # of the scatter
    noise: NDArray[np.float64]  # standard normal
    seed: int

    def curves(self, n: ArrayLike) -> NDArray[np.float64]:
        """Without scatter. Shapes: (T,) of labelled texts → (DRAWS, T)."""
        at = np.atleast_1d(np.asarray(n, dtype=np.float64))
        share = _effective(at, self.total, self.worth[:, None]) / self._now[:, None] + self.shift[:, None]
        rest = (self.top - self.height)[:, None] * (share / (1 + self.shift[:, None])) ** -self.exponent[:, None]
        return np.maximum(0.0, self.top[:, None] - rest)

    @property
    def _now(self) -> NDArray[np.float64]:
        return _effective(self.last, self.total, self.worth)

    def outcomes(self, n: ArrayLike) -> NDArray[np.float64]:
        """As they will be measured. Shapes: (T,) of labelled texts, none below ``last`` → (DRAWS, T)."""
        ahead = np.log(np.atleast_1d(np.asarray(n, dtype=np.float64)) / self.last)
        spread = np.sqrt((SHARED * self.error) ** 2 + self.drift**2 * np.maximum(ahead, 0.0))
        return np.clip(self.curves(n) + (self.scale * self.noise)[:, None] * spread, 0.0, 1.0)

    def points(self, n: ArrayLike) -> list[Point]:
        """Middle and interval at each n. Shapes: (T,)."""
        tails = 50 * (1 - INTERVAL)
        low, middle, high = np.percentile(self.outcomes(n), [tails, 50, 100 - tails], axis=0)
        return [
            Point(int(at), float(m), float(lo), float(hi))
            for at, m, lo, hi in zip(np.atleast_1d(n), middle, low, high, strict=True)
        ]

    def until(self, goal: float) -> Until:
        """Labelled texts at which the curve has this height, with the 80 % interval.

        Not foreseeable: a tenth of the draws or more get there only after REACH times the labels so far, or never.
        """
        n, paths = self._paths()
        return self._crossing(n, paths, np.full(len(paths), goal))

    def until_plateau(self, share: float = PLATEAU) -> Until:
        """Labelled texts until ``share`` of the curve's height with all texts labelled."""
        n, paths = self._paths()
        return self._crossing(n, paths, share * paths[:, -1])

    def _paths(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Curves with their walk, as they may go on. Shapes: → (T,) labelled texts from ``last`` on, (DRAWS, T)."""
        near = min(REACH * self.last, self.total)
        n = np.unique(np.concatenate([np.geomspace(self.last, near, _STEPS), np.geomspace(near, self.total, 5)]))
        steps = numbers(self.seed, "walk").standard_normal((len(self.top), len(n) - 1)) * np.sqrt(np.diff(np.log(n)))
        walk = np.cumsum(steps, axis=1) * (self.scale * self.drift)[:, None]
        paths = self.curves(n)
        paths[:, 1:] += walk
        return n, paths

    def _crossing(self, n: NDArray, paths: NDArray[np.float64], goal: NDArray[np.float64]) -> Until:
        above = paths >= goal[:, None]
        first = above.argmax(axis=1)
        found = np.where(above.any(axis=1), n[first], np.inf)
        tails = 50 * (1 - INTERVAL)
        low, middle, high = np.percentile(found, [tails, 50, 100 - tails], method="higher")
        if middle <= self.last:
            return Until("reached")
        if high > REACH * self.last:
            return Until("not_foreseeable")
        return Until("foreseen", round(middle), round(low), round(high))


def _effective(n: ArrayLike, total: float, worth: NDArray[np.float64]) -> NDArray[np.float64]:
    """What n chosen texts of the pool are worth."""
    return total * (1 - (1 - np.minimum(np.asarray(n) / total, 1.0)) ** worth)


def standard_error(f1: ArrayLike, support: ArrayLike) -> NDArray[np.float64]:
    """Of one label's F1 on gold, approximate: from F1 and gold positives alone.

    F1 = 2J / (1 + J), where J is the share of hits among texts that are or are said to be positive: about
    support·(2 - F1) texts, when as many are said to be positive as are. J is taken for a binomial share, moved a little
    towards one half, so that an F1 of 0 is not thought certain. Without a positive there is no error: F1 stays 0.
    """
    f, positives = np.broadcast_arrays(np.asarray(f1, dtype=np.float64), np.asarray(support, dtype=np.float64))
    union = positives * (2 - f)
    hits = (f / (2 - f) * union + 1) / (union + 2)
    error = 2 / (1 + hits) ** 2 * np.sqrt(hits * (1 - hits) / (union + 2))
    return np.where(positives > 0, error, 0.0)


def mean_error(errors: ArrayLike) -> NDArray[np.float64]:
    """Of a mean over labels, taken for independent. Shapes: (…, K) → (…)."""
    found = np.asarray(errors, dtype=np.float64)
    return np.sqrt((found**2).sum(axis=-1)) / found.shape[-1]


def fit(n: ArrayLike, f1: ArrayLike, errors: ArrayLike, *, total: int, positives: ArrayLike, seed: int = 0) -> Fitted:
    """Curves through the points, drawn by how well they explain them.

    Shapes: (T,) each: labelled texts, rising, ``total`` at most; F1, a mean over m labels; its standard error;
    positives (m,): about how many of the last point's texts have each label, so how jumpy its curve is.
    Raises ValueError: fewer than MIN_POINTS, no rising n, or what is no F1.
    """
    at, y, se = (np.asarray(each, dtype=np.float64) for each in (n, f1, errors))
    if at.shape != y.shape or y.shape != se.shape or at.ndim != 1 or len(at) < MIN_POINTS:
        raise ValueError(f"points of shapes {at.shape}, {y.shape}, {se.shape}; {MIN_POINTS} are needed")
    if not (np.diff(at) > 0).all() or not 0 < at[0] < at[-1] <= total or not ((y >= 0) & (y <= 1) & (se >= 0)).all():
        raise ValueError("labelled texts must rise up to their total, F1 lie in 0 … 1, errors be 0 or more")
    se, drift = np.maximum(se, _FLOOR), _drift(np.atleast_1d(np.asarray(positives, dtype=np.float64)))
    height, room, (exponent, shift, worth), prior = _grid(y, se)
    share = _effective(at, total, _WORTH[:, None]) / _effective(at[-1], total, _WORTH)[:, None]  # (S, T)
    share = (share[None] + _SHIFTS[:, None, None]) / (1 + _SHIFTS[:, None, None])  # (D, S, T)
    falls = share[None] ** -_EXPONENTS[:, None, None, None]  # (C, D, S, T)
    curves = np.maximum(0.0, (height + room)[:, None] - room[:, None] * falls[exponent, shift, worth])  # (G, T)
    back = np.log(at[-1] / at)
    scatter = np.diag((SHARED * se) ** 2) + drift**2 * np.minimum(back[:, None], back)  # (T, T), a walk from the last
    white = np.linalg.inv(np.linalg.cholesky(scatter))
    misfit = (((y - curves) @ white.T) ** 2).sum(axis=1)
    weight = prior - (_PRIOR_POINTS + len(at)) / 2 * np.log(_PRIOR_POINTS + misfit)  # Student's t, scale left open
    weight = np.exp(weight - weight.max())
    rng = numbers(seed, "forecast")
    drawn = rng.choice(len(weight), size=DRAWS, p=weight / weight.sum())
    scale = np.sqrt((_PRIOR_POINTS + misfit[drawn]) / rng.chisquare(_PRIOR_POINTS + len(at), DRAWS))
    return Fitted(
        last=float(at[-1]), error=float(se[-1]), drift=drift, total=float(total), height=height[drawn],
        top=(height + room)[drawn], exponent=_EXPONENTS[exponent[drawn]], shift=_SHIFTS[shift[drawn]],
        worth=_WORTH[worth[drawn]], scale=scale, noise=rng.standard_normal(DRAWS), seed=seed,
    )  # fmt: skip


def _drift(positives: NDArray[np.float64]) -> float:
    """Of a mean over labels whose curves go their own ways. Shapes: (m,)."""
    return float(np.sqrt((DRIFT**2 + JUMP**2 / np.maximum(positives, 1)).mean() / len(positives)))


def _grid(
    y: NDArray[np.float64], se: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], tuple[NDArray, NDArray, NDArray], NDArray[np.float64]]:
    """Every curve that is weighed: height at the last point, room above it, positions of c, d, s, log prior. → (G,)."""
    step = max(SHARED * se[-1], float(y[-3:].std()) / 2)
    heights = np.clip(y[-1] + _HEIGHTS * step, 1e-3, 1 - 1e-3)
    axes = np.meshgrid(heights, *(np.arange(len(each)) for each in (_ROOM, _EXPONENTS, _SHIFTS, _WORTH)), indexing="ij")
    height, room, exponent, shift, worth = (axis.ravel() for axis in axes)
    prior = _HEAVY / 2 * np.log(_ROOM[room])
    prior -= 0.5 * (np.log(_EXPONENTS[exponent] / _RISE) / _RISE_SPREAD) ** 2
    return height, (1 - height) * _ROOM[room], (exponent, shift, worth), prior
