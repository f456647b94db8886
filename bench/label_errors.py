"""How many mistakes among labels the list to read again finds: ``python -m bench.label_errors``, JSON on the last line.

A share of the cells of the real set (text, label) is turned over, the worker's out-of-fold model learns from what comes
of it, and all cells are ranked. Two kinds of mistakes: ``uniform``, every cell with the same probability;
``asymmetric``, that share of each label's positives dropped and as many added where there was none, as people do it.
What counts is the share of the turned cells among the first tenth of the list (``--top``); ``by_label`` is the same for
each label's own. ``expected_per_found`` holds the sum of that tenth's scores, which are probabilities, against what
there was. Real mistakes of the set count as none. Mean and standard deviation over seeds. ``with_round`` (``--rounds``,
ten minutes a seed) adds what a round's models say of texts that they had not learned.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.evaluate.doubts import FORMS, Doubts, doubts
from core.experiments.corpus import load
from core.models.linear import FastLane
from core.seeds import numbers
from core.steps import drained
from core.worker.doubting import REPEATS, out_of_fold

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("TAGTAIL_BENCH_DATA", ROOT.parent / "shared" / "data")) / "health_tw.jsonl.gz"
SEEDS = tuple(range(10))
FIGURES = ("recall", "precision_first", "expected_per_found")
FIRST = 200  # cells; what a person reads in an hour or two


def uniform(y: NDArray, share: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Which cells are turned over, each with the same probability. Shapes: (N, K) → (N, K)."""
    return rng.random(y.shape) < share


