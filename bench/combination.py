"""Which loss, calibration and thresholds together, against plain distillation: ``python -m bench.combination``.

    python -m core reproduce kd --data health_tw.jsonl.gz --out experiment --arch textcnn \\
      --recipes kd,best,best_fl,best_ntr_fl,best_cb_ntr,best_db,best_asl,best_la,best_attention
    python -m bench.combination --experiment experiment

Nothing is trained here: the experiment's networks have answered. In each fold one combination of recipe, calibration
and threshold rule is chosen by macro-F1 on that fold's validation texts, whose calibration and cuts come from the two
thirds of them that a text is not in; then it is fitted on all of them and measured on the fold's test texts. So no test
text has a say, in which combination or in its cuts. Held against ``kd`` cut at one half, on the same folds. ``tail``:
macro-F1 of the rarer four ninths of the labels. JSON on the last line, in per cent.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from core.evaluate import threshold_rules
from core.evaluate.calibration import RULES as CALIBRATIONS
from core.evaluate.calibration import fit
from core.evaluate.crossval import fold, fold_numbers
from core.evaluate.metrics import aggregate, per_label
from core.evaluate.significance import Difference, corrected_t, paired_bootstrap, ratios
from core.evaluate.thresholds import choose
from core.experiments.corpus import load
from core.reproduce.plan import RECIPES, Key, Plan
from core.reproduce.store import Store

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("TAGTAIL_BENCH_DATA", ROOT.parent / "shared" / "data")) / "health_tw.jsonl.gz"
CUTS = (*threshold_rules.RULES, "smoothed")  # the last: by validation and training frequency
PARTS = 3  # of a fold's validation texts
PLAIN = ("kd", "none", "half")

Choice = tuple[str, str, str]  # recipe, calibration, threshold rule


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What every recipe's student says in one fold. Shapes: logits (V, K) and (T, K), valid_y, test_y, shares (K,)."""

    test: NDArray[np.int64]
    valid_logits: dict[str, NDArray]
    test_logits: dict[str, NDArray]
    valid_y: NDArray
    test_y: NDArray
    shares: NDArray[np.float64]


Part = tuple[NDArray[np.float64], NDArray, NDArray[np.float64]]  # probabilities and labels to cut by; those to be cut


def calibrated(calibration: str, valid: NDArray, valid_y: NDArray, asked: NDArray) -> Part:
    """Shapes: valid, valid_y (V, K), asked (N, K) of logits → (V, K), (V, K), (N, K)."""
    fitted = fit(calibration, valid, valid_y)
    return expit(fitted(valid)), valid_y, expit(fitted(asked))


