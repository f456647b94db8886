"""From finished cells to figures: curves, areas, labels to a share of the full-data score, differences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.evaluate.significance import Difference, corrected_t, paired_t, sign_flips
from core.experiments.corpus import Corpus
from core.simulate.plan import CHANCE, FULL, Key, Plan
from core.simulate.store import Store

MEASURES = ("micro", "macro", "tail")
SHARES = (0.8, 0.9, 0.95)  # of the full-data score


@dataclass(frozen=True)
class Curves:
    """Every seed's curve of one strategy; S seeds, T points.

    Shapes: labelled (S, T) texts, the same for every seed but in the full cells; values (S, T) for each of MEASURES;
    f1 and positives (S, T, K); seconds (S,) of a cell; learn_s (S, T) of one refit and ranking.
    """

    strategy: str
    labelled: NDArray[np.int64]
    values: dict[str, NDArray[np.float64]]
    f1: NDArray[np.float64]
    positives: NDArray[np.int64]
    seconds: NDArray[np.float64]
    learn_s: NDArray[np.float64]

    @property
    def n(self) -> NDArray[np.int64]:
        """Shapes: → (T,)."""
        return self.labelled[0]

    def areas(self, measure: str) -> NDArray[np.float64]:
        """Mean height of each seed's curve over its labels. Shapes: → (S,)."""
        heights = self.values[measure]
        if len(self.n) < 2:
            return heights[:, 0]
        return np.trapezoid(heights, self.n, axis=1) / (self.n[-1] - self.n[0])


@dataclass(frozen=True)
class Needed:
    """Labels until the mean curve first reaches that share of the mean full-data score, None where it never does.

    Between two points it is taken for straight. ``seeds``: how many seeds' own curves reach that share of their own.
    """

    labels: float | None
    seeds: int


@dataclass(frozen=True)
class Row:
    """One strategy in one measure."""

    strategy: str
    measure: str
    area: float
    area_sd: float
    last: float  # at the end of the budget
    last_sd: float
    full: float
    needed: dict[float, Needed]
    seconds: float
    learn_s: float


@dataclass(frozen=True)
class Comparison:
    """One strategy's area under the curve against another's by one test. ``role``: chance, or the best other."""

    strategy: str
    against: str
    role: str
    measure: str
    test: str
    difference: float
    low: float
    high: float
    p: float
    n: int


def gather(plan: Plan, store: Store) -> dict[str, Curves]:
    """The curves of a finished plan by strategy; FULL has one point."""
    return {name: _curves(plan, store, name) for name in (FULL, *sorted(plan.strategies))}


def _curves(plan: Plan, store: Store, name: str) -> Curves:
    cells = []
    for seed in range(plan.seeds):
        cell = store.read(Key(seed, name))
        if cell is None:
            raise FileNotFoundError(store.path(Key(seed, name)))
        cells.append(cell)

    def over(what: str) -> NDArray:
        return np.array([[point[what] for point in cell["points"]] for cell in cells])

    return Curves(
        strategy=name,
        labelled=over("n"),
        values={measure: over(measure) for measure in MEASURES},
        f1=over("f1"),
        positives=over("positives"),
        seconds=np.array([cell["seconds"] for cell in cells]),
        learn_s=over("learn_s"),
    )


def table(curves: dict[str, Curves]) -> list[Row]:
    """A row for each measure and strategy, the largest area first."""
    full = curves[FULL]
    out = []
    for measure in MEASURES:
        rows = [_row(each, measure, full) for name, each in curves.items() if name != FULL]
        out += sorted(rows, key=lambda row: (-row.area, row.strategy))
    return out


def _row(each: Curves, measure: str, full: Curves) -> Row:
    heights, goals = each.values[measure], full.values[measure][:, -1]
    areas = each.areas(measure)
    needed = {}
    for share in SHARES:
        own = [reached(each.n, curve, share * goal) for curve, goal in zip(heights, goals, strict=True)]
        labels = reached(each.n, heights.mean(axis=0), share * float(goals.mean()))
        needed[share] = Needed(labels, sum(found is not None for found in own))
    return Row(
        strategy=each.strategy, measure=measure, area=float(areas.mean()), area_sd=_sd(areas),
        last=float(heights[:, -1].mean()), last_sd=_sd(heights[:, -1]), full=float(goals.mean()), needed=needed,
        seconds=float(each.seconds.mean()), learn_s=float(each.learn_s.mean()),
    )  # fmt: skip


def _sd(values: NDArray) -> float:
    return float(values.std(ddof=1)) if len(values) > 1 else float("nan")


def reached(n: NDArray, curve: NDArray, goal: float) -> float | None:
    """Labels at which the curve first has this height, straight between points; none for a height of 0.

    Shapes: (T,), (T,).
    """
    above = np.flatnonzero(curve >= goal) if goal > 0 else np.zeros(0, dtype=np.int64)
    if not len(above):
        return None
    at = int(above[0])
    if at == 0:
        return float(n[0])
    rise = curve[at] - curve[at - 1]
    return float(n[at - 1] + (goal - curve[at - 1]) / rise * (n[at] - n[at - 1]))


def comparisons(plan: Plan, curves: dict[str, Curves]) -> Iterator[Comparison]:
    """Areas paired by seed: each strategy against chance, and against the best of the others; none with one seed."""
    names = [name for name in curves if name not in (FULL, CHANCE)]
    if plan.seeds < 2:
        return
    ratio = plan.test_share / (1 - plan.test_share)
    for measure in MEASURES:
        areas = {name: each.areas(measure) for name, each in curves.items() if name != FULL}
        for name in sorted(names, key=lambda each: (-areas[each].mean(), each)):
            others = sorted((each for each in names if each != name), key=lambda each: (-areas[each].mean(), each))
            for role, against in (("chance", CHANCE), *(("best other", each) for each in others[:1])):
                tests = {
                    "paired_t": paired_t(areas[name], areas[against]),
                    "corrected_t": corrected_t(areas[name], areas[against], ratio=ratio),
                    "sign_flips": sign_flips(areas[name], areas[against]),
                }
                for test, found in tests.items():
                    yield _comparison((name, against, role, measure, test), found)


def _comparison(names: tuple[str, str, str, str, str], found: Difference) -> Comparison:
    return Comparison(*names, found.mean, found.low, found.high, found.p, found.n)


def notes(corpus: Corpus, test_sizes: dict[int, NDArray[np.int64]]) -> list[str]:
    """Labels that no test text of a seed has, a sentence a seed. Shapes: positives of the test texts (K,) a seed."""
    absent = {seed: [corpus.label_keys[k] for k in np.flatnonzero(found == 0)] for seed, found in test_sizes.items()}
    return [
        f"Seed {seed}: no test text carries {', '.join(f'“{key}”' for key in keys)}; F1 there counts 0."
        for seed, keys in absent.items()
        if keys
    ]


def long_form(corpus: Corpus, curves: dict[str, Curves]) -> Iterator[Sequence[object]]:
    """strategy, seed, n_labelled, measure, value; measures are MEASURES, ``f1:LABEL`` and ``positives:LABEL``."""
    for each in curves.values():
        for seed in range(len(each.seconds)):
            for t, n in enumerate(each.labelled[seed]):
                for measure in MEASURES:
                    yield each.strategy, seed, int(n), measure, f"{each.values[measure][seed, t]:.6g}"
                for k, key in enumerate(corpus.label_keys):
                    yield each.strategy, seed, int(n), f"f1:{key}", f"{each.f1[seed, t, k]:.6g}"
                    yield each.strategy, seed, int(n), f"positives:{key}", int(each.positives[seed, t, k])
