"""How far Reuters-90 goes without a pretrained encoder: ``python -m bench.reuters``, one JSON object on the last line.

A ladder from one linear machine a label to a stack of all that is at hand and one student that it teaches: each step is
measured on the 3,019 test texts, five seeds (folds, order, trees, the student's start). All choices, thresholds
included, come from the 7,769 training texts. F1 in percent, as the published tables have it.

``micro_f1``, ``macro_f1``, ``tail_macro_f1``: of the stack with everything, mean over seeds; the tail are the 29 labels
of at most eight training texts in the published split. ``svm_…``: the published baseline by its own protocol (6,769
texts, 1,000 for validation). ``ladder``: step, micro, macro and the rest, with standard deviations over seeds;
``…_train`` are the out-of-fold figures of the training texts, by which choices were made. ``minutes``: from the file to
the last figure; ``cpu_minutes`` of all processes together.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("TAGTAIL_BENCH_DATA", ROOT.parent / "shared" / "data")) / "reuters90.jsonl.gz"


def options() -> argparse.Namespace:
    arguments = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    arguments.add_argument("--data", type=Path, default=DATA)
    arguments.add_argument("--seeds", type=int, default=5)
    arguments.add_argument("--first-seed", type=int, default=0)
    arguments.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1), help="seeds side by side")
    arguments.add_argument(
        "--published-only", action="store_true", help="learn from the 6,769 texts of the paper alone"
    )
    arguments.add_argument("--report", type=Path, help="a folder for the tables")
    return arguments.parse_args()


def main() -> int:
    args = options()
    if not args.data.exists():
        print(f"SKIPPED: the real data set is not here ({args.data.name}); give one with --data FILE", file=sys.stderr)
        print(json.dumps({"skipped": True}))
        return 0
    for name in ("OMP", "MKL", "OPENBLAS", "NUMBA"):  # a seed has one core
        os.environ[f"{name}_NUM_THREADS"] = "1"
    started = time.perf_counter()
    from bench.reuters import report, work
    from core.experiments import reuters

    corpus = reuters.load(args.data)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        task = Path(folder) / "task.pickle"
        work.prepare(corpus, task, args.published_only)
        print(f"read and weighed in {time.perf_counter() - started:.0f} s", flush=True)
        with ProcessPoolExecutor(args.jobs, mp_context=get_context("spawn")) as pool:
            svm = pool.submit(work.published_svm, corpus)
            for found in work.climb(pool, task, range(args.first_seed, args.first_seed + args.seeds)):
                rows += found
                report.tell(found)
            baseline = svm.result()
    result = report.summary(rows, baseline)
    if args.report:
        report.write(rows, result, args.report)
    minutes = round((time.perf_counter() - started) / 60, 1)
    spent = {"minutes": minutes, "cpu_minutes": round(cpu_seconds() / 60, 1), "jobs": args.jobs}
    print(json.dumps({**result, **spent, "machine": platform.processor() or "?"}))
    return 0


def cpu_seconds() -> float:
    """Of this process and those that it has ended."""
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


if __name__ == "__main__":
    sys.exit(main())
