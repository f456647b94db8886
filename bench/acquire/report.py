"""From finished curves to figures: areas, labels to a share of the full-data score, ours against each of the others."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.acquire.cells import Work
from bench.acquire.ours import ORACLE
from core.evaluate.significance import Difference, corrected_t, paired_t, sign_flips
from core.experiments.directory import publish
from core.simulate import figures
from core.simulate.curves import MEASURES, SHARES, Curves, reached
from core.simulate.plan import CHANCE, FULL

UNTIL = 830  # labels: where areas end, for every strategy; beyond half of the pool all curves come together
DRAWN = 8  # curves in one figure


def gather(work: Work) -> dict[str, Curves]:
    """Curves by strategy; FULL has one point. Raises FileNotFoundError: one has not been made."""
    out = {}
    for name in (FULL, *work.strategies):
        cells = []
        for seed in work.seeds:
            found = work.read(name, seed)
            if found is None:
                raise FileNotFoundError(work.path(name, seed))
            cells.append(found)
        out[name] = _curves(name, cells)
    return out


def _curves(name: str, cells: Sequence[Mapping[str, Any]]) -> Curves:
    def over(what: str) -> NDArray:
        return np.array([[point[what] for point in cell["points"]] for cell in cells])

    return Curves(
        strategy=name,
        labelled=over("n"),
        values={measure: over(measure) for measure in MEASURES},
        f1=over("f1"),
        positives=over("positives"),
        seconds=np.array([cell["seconds"] for cell in cells]),
        learn_s=np.zeros((len(cells), 1)),
    )


def areas(each: Curves, measure: str, until: int = UNTIL) -> NDArray[np.float64]:
    """Mean height of each seed's curve up to so many labels, straight between points. Shapes: → (S,)."""
    end = min(until, int(each.n[-1]))
    n = np.unique([*each.n[each.n <= end], end])
    heights = np.array([np.interp(n, each.n, curve) for curve in each.values[measure]])
    return np.trapezoid(heights, n, axis=1) / (n[-1] - n[0])


def labels_to(each: Curves, full: Curves, measure: str, share: float) -> float | None:
    """Where the mean curve first has that share of the mean full-data score."""
    return reached(each.n, each.values[measure].mean(axis=0), share * float(full.values[measure].mean()))


def figures_of(curves: Mapping[str, Curves], ours: str, *, ratio: float) -> dict[str, Any]:
    """The figures of the last line. ``ratio``: test to pool texts, for the corrected t (nadeau2003)."""
    full, mine = curves[FULL], curves[ours]
    asked = [name for name in curves if name != FULL]
    need = {name: labels_to(curves[name], full, "tail", 0.95) for name in asked}
    area = {name: float(areas(curves[name], "tail").mean()) for name in asked}
    rivals = sorted((name for name in asked if ":" in name), key=lambda name: -area[name])
    best = rivals[0] if rivals else None
    against = _tests(areas(mine, "tail"), areas(curves[best], "tail"), ratio) if best else {}
    own, by_chance = need[ours], need[CHANCE]
    return {
        "labels_vs_random_tail95": round(own / by_chance, 3) if own and by_chance else None,
        "labels_tail95": {name: None if value is None else round(value) for name, value in need.items()},
        "auc": {name: round(value, 4) for name, value in sorted(area.items(), key=lambda item: -item[1])},
        "best_rival": best,
        "p_vs_best_rival": _p(against.get("corrected_t")),
        "p_sign_flips_vs_best_rival": _p(against.get("sign_flips")),
        "auc_above_best_rival": round(against["corrected_t"].mean, 4) if against else None,
        **_micro(mine, curves[CHANCE], ratio),
        "full_tail": round(float(full.values["tail"].mean()), 4),
    }


def _p(found: Difference | None) -> float | None:
    return None if found is None else float(f"{found.p:.3g}")


def _micro(mine: Curves, by_chance: Curves, ratio: float) -> dict[str, Any]:
    """At how many points ours is under chance in micro-F1, and at how many the whole 95 % interval is."""
    mine, by_chance = _together([mine, by_chance])
    pairs = list(zip(mine.values["micro"].T[1:], by_chance.values["micro"].T[1:], strict=True))
    found = [corrected_t(a, b, ratio=ratio) for a, b in pairs]
    return {
        "micro_points": len(found),
        "micro_points_below_random": sum(each.mean < 0 for each in found),
        "micro_points_below_random_beyond_noise": sum(each.high < 0 for each in found),
        "micro_least_difference": round(min(each.mean for each in found), 4),
    }


