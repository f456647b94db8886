"""What a round of full size costs: ``python -m bench.round``, one JSON object on the last line.

2,700 labelled texts of 300 tokens, 450 gold texts and 3,000 to score, with the settings that a new project has. The
texts are real passages, two joined with the labels of both, so that their words are real and nearly all are 300 tokens
long; what F1 comes of such texts says nothing. ``--set teacher_arch=han.v1`` and the like try other settings.

``s``: seconds on the clock; ``cpu_s``: of the processor, which other work on the machine does not change much.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from bench.teachers import DATA
from core.config import RoundConfig

TEXTS, GOLD, POOL, TOKENS = 2_700, 450, 3_000, 300
TARGET_S = 180


def main() -> int:
    arguments = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    arguments.add_argument("--data", type=Path, default=DATA)
    arguments.add_argument("--texts", type=int, default=TEXTS)
    arguments.add_argument("--threads", type=int, default=2)
    arguments.add_argument("--seed", type=int, default=0)
    arguments.add_argument("--set", nargs="*", default=[], metavar="NAME=VALUE", help="other settings")
    args = arguments.parse_args()
    if not args.data.exists():
        print(f"SKIPPED: the real data set is not here ({args.data.name}); give one with --data FILE", file=sys.stderr)
        print(json.dumps({"skipped": True}))
        return 0
    given = dict(one.split("=", 1) for one in args.set)
    settings = {name: _value(value) for name, value in given.items()}
    config = RoundConfig.from_mapping({"max_tokens": TOKENS, "threads": args.threads, "seed": args.seed, **settings})
    print(json.dumps(cost(args.data, config, args.texts)))
    return 0


def _value(written: str) -> Any:
    try:
        return json.loads(written)
    except json.JSONDecodeError:
        return written


def cost(path: Path, config: RoundConfig, n: int) -> dict[str, Any]:
    """Run one round and say where its time went."""
    from core.distill.pipeline import RoundData, run_round
    from core.experiments.corpus import load

    corpus, rng = load(path), np.random.default_rng(config.seed)

    def joined(size: int) -> tuple[list[str], np.ndarray]:
        pairs = rng.integers(len(corpus.texts), size=(size, 2))
        return [corpus.texts[a] + corpus.texts[b] for a, b in pairs], corpus.y[pairs].max(axis=1)

    texts, y = joined(n)
    gold, gold_y = joined(GOLD)
    pool, _ = joined(POOL)
    data = RoundData(
        label_keys=corpus.label_keys, train_texts=texts, train_y=y, gold_texts=gold, gold_y=gold_y,
        pool_ids=list(range(POOL)), pool_texts=pool,
    )  # fmt: skip
    stages: dict[str, float] = defaultdict(float)
    with tempfile.TemporaryDirectory() as folder:
        started, before = time.perf_counter(), time.process_time()
        for report in run_round(data, config, Path(folder) / "out", Path(folder) / "cache"):
            now = time.process_time()
            stages[report.stage] += now - before
            before = now
            print(f"\r{report.stage} {report.done}/{report.total}   ", end="", file=sys.stderr, flush=True)
        seconds = time.perf_counter() - started
    lengths = [min(len(text), TOKENS) for text in texts]
    return {
        "s": round(seconds, 1),
        "target_s": TARGET_S,
        "cpu_s": round(sum(stages.values()), 1),
        "cpu_s_by_stage": {name: round(value, 1) for name, value in stages.items()},
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "texts": n,
        "mean_characters": round(float(np.mean(lengths)), 1),
        "threads": config.threads,
        "config": json.loads(config.to_json()),
    }


if __name__ == "__main__":
    sys.exit(main())
