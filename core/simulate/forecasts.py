"""A simulation's curves as what forecasts are held against: ``python -m core forecast --backtest DIR``."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import BadFile
from core.evaluate.backtest import Coverage, Series, coverage, outcomes
from core.evaluate.bands import tail
from core.evaluate.forecast import MIN_POINTS, mean_error, standard_error

FULL = "all"  # as in core.simulate.plan, which would load what this does not need


def series(out: Path, *, seeds: Collection[int] = (), labels: bool = False) -> Iterator[Series]:
    """Macro and tail macro-F1 of each finished cell, with ``labels`` each label's F1 too; ``seeds``: only these.

    Gold positives are not in a cell: they are the full cell's positives times test texts over pool texts, for the
    split is stratified. Raises BadFile: no finished simulation is there.
    """
    cells = [_read(path) for path in sorted((out / "cells").glob("*.json"))]
    full = {cell["key"][0]: cell for cell in cells if cell["key"][1] == FULL}
    found = [cell for cell in cells if cell["key"][1] != FULL and cell["key"][0] in full]
    found = [cell for cell in found if len(cell["points"]) > MIN_POINTS and (not seeds or cell["key"][0] in seeds)]
    if not found:
        raise BadFile(name=str(out), why="unreadable", detail="no finished cells of python -m core simulate")
    for cell in found:
        yield from _of(cell, full[cell["key"][0]], labels)


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        found["key"][1], found["points"][0]["f1"], found["n_test"], found["n_pool"]
    except (OSError, ValueError, KeyError, IndexError, TypeError) as error:
        raise BadFile(name=str(path), why="unreadable", detail=repr(error)[:200]) from error
    return dict(found)


def _of(cell: dict[str, Any], full: dict[str, Any], labels: bool) -> Iterator[Series]:
    (seed, name), points, last = cell["key"], cell["points"], full["points"][-1]
    n = np.array([point["n"] for point in points])
    f1 = np.array([point["f1"] for point in points])  # (T, K)
    best, positives = np.array(last["f1"]), np.array(last["positives"], dtype=np.float64)
    errors = standard_error(f1, positives * cell["n_test"] / full["n_pool"])

    def over(measure: str, columns: Sequence[int] | NDArray) -> Series:
        return Series(
            name=name, seed=seed, measure=measure, n=n, f1=f1[:, columns].mean(axis=1),
            errors=mean_error(errors[:, columns]), prevalence=positives[columns] / last["n"], total=last["n"],
            full=float(best[columns].mean()),
        )  # fmt: skip

    yield over("macro", range(f1.shape[1]))
    yield over("tail", tail(positives))
    if labels:
        yield from (over("label", [k]) for k in range(f1.shape[1]))


def backtest(out: Path, *, seeds: Collection[int] = (), labels: bool = False, every: int = 50) -> list[Coverage]:
    """How often outcomes lay within the 80 % interval. Raises BadFile."""
    found = series(out, seeds=seeds, labels=labels)
    return coverage(each for one in found for each in outcomes(one, every=every))


HEADS = ("measure", "ahead", "forecasts", "covered", "by seed", "below", "above", "width", "off by", "not told")


def table(found: Sequence[Coverage]) -> str:
    """For a terminal: a line each."""
    body = [
        (
            each.measure, each.ahead, str(each.n), f"{each.covered:.1%}", f"{each.seeds_low:.0%}-{each.seeds_high:.0%}",
            f"{each.below:.0%}", f"{each.above:.0%}", f"{each.width:.3g}", f"{each.error:.3g}", f"{each.silent:.0%}",
        )
        for each in found
    ]  # fmt: skip
    wide = [max(len(row[column]) for row in (HEADS, *body)) for column in range(len(HEADS))]
    return "\n".join(
        "  ".join(cell.rjust(size) for cell, size in zip(row, wide, strict=True)) for row in (HEADS, *body)
    )
