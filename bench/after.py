"""What calibration and neighbours bring after the network: ``python -m bench.after``, JSON on the last line.

    python -m core reproduce kd --data health_tw.jsonl.gz --out experiment --arch textcnn
    python -m bench.after --experiment experiment --folds 0 1 2

Folds, vectors and settings are those of the published experiment, and with ``--experiment`` so are the teachers'
answers; without it only the student without teachers is made. Each student is trained once a fold; all else is done to
its logits. Thresholds are chosen on validation after that, by the product's own rule. Figures are of the fold's test
texts, in per cent: mean average precision, micro-, macro- and tail macro-F1 (the rarer four ninths of the labels), ECE
and Brier score.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.metrics import average_precision_score

from core.config import RoundConfig
from core.distill.soft_targets import targets
from core.distill.student import train_one
from core.evaluate.calibration import RULES, Quality, fit
from core.evaluate.crossval import fold, fold_numbers
from core.evaluate.metrics import aggregate, per_label
from core.evaluate.thresholds import choose
from core.experiments.corpus import load
from core.models.neighbours import chosen
from core.reproduce.cells import Material, cut, material
from core.reproduce.plan import STANDALONE, Key, Plan
from core.reproduce.store import Store
from core.steps import drained
from core.train.revising import Revision, Said, said_steps
from core.train.scoring import scorer

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("TAGTAIL_BENCH_DATA", ROOT.parent / "shared" / "data")) / "health_tw.jsonl.gz"
FIGURES = ("map", "micro", "macro", "tail", "ece", "brier")


def figures(logits: NDArray, y: NDArray, cuts: NDArray, tail: NDArray[np.int64]) -> dict[str, float]:
    """Shapes: logits, y (N, K), cuts (K,), tail: positions of labels."""
    probs = expit(logits)
    predicted, quality = probs >= cuts, Quality.of(probs, y)
    f1 = per_label(predicted, y)[2]
    ranked = [average_precision_score(y[:, k], logits[:, k]) for k in np.flatnonzero(y.any(axis=0))]
    found = {
        "map": np.mean(ranked), "micro": aggregate(predicted, y)["micro"][2], "macro": f1.mean(),
        "tail": f1[tail].mean(), "ece": quality.ece, "brier": quality.brier,
    }  # fmt: skip
    return {name: round(100 * float(value or 0), 2) for name, value in found.items()}


def revisions(train: Said, valid: Said, train_y: NDArray, valid_y: NDArray) -> dict[str, Revision]:
    """The network alone, each calibration, and neighbours, whose choice may be none."""
    near = chosen(
        train.places, train_y, valid_logits=valid.logits, valid_places=valid.places, valid_y=valid_y
    )  # fmt: skip
    calibrated = {rule: Revision(None, fit(rule, valid.logits, valid_y)) for rule in RULES[1:]}
    return {"network": Revision(), **calibrated, "neighbours": Revision(near)}


def judged(made: Material, y: NDArray, config: RoundConfig, aims: NDArray, *, taught: bool) -> dict[str, Any]:
    """One student of a fold, and what comes of each revision."""
    lessons = made.lessons.with_config(config)
    by = scorer(drained(train_one(lessons, aims, taught=taught)), config)
    parts = (lessons.train_rows, lessons.valid_rows, made.test_rows)
    train, valid, test = (drained(said_steps(by, rows, places=True)) for rows in parts)
    valid_y, test_y = np.asarray(lessons.valid_y), y[made.fold.test]
    tail = np.argsort(y.sum(axis=0), kind="stable")[: max(1, round(y.shape[1] * 4 / 9))]
    out: dict[str, Any] = {}
    for name, revision in revisions(train, valid, made.train_y, valid_y).items():
        cuts = choose(expit(revision(valid)), valid_y, made.train_y.mean(axis=0))
        out[name] = figures(revision(test), test_y, cuts, tail)
    near = revisions(train, valid, made.train_y, valid_y)["neighbours"].neighbours
    out["asked"] = [near.nearest, round(near.width, 3), near.share] if near else None
    return out


def folds(data: Path, numbers: Sequence[int], experiment: Path | None) -> Iterator[tuple[int, str, dict[str, Any]]]:
    """Fold, model and figures, one after another."""
    plan, corpus = Plan(archs=("textcnn.v1",)), load(data)
    dealt = fold_numbers(corpus.texts, corpus.y, n_folds=plan.folds, seed=0)
    tokens = drained(cut(corpus, plan.config(Key(0, 0, "textcnn.v1", STANDALONE))))
    cache = (experiment or ROOT / "bench" / "out") / "vectors"
    for number in numbers:
        at = fold(corpus.texts, corpus.y, dealt, number, valid_share=plan.valid_share, seed=0)
        key = Key(0, number, "textcnn.v1", STANDALONE)
        made = drained(material(corpus, tokens, at, plan.config(key), cache))
        yield number, STANDALONE, judged(made, corpus.y, plan.config(key), made.train_y, taught=False)
        cell = Store(experiment).read(Key(0, number, "textcnn.v1", "teacher")) if experiment else None
        if cell is not None:
            config = plan.config(Key(0, number, "textcnn.v1", "kd"))
            aims = targets(cell.soft[: len(made.train_y)], made.train_y, config.hard_share)
            yield number, "kd", judged(made, corpus.y, config, aims, taught=True)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="calibration and neighbours after a trained student")
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument(
        "--experiment", type=Path, default=None, help="output of `core reproduce kd`, with its teachers"
    )
    parser.add_argument("--folds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    args = parser.parse_args(arguments)
    if not args.data.exists():
        print(json.dumps({"skipped": f"no {args.data.name}"}))
        return
    torch.set_num_threads(1)
    found: dict[str, dict[int, Any]] = {}
    for number, model, said in folds(args.data, args.folds, args.experiment):
        found.setdefault(model, {})[number] = said
        for name in (each for each in said if each != "asked"):
            print(number, f"{model:12}{name:12}", *(f"{figure} {said[name][figure]:6.2f}" for figure in FIGURES))
        print(number, f"{model:12}neighbours:", said["asked"], flush=True)
    means = {
        model: {
            name: {figure: round(float(np.mean([s[name][figure] for s in by_fold.values()])), 2) for figure in FIGURES}
            for name in next(iter(by_fold.values()))
            if name != "asked"
        }
        for model, by_fold in found.items()
    }
    print(
        json.dumps(
            {
                "folds": args.folds,
                "mean": means,
                "asked": {m: [s["asked"] for s in f.values()] for m, f in found.items()},
            }
        )
    )


if __name__ == "__main__":
    main()
