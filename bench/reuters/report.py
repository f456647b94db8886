"""The ladder's rows as tables: a mean and a standard deviation over seeds for each step."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from bench.reuters.ladder import BEST

FIGURES = ("micro", "macro", "head", "medium", "tail")
NAMES = (*FIGURES, *(f"{name}_train" for name in FIGURES))


def tell(rows: Sequence[dict[str, Any]]) -> None:
    """One seed's ladder as lines."""
    for row in rows:
        figures = "  ".join(f"{name} {100 * row[name]:.2f}" for name in ("micro", "macro", "tail"))
        print(f"seed {row['seed']}  {row['step']:<26}{row['seconds']:>7.1f} s  {figures}", flush=True)


def ladder(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Percent: means, and ``…_sd`` over seeds (0 of one seed)."""
    out = []
    for step in dict.fromkeys(row["step"] for row in rows):
        mine = [row for row in rows if row["step"] == step]
        figures: dict[str, Any] = {"step": step}
        for name in NAMES:
            values = [100 * row[name] for row in mine]
            figures[name] = round(mean(values), 2)
            if name in FIGURES:
                figures[f"{name}_sd"] = round(stdev(values), 2) if len(values) > 1 else 0.0
        figures["seconds"] = round(mean(row["seconds"] for row in mine), 1)
        out.append(figures)
    return out


def summary(rows: Sequence[dict[str, Any]], svm: dict[str, float]) -> dict[str, Any]:
    steps = ladder(rows)
    best = next(step for step in steps if step["step"] == BEST)
    published = {"step": "published SVM", **{name: round(100 * svm[name], 2) for name in FIGURES}}
    return {
        "micro_f1": best["micro"],
        "macro_f1": best["macro"],
        "tail_macro_f1": best["tail"],
        "seeds": len({row["seed"] for row in rows}),
        "svm_micro_f1": published["micro"],
        "svm_macro_f1": published["macro"],
        "ladder": [published, *steps],
    }


def write(rows: Sequence[dict[str, Any]], result: dict[str, Any], folder: Path) -> None:
    """``table.csv``, a row a step, and ``seeds.csv``, a row a step and seed."""
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / "table.csv", result["ladder"])
    rounded = [{name: round(100 * row[name], 2) if name in NAMES else row[name] for name in row} for row in rows]
    _write(folder / "seeds.csv", sorted(rounded, key=lambda row: row["seed"]))


def _write(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    names = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
