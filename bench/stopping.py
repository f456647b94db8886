"""Where the rules on when to stop would have stopped simulated labelling: ``python -m bench.stopping DIR``.

DIR is what ``python -m core simulate`` left for this data with the linear learner. Each curve's texts are labelled anew
in the order in which they were chosen; after every ``--every`` of them the linear model learns, and the rules look at
what it says of the texts that wait and of the test texts. For each rule: labels at its first *may stop*, and macro-F1
there over that of all labels. JSON on the last line.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.active.stopping import RULES, WINDOWS, Signals, changed, gain, kappas, overall_uncertainty, rulings
from core.evaluate.metrics import per_label
from core.experiments.corpus import Corpus, load
from core.models.linear import THRESHOLD, LinearModel
from core.simulate.cells import split
from core.simulate.plan import FULL, Plan
from core.simulate.run import labelled

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("TAGTAIL_BENCH_DATA", ROOT.parent / "shared" / "data")) / "health_tw.jsonl.gz"


def rounds(corpus: Corpus, cell: dict[str, Any], every: int) -> Iterator[tuple[int, NDArray, NDArray, NDArray]]:
    """(labels, probabilities of the pool, texts that wait, decisions on the test texts) at each point."""
    kept = {name: cell["settings"][name] for name in ("first", "batch", "budget", "test_share", "explore_share")}
    parts = split(Plan(strategies=("chance",), **kept), corpus, cell["key"][0])
    chosen = np.array(cell["chosen"])
    for n in range(cell["settings"]["first"], len(chosen) + 1, every):
        model = LinearModel().fit([corpus.texts[i] for i in chosen[:n]], corpus.y[chosen[:n]], seed=0)
        pool = model.probabilities([corpus.texts[i] for i in parts.pool])
        test = model.probabilities([corpus.texts[i] for i in parts.test]) >= THRESHOLD
        yield n, pool, np.flatnonzero(~np.isin(parts.pool, chosen[:n])), test


def stops(corpus: Corpus, cell: dict[str, Any], full: dict[str, Any], every: int) -> dict[str, Any]:
    """Of one curve: each rule's first stop, or None."""
    kept = Plan(strategies=("chance",), test_share=cell["settings"]["test_share"])
    y = corpus.y[split(kept, corpus, cell["key"][0]).test]
    history: list[Signals] = []
    decided: list[NDArray] = []
    found: dict[str, Any] = dict.fromkeys(RULES)
    before: NDArray | None = None
    for n, pool, waiting, test in rounds(corpus, cell, every):
        now = pool >= THRESHOLD
        signal = Signals(uncertainty=overall_uncertainty(pool[waiting]), n_pool=len(waiting))
        shares = changed(before[waiting], now[waiting]) if before is not None else None
        if before is not None and shares is not None:
            kappa = kappas(before[waiting], now[waiting])
            signal = Signals(
                uncertainty=signal.uncertainty, n_pool=len(waiting), against=len(history), n_both=len(waiting),
                decisions_changed=shares[0], texts_changed=shares[1],
                kappa=float(np.nanmean(kappa)) if np.isfinite(kappa).any() else None,
            )  # fmt: skip
        before = now
        history.append(signal)
        decided.append(test)
        risen = gain(decided[-1 - WINDOWS["f1"]], test, y) if len(decided) > WINDOWS["f1"] else None
        share = float(per_label(test, y)[2].mean()) / full["points"][-1]["macro"]
        for ruling in rulings(history, risen):
            if ruling.verdict == "may_stop" and found[ruling.rule] is None:
                found[ruling.rule] = {"labels": n, "share_of_full": round(share, 3)}
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("simulated", type=Path, metavar="DIR")
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--strategy", nargs="+", default=["long_tail", "chance"])
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--every", type=int, default=50)
    args = parser.parse_args()
    corpus = labelled(load(args.data))
    out = []
    for strategy in args.strategy:
        for seed in range(args.seeds):
            cell, full = (
                json.loads((args.simulated / "cells" / f"{name}-seed{seed}.json").read_text("utf-8"))
                for name in (strategy, FULL)
            )
            out.append({"strategy": strategy, "seed": seed, **stops(corpus, cell, full, args.every)})
            print(out[-1], flush=True)
    print(json.dumps({"stops": out}))


if __name__ == "__main__":
    main()