def predicted(rule: str, part: Part, shares: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Shapes: → (N, K)."""
    known, y, asked = part
    return asked >= (
        choose(known, y, shares) if rule == "smoothed" else threshold_rules.of_probabilities(rule, known, y)
    )


def crossed(calibration: str, logits: NDArray, y: NDArray) -> list[Part]:
    """Every third of the validation texts, calibrated and to be cut by what the others of them ask for."""
    part = np.arange(len(y)) % PARTS
    return [calibrated(calibration, logits[part != at], y[part != at], logits[part == at]) for at in range(PARTS)]


def joined(rule: str, parts: Sequence[Part], shares: NDArray[np.float64]) -> NDArray[np.bool_]:
    """The thirds in the order of their texts again. Shapes: → (V, K)."""
    out = np.zeros((sum(len(asked) for _, _, asked in parts), len(shares)), dtype=bool)
    for at, part in enumerate(parts):
        out[at :: len(parts)] = predicted(rule, part, shares)
    return out


def macro(found: NDArray, y: NDArray) -> float:
    return float(per_label(found, y)[2].mean())


def chosen(answers: Answers) -> Choice:
    """The combination of the best macro-F1 on validation; of equals the first, so the plainest."""
    scores: dict[Choice, float] = {}
    for recipe, calibration in product(answers.valid_logits, CALIBRATIONS):
        parts = crossed(calibration, answers.valid_logits[recipe], answers.valid_y)
        for rule in CUTS:
            scores[recipe, calibration, rule] = macro(joined(rule, parts, answers.shares), answers.valid_y)
    return max(scores, key=scores.__getitem__)


def tested(choice: Choice, answers: Answers) -> NDArray[np.bool_]:
    """What the choice says of the fold's test texts. Shapes: → (T, K)."""
    recipe, calibration, rule = choice
    part = calibrated(calibration, answers.valid_logits[recipe], answers.valid_y, answers.test_logits[recipe])
    return predicted(rule, part, answers.shares)


def figures(found: NDArray, y: NDArray, tail: NDArray[np.int64]) -> dict[str, float]:
    """Shapes: found, y (N, K), tail: positions of labels."""
    whole, f1 = aggregate(found, y), per_label(found, y)[2]
    named = {"micro": whole["micro"][2], "macro": f1.mean(), "tail": f1[tail].mean(), "subset": whole["subset"][2]}
    return {name: round(100 * float(value), 2) for name, value in named.items()}


def held_against(
    first: Sequence[NDArray], second: Sequence[NDArray], truth: Sequence[NDArray], tail: NDArray
) -> dict[str, Any]:
    """Paired differences of macro- and tail macro-F1 in points, by fold and by document."""
    columns = {"macro": np.arange(truth[0].shape[1]), "tail": tail}
    out = {}
    for name, at in columns.items():
        scores = [
            [100 * macro(found[:, at], y[:, at]) for found, y in zip(by, truth, strict=True)] for by in (first, second)
        ]
        a, b, y = (np.concatenate([each[:, at] for each in part]) for part in (first, second, truth))
        out[name] = {
            "corrected_t": _told(corrected_t(*scores, ratio=ratios(Plan().folds, Plan().valid_share).standard)),
            "bootstrap": _told(paired_bootstrap(a, b, y)["macro"], times=100),
        }
    return out


def _told(found: Difference, times: float = 1.0) -> dict[str, float]:
    values = asdict(found)
    return {
        name: round(float(values[name]) * (1 if name == "p" else times), 4) for name in ("mean", "low", "high", "p")
    }


def read(data: Path, experiment: Path, arch: str) -> list[Answers]:
    """The finished folds of an experiment, of the same recipes all. Raises SystemExit: fewer than two are."""
    plan, corpus, store = Plan(archs=(arch,)), load(data), Store(experiment)
    dealt = fold_numbers(corpus.texts, corpus.y, n_folds=plan.folds, seed=0)
    out: list[Answers] = []
    for number in range(plan.folds):
        at = fold(corpus.texts, corpus.y, dealt, number, valid_share=plan.valid_share, seed=0)
        cells = {name: store.read(Key(0, number, arch, name)) for name in RECIPES}
        there = {name: cell for name, cell in cells.items() if cell is not None}
        if PLAIN[0] not in there or (out and set(there) != set(out[0].valid_logits)):
            print(f"fold {number} is left out: it has {', '.join(there) or 'nothing'}", file=sys.stderr)
            continue
        out.append(
            Answers(
                test=at.test,
                valid_logits={
                    name: logit(cell.valid_probs.astype(float).clip(1e-7, 1 - 1e-7)) for name, cell in there.items()
                },
                test_logits={
                    name: logit(cell.test_probs.astype(float).clip(1e-7, 1 - 1e-7)) for name, cell in there.items()
                },
                valid_y=corpus.y[at.valid],
                test_y=corpus.y[at.test],
                shares=corpus.y[at.train].mean(axis=0),
            )
        )
    if len(out) < 2:
        raise SystemExit(f"{experiment}: no two folds are finished")
    return out


def compared(folds: Sequence[Answers]) -> dict[str, Any]:
    """The whole comparison: what was chosen, its figures, and every recipe's by itself."""
    truth = [each.test_y for each in folds]
    counts = np.sum([y.sum(axis=0) for y in truth], axis=0)
    tail = np.argsort(counts, kind="stable")[: max(1, round(len(counts) * 4 / 9))]
    choices = [chosen(each) for each in folds]
    best = [tested(choice, each) for choice, each in zip(choices, folds, strict=True)]
    plain = [tested(PLAIN, each) for each in folds]

    def told(by: Sequence[NDArray]) -> dict[str, list[float]]:
        each = [figures(found, y, tail) for found, y in zip(by, truth, strict=True)]
        return {
            k: [round(float(f([e[k] for e in each])), 2) for f in (np.mean, lambda v: np.std(v, ddof=1))]
            for k in each[0]
        }

    return {
        "folds": len(folds),
        "chosen": ["/".join(choice) for choice in choices],
        "best": told(best),
        "kd": told(plain),
        "difference": held_against(best, plain, truth, tail),
        "by_recipe": {
            recipe: {rule: told([tested((recipe, "none", rule), each) for each in folds]) for rule in CUTS}
            for recipe in folds[0].valid_logits
        },
    }


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="the best combination of loss, calibration and thresholds against kd")
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--experiment", type=Path, required=True, help="output of `core reproduce kd`")
    parser.add_argument("--arch", default="textcnn.v1")
    args = parser.parse_args(arguments)
    if not args.data.exists():
        print(json.dumps({"skipped": f"no {args.data.name}"}))
        return
    print(json.dumps(compared(read(args.data, args.experiment, args.arch)), ensure_ascii=False))


if __name__ == "__main__":
    main()
