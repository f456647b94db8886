"""The comparison of heads as a table: ours, with its spread, beside the published one and what differs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.evaluate.metrics import aggregate
from core.experiments.corpus import Corpus
from core.experiments.directory import publish
from core.reproduce.heads.place import Place
from core.reproduce.heads.plan import ALONE, PUBLISHED, SMALL, HeadsPlan

FIGURES = ("P", "R", "micro", "macro", "subset", "micro_cut", "macro_cut", "shares_F1", "ms_a_text")


def figures(cell: dict[str, NDArray], y: NDArray) -> dict[str, float]:
    """Of one cell, at one half and (``_cut``) at thresholds chosen on validation."""
    truth, probs = y[cell["test"]], cell["probs"]
    half, cut = aggregate(probs >= 0.5, truth), aggregate(probs >= cell["cuts"], truth)
    return {
        "P": half["micro"][0], "R": half["micro"][1], "micro": half["micro"][2], "macro": half["macro"][2],
        "subset": half["subset"][2], "micro_cut": cut["micro"][2], "macro_cut": cut["macro"][2],
        "shares_F1": shares_f1(probs >= 0.5, truth), "ms_a_text": float(cell["ms_a_text"]),
    }  # fmt: skip


def shares_f1(predicted: NDArray, y: NDArray) -> float:
    """The published code's figure: of each text the shares right, missing and too much of all its labels, summed up.

    A text without a label, rightly left so, counts nothing.
    """
    predicted, y = np.asarray(predicted) > 0, np.asarray(y) > 0
    every = np.maximum((predicted | y).sum(axis=1), 1)
    right, missing, much = (
        (part.sum(axis=1) / every).sum() for part in (predicted & y, ~predicted & y, predicted & ~y)
    )
    return float(2 * right / max(2 * right + missing + much, 1e-12))


def results(plan: HeadsPlan, corpus: Corpus, place: Place) -> list[dict[str, Any]]:
    """A row for each head over each encoder: mean and sd over folds and seeds."""
    rows = []
    for encoder in plan.encoders:
        for head in plan.heads[:1] if encoder == ALONE else plan.heads:
            cells = [place.read(key) for key in plan.cells() if key.encoder == encoder and key.head == head]
            each = [figures(cell, corpus.y) for cell in cells if cell is not None]
            means = {name: float(np.mean([one[name] for one in each])) for name in FIGURES}
            spread = {name: float(np.std([one[name] for one in each])) for name in FIGURES}
            rows.append({"encoder": encoder, "head": head, "cells": len(each), "mean": means, "sd": spread})
    return rows


def write(plan: HeadsPlan, corpus: Corpus, place: Place, *, command: str, encoder: str) -> Path:
    """``results.json`` and ``report.md``."""
    rows = results(plan, corpus, place)
    told = {
        "plan": plan.settings(),
        "corpus": corpus.name,
        "texts": len(corpus.texts),
        "encoder": encoder,
        "rows": rows,
    }
    publish(place.out / "results.json", json.dumps(told, ensure_ascii=False, indent=2).encode())
    path = place.out / "report.md"
    publish(path, "\n".join(_page(plan, corpus, rows, command)).encode())
    return path


def _beside(row: dict[str, Any], base: dict[str, float]) -> str:
    """Time, and the published figures; a TextCNN student has neither here."""
    if row["encoder"] in SMALL:
        return "— | — | —"
    theirs, spent = PUBLISHED[row["head"]], row["mean"]["ms_a_text"]
    ours = f"{spent / max(base[row['encoder']], 1e-9):.2f}× ({spent:.2f} ms)"
    return f"{ours} | {theirs[0]:.2f} / {theirs[1]:.2f} / {theirs[2]:.2f} | {theirs[3]:g}×"


def _page(plan: HeadsPlan, corpus: Corpus, rows: list[dict[str, Any]], command: str) -> list[str]:
    base = {row["encoder"]: row["mean"]["ms_a_text"] for row in rows if row["head"] == rows[0]["head"]}
    tested = plan.tested or plan.folds
    out = [
        f"# Four heads on {corpus.name}", "",
        f"{len(corpus.texts)} texts, {corpus.y.shape[1]} labels; {tested} of {plan.folds} folds, seeds "
        f"{', '.join(map(str, plan.seeds))}; the encoder {'is frozen' if plan.frozen else 'learns'}. "
        "Mean ± sd over cells, per cent. P, R, micro, macro and subset at one half; “cut”: thresholds of validation.",
        "",
        "| encoder | head | P | R | micro | macro | subset | micro, cut | macro, cut | by shares | time "
        "| published P / R / F1 | time |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for row in rows:
        said = [f"{100 * row['mean'][name]:.2f} ± {100 * row['sd'][name]:.2f}" for name in FIGURES[:-1]]
        name = "—" if row["encoder"] == ALONE else row["head"]
        out.append(f"| {row['encoder']} | {name} | {' | '.join(said)} | {_beside(row, base)} |")
    if set(SMALL) & set(plan.encoders):
        out += ["", "Students are the product's TextCNN: taught by that head, or (alone) by the labels."]
    out += [
        "",
        "What differs from the published figures: the texts (product reviews that are not public, most without a "
        "label), the encoder (six layers, pretrained on large Chinese corpora), 5 to 50 epochs of it learning, the "
        "checkpoint chosen by hand, and the figure itself: it sums each text's shares (“by shares” here is that "
        "figure), not labels. Compare rows with each other.",
        "",
        f"Command: `{command}`",
        "",
    ]
    return out