def asymmetric(y: NDArray, share: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Of each label that share of its positives, and as many others. Shapes: (N, K) → (N, K)."""
    turned = np.zeros(y.shape, dtype=bool)
    for k in range(y.shape[1]):
        have, lack = np.flatnonzero(y[:, k]), np.flatnonzero(y[:, k] == 0)
        n = min(round(share * len(have)), len(lack))
        turned[rng.choice(have, n, replace=False), k] = True
        turned[rng.choice(lack, n, replace=False), k] = True
    return turned


KINDS = {"uniform": uniform, "asymmetric": asymmetric}


def error_recall(
    data: Path = DATA, seeds: Sequence[int] = SEEDS, *, share: float = 0.05, top: float = 0.1,
    forms: Sequence[str] = ("mistaken",), repeats: int = REPEATS, texts: int = 0,
) -> dict[str, Any]:  # fmt: skip
    """The bench's object; the first form's figures stand at the top, all forms' below ``forms``.

    ``texts``: so many alone, drawn by each seed; 0: all.
    """
    corpus = load(data)
    whole = FastLane(corpus.texts) if not texts else None
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for seed in seeds:
        at = numbers(seed, "texts").permutation(len(corpus.texts))[:texts] if texts else np.arange(len(corpus.texts))
        y, lane = corpus.y[at], whole or FastLane([corpus.texts[n] for n in at])
        for kind, turn in KINDS.items():
            turned = turn(y, share, numbers(seed, "label errors", kind))
            given = np.where(turned, 1 - y, y)
            probs = drained(out_of_fold(lane, given, seed=seed, repeats=repeats))
            for form in forms:
                listed = doubts(probs, given, seed=seed, form=form)
                found.setdefault((form, kind), []).append(measured(listed, turned, corpus.label_keys, top))
    first = forms[0]
    return {
        "error_recall_at_10pct" if top == 0.1 else "error_recall": _mean(found[first, "uniform"], "recall"),
        "sd": _sd(found[first, "uniform"], "recall"),
        "seeds": len(seeds),
        "asymmetric": {
            "mean": _mean(found[first, "asymmetric"], "recall"),
            "sd": _sd(found[first, "asymmetric"], "recall"),
        },
        "by_label": {
            kind: {key: _mean([each["by_label"] for each in found[first, kind]], key) for key in corpus.label_keys}
            for kind in KINDS
        },
        "forms": {
            form: {
                kind: {name: _mean(found[form, kind], name) for name in FIGURES}
                | {"sd": _sd(found[form, kind], "recall")}
                for kind in KINDS
            }
            for form in forms
        },
        "share": share, "top": top, "first": FIRST, "n_texts": texts or len(corpus.texts), "repeats": repeats,
    }  # fmt: skip


def with_round(data: Path, seeds: Sequence[int], *, share: float = 0.05, threads: int = 1) -> dict[str, Any]:
    """What a round's student and teachers add on texts that they had not learned, as gold is to them.

    A small round (TextCNN throughout, 64 filters, eight epochs, nothing spliced) learns two thirds of the texts; of the
    last third's cells, the first tenth by the linear model alone, and averaged with each and with both.
    """
    from core.config import RoundConfig
    from core.distill.pipeline import RoundData, run_round

    config = RoundConfig(
        teacher_arch="textcnn.v1", teacher_steps=240, spliced=0.0, max_epochs=8, filters=64, threads=threads
    )  # fmt: skip
    corpus = load(data)
    lane = FastLane(corpus.texts)
    found: dict[str, dict[str, list[float]]] = {}
    for seed, (kind, turn) in itertools.product(seeds, KINDS.items()):
        turned = turn(corpus.y, share, numbers(seed, "label errors", kind))
        given = np.where(turned, 1 - corpus.y, corpus.y)
        probs = drained(out_of_fold(lane, given, seed=seed))
        order = numbers(seed, "third").permutation(len(given))
        asked, taught = np.sort(order[: len(order) // 3]), np.sort(order[len(order) // 3 :])
        measure = taught[:50]  # a round wants gold; nothing is read off it here
        lessons = RoundData(
            label_keys=corpus.label_keys, train_texts=[corpus.texts[n] for n in taught], train_y=given[taught],
            gold_texts=[corpus.texts[n] for n in measure], gold_y=given[measure],
            pool_ids=list(asked), pool_texts=[corpus.texts[n] for n in asked],
        )  # fmt: skip
        with tempfile.TemporaryDirectory() as folder:
            steps = run_round(lessons, config, Path(folder) / "out", Path(folder) / "cache", ask_teachers=True)
            result = drained(steps)
        assert result.opinions is not None
        student, teacher = (asked, result.pool_probs), (asked, result.opinions[0])
        ways = {"linear": [], "student": [student], "teacher": [teacher], "both": [student, teacher]}
        for name, others in ways.items():
            listed = doubts(probs, given, seed=seed, others=others)
            hit = turned[listed.text, listed.label][np.isin(listed.text, asked)]
            recall = float(hit[: hit.size // 10].sum() / turned[asked].sum())
            found.setdefault(kind, {}).setdefault(name, []).append(recall)
    return {
        kind: {name: round(float(np.mean(each)), 4) for name, each in by_way.items()} for kind, by_way in found.items()
    }


def measured(listed: Doubts, turned: NDArray[np.bool_], keys: Sequence[str], top: float) -> dict[str, Any]:
    """One list against the cells that were turned over."""
    hit = turned[listed.text, listed.label]
    n = int(top * turned.size)
    head, of = listed.label[:n][hit[:n]], turned.sum(axis=0)
    per_label = np.bincount(head, minlength=len(keys)) / np.maximum(of, 1)
    return {
        "recall": float(hit[:n].sum() / max(turned.sum(), 1)),
        "precision_first": float(hit[:FIRST].mean()),
        "expected_per_found": float(listed.score[:n].sum() / max(hit[:n].sum(), 1)),
        "by_label": dict(zip(keys, per_label.tolist(), strict=True)),
    }


def _mean(found: Sequence[dict[str, Any]], name: str) -> float:
    return round(float(np.mean([each[name] for each in found])), 4)


def _sd(found: Sequence[dict[str, Any]], name: str) -> float:
    return round(float(np.std([each[name] for each in found], ddof=min(1, len(found) - 1))), 4)


def main() -> int:
    arguments = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    arguments.add_argument("--data", type=Path, default=DATA)
    arguments.add_argument("--seeds", type=int, default=len(SEEDS), metavar="N", help="0 … N-1")
    arguments.add_argument("--share", type=float, default=0.05)
    arguments.add_argument("--top", type=float, default=0.1)
    arguments.add_argument("--forms", nargs="+", choices=list(FORMS), default=["mistaken"])
    arguments.add_argument("--texts", type=int, default=0, metavar="N", help="so many alone, drawn by each seed")
    arguments.add_argument("--rounds", type=int, default=0, metavar="N", help="seeds with a round's models beside it")
    arguments.add_argument("--repeats", type=int, default=REPEATS)
    args = arguments.parse_args()
    if not args.data.exists():
        print(f"SKIPPED: the real data set is not here ({args.data.name}); give one with --data FILE", file=sys.stderr)
        print(json.dumps({"skipped": True}))
        return 0
    started = time.perf_counter()
    told = error_recall(
        args.data, range(args.seeds), share=args.share, top=args.top, forms=args.forms, repeats=args.repeats,
        texts=args.texts,
    )  # fmt: skip
    if args.rounds:
        told["with_round"] = with_round(args.data, range(args.rounds), share=args.share)
    print(json.dumps(told | {"seconds": round(time.perf_counter() - started, 1)}, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