def _tests(first: NDArray, second: NDArray, ratio: float) -> dict[str, Difference]:
    return {
        "paired_t": paired_t(first, second),
        "corrected_t": corrected_t(first, second, ratio=ratio),
        "sign_flips": sign_flips(first, second),
    }


def write(curves: Mapping[str, Curves], ours: str, out: Path, *, ratio: float, title: str) -> None:
    """table.csv, significance.csv, curves.csv (means over seeds) and a figure for each measure."""
    out.mkdir(parents=True, exist_ok=True)
    by_area = sorted((name for name in curves if name != FULL), key=lambda name: -areas(curves[name], "tail").mean())
    contents = {
        "table.csv": _csv(_table(curves, by_area)),
        "significance.csv": _csv(_significance(curves, by_area, ours, ratio)),
        "curves.csv": _csv(_means(curves, by_area)),
    }
    named = {ours, CHANCE, ORACLE}
    drawn = [*named, *[name for name in by_area if name not in named and ":" not in name][:2]]
    drawn += [name for name in by_area if ":" in name][: DRAWN - len(drawn)]
    shown = [curves[name] for name in by_area if name in drawn]
    for measure in MEASURES:
        drawing = figures.learning_curves(_together(shown), curves[FULL], measure, title=f"{measure}: {title}")
        contents[f"curves_{measure}.svg"] = drawing
    end = max(each.n[-1] for each in shown)
    whole = [each for each in shown if each.n[-1] == end]
    contents["curves_whole.svg"] = figures.learning_curves(whole, curves[FULL], "tail", title=f"tail: {title}")
    for name, content in contents.items():
        publish(out / name, content.encode("utf-8"))


def _together(shown: Sequence[Curves]) -> list[Curves]:
    """The same curves at the points that all of them have."""
    n = sorted(set.intersection(*(set(each.n.tolist()) for each in shown)))
    out = []
    for each in shown:
        at = np.searchsorted(each.n, n)
        values = {measure: heights[:, at] for measure, heights in each.values.items()}
        out.append(replace(each, labelled=each.labelled[:, at], values=values))
    return out


def _csv(rows: Iterable[Sequence[object]]) -> str:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows(rows)
    return stream.getvalue()


def _table(curves: Mapping[str, Curves], names: Sequence[str]) -> Iterator[Sequence[object]]:
    yield (
        "strategy",
        *(f"{measure}_{what}" for measure in MEASURES for what in (f"area_{UNTIL}", "sd", "area_all")),
        *(f"tail_labels_to_{100 * share:.0f}" for share in SHARES),
        "seconds_a_curve",
    )
    end = min(int(curves[name].n[-1]) for name in names)  # further on only some have been followed
    for name in names:
        each, row = curves[name], [name]
        for measure in MEASURES:
            part, whole = areas(each, measure), areas(each, measure, int(each.n[-1]))
            row += [f"{part.mean():.4f}", f"{part.std(ddof=1):.4f}", f"{whole.mean():.4f}" if each.n[-1] > end else ""]
        found = [labels_to(each, curves[FULL], "tail", share) for share in SHARES]
        yield *row, *("" if value is None else f"{value:.0f}" for value in found), f"{each.seconds.mean():.1f}"


def _significance(
    curves: Mapping[str, Curves], names: Sequence[str], ours: str, ratio: float
) -> Iterator[Sequence[object]]:
    yield "strategy", "against", "measure", "test", "difference", "low", "high", "p", "seeds"
    for measure in MEASURES:
        mine = areas(curves[ours], measure)
        for name in names:
            if name == ours:
                continue
            for test, found in _tests(mine, areas(curves[name], measure), ratio).items():
                values = (f"{value:.6g}" for value in (found.mean, found.low, found.high, found.p))
                yield ours, name, measure, test, *values, found.n


def _means(curves: Mapping[str, Curves], names: Sequence[str]) -> Iterator[Sequence[object]]:
    yield "strategy", "n_labelled", *(f"{measure}{what}" for measure in MEASURES for what in ("", "_sd"))
    for name in (FULL, *names):
        each = curves[name]
        for t, n in enumerate(each.n):
            values = (each.values[measure][:, t] for measure in MEASURES)
            yield name, int(n), *(f"{x:.4f}" for value in values for x in (value.mean(), value.std(ddof=1)))
