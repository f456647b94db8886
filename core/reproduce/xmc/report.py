"""The table of the comparison, as a file and as a page: the first labels of each list, and F1 after one cut."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.evaluate.metrics import aggregate
from core.evaluate.ranking import figures, propensities, top
from core.evaluate.threshold_rules import best_global
from core.experiments.directory import publish
from core.experiments.drawing import escape
from core.experiments.page import bullets, document, escape_lines, tabulated
from core.experiments.parted import Parted
from core.experiments.reuters import NAME
from core.reproduce.losses.published import TABLE
from core.reproduce.table import csv_text
from core.reproduce.xmc.models import NOTHING, Answer
from core.reproduce.xmc.plan import SEEDED, XmcPlan
from core.reproduce.xmc.run import read
from core.xmc.ensemble import rank_average
from core.xmc.ranker import Ranked

PLACES = 10  # of the lists that are put together
CUTS = 200
FIGURES = ("P@1", "P@3", "P@5", "nDCG@5", "PSP@1", "PSP@3", "PSP@5", "micro", "macro")
SAYS = {
    "svm": "one-vs-rest support vector machines, tuned",
    "linear": "one-vs-rest logistic regression, tuned",
    "ranker": "the ranker with one cluster",
    "recursive": "linear machines down the tree",
    "tree": "tree, matcher, ranker (X-Transformer)",
    "tree together": "the same, lists of all seeds by rank",
    "aplc": "adaptive label clusters (APLC)",
}
LARGE = "The encoder. X-Transformer and APLC-XLNet stand on large pretrained transformers; here both read "
PROJECTED = LARGE + "a projection of weighted words that has learned from the training texts alone."
ENCODED = LARGE + "by the encoder that was given ({digest}), the mean of its vectors, and it learns with them."
DIFFERS = (
    "The corpus. The papers' figures are of Eurlex-4K and larger sets, of thousands of labels: there X-Transformer has "
    "P@1 / 3 / 5 of 87.22 / 75.12 / 62.90, APLC-XLNet of 87.72 / 74.56 / 62.28. They say nothing of this one.",
    "Labels that are no candidate of a text are given to none.",
    "F1: one cut for all labels, of the best micro-F1 on validation.",
)


def write(plan: XmcPlan, data: Parted, out: Path, *, command: str) -> Path:
    """table.csv, seeds.csv and report.html of a finished plan; the report's path."""
    seeds = [row for name in plan.models for row in _rows(plan, data, out, name)]
    together = _together(plan, data, out)
    rows = [_mean(name, [row for row in seeds if row["model"] == name]) for name in plan.models]
    if together:
        rows.insert(plan.models.index("tree") + 1, together)
    page = _page(plan, data, rows, command)
    for name, content in (("table.csv", _csv(rows)), ("seeds.csv", _csv(seeds)), ("report.html", page)):
        publish(out / name, content.encode("utf-8"))
    return out / "report.html"


def measured(data: Parted, answer: Answer) -> dict[str, float]:
    """FIGURES of one cell, in per cent."""
    valid_y, y = data.y[data.valid], data.y[data.test]
    found = _ranking(data, _list(answer.test, max(5, PLACES)).labels)
    known = answer.valid[answer.valid > NOTHING / 2]
    cut = best_global(answer.valid, valid_y, np.quantile(known, np.linspace(0.5, 1, CUTS))) if len(known) else np.inf
    f1 = aggregate((answer.test >= cut) & (answer.test > NOTHING / 2), y)
    return found | {name: 100 * f1[name][2] for name in ("micro", "macro")}


def _ranking(data: Parted, lists: NDArray) -> dict[str, float]:
    propensity = propensities(data.counts, len(data.train))
    return {name: 100 * value for name, value in figures(lists, data.y[data.test], propensity).items()}


def _list(scores: NDArray, k: int) -> Ranked:
    labels = top(scores, k)
    values = np.take_along_axis(scores, labels, axis=1).astype(np.float64)
    return Ranked(np.where(values > NOTHING / 2, labels, -1), values)


def _rows(plan: XmcPlan, data: Parted, out: Path, name: str) -> list[dict[str, Any]]:
    rows = []
    for seed in plan.seeds if name in SEEDED else (0,):
        cell = read(out, name, seed)
        assert cell is not None, (name, seed)
        rows.append({"model": name, "seed": seed, **measured(data, cell[0]), "seconds": cell[1]})
    return rows


def _together(plan: XmcPlan, data: Parted, out: Path) -> dict[str, Any] | None:
    """The lists of the tree's seeds by rank, as published for nine models; None without several seeds."""
    if "tree" not in plan.models or len(plan.seeds) < 2:
        return None
    cells = [read(out, "tree", seed) for seed in plan.seeds]
    lists = [_list(cell[0].test, PLACES) for cell in cells if cell]
    found = _ranking(data, rank_average(lists, PLACES).labels)
    return {"model": "tree together", "seeds": len(lists), **{name: found.get(name) for name in FIGURES}}


def _mean(name: str, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    out: dict[str, Any] = {"model": name, "seeds": len(rows)}
    for figure in (*FIGURES, "seconds"):
        values = [row[figure] for row in rows]
        out[figure] = float(np.mean(values))
        if figure != "seconds":
            out[f"{figure}_sd"] = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
    return out


def _csv(rows: Sequence[dict[str, Any]]) -> str:
    names = list(dict.fromkeys(name for row in rows for name in row))
    return csv_text(names, [{name: _short(row.get(name)) for name in names} for row in rows])


def _short(value: Any) -> Any:
    return "" if value is None else f"{value:.4f}" if isinstance(value, float) else value


def _page(plan: XmcPlan, data: Parted, rows: Sequence[dict[str, Any]], command: str) -> str:
    body = []
    for row in rows:
        cells = [SAYS[row["model"]], str(row["seeds"])]
        for figure in FIGURES:
            spread = f" <small>± {row[f'{figure}_sd']:.2f}</small>" if row.get(f"{figure}_sd") else ""
            cells.append("–" if row.get(figure) is None else f"{row[figure]:.2f}{spread}")
        body.append([*cells, "–" if row.get("seconds") is None else f"{row['seconds']:,.0f}"])
    if data.benchmark == NAME:
        micro, macro = TABLE["svm", "total"]
        blank = ["–"] * (len(FIGURES) - 2)
        body.append(["published support vector machines (huang2021)", "1", *blank, f"{micro:.2f}", f"{macro:.2f}", "–"])
    lead = (
        f"{len(data.train):,} training, {len(data.valid):,} validation and {len(data.test):,} test texts, "
        f"{len(data.label_keys)} labels. {data.rule}"
    )
    parts = [
        f"<h1>Ways for large label sets: {escape(data.name)}</h1><p>{escape(lead)}</p>",
        "<p>Per cent, mean ± standard deviation over seeds.</p>",
        tabulated(["way", "seeds", *FIGURES, "seconds"], body),
        "<h2>What differs from the papers</h2>",
        bullets([ENCODED.format(digest=plan.encoder) if plan.encoder else PROJECTED, *DIFFERS, *data.notes]),
        "<h2>Settings</h2>",
        f"<pre>{escape_lines(command)}\n\n{escape_lines(json.dumps(plan.frozen(), indent=1))}</pre>",
    ]
    return document(f"Ways for large label sets: {data.name}", parts)
