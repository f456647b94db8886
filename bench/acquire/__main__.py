"""Our acquisition against other libraries': ``python -m bench.acquire``, one JSON object on the last line.

Every strategy, ours, small-text's and modAL's, chooses for the same learner with the same features, from the same first
texts, in the same batches, on the same splits: ``curves``. ``cold``: from no label at all. ``errors``: those of
``bench.label_errors``. ``speed``: seconds and memory. Finished curves are kept in ``--out`` and not made again.
``--report`` also writes tables and figures there.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from pathlib import Path
from typing import Any

from bench.acquire.cells import Work, choosers, make, one_thread_each

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("TAGTAIL_BENCH_DATA", ROOT.parent / "shared" / "data"))
PARTS = ("curves", "cold", "errors", "speed")
TEST_SHARE = 0.25
OURS = "long_tail"
COLD_SEEDS = 10
WHOLE = (OURS, "chance", "balanced")


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data", type=Path, default=DATA / "health_tw.jsonl.gz", help="labelled texts")
    parser.add_argument("--texts", type=Path, default=DATA / "pool_modern.jsonl.gz", help="texts for the speed")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="some parts only")
    parser.add_argument("--strategy", nargs="+", default=[], help="some strategies only, long_tail and chance beside")
    parser.add_argument("--seeds", type=int, default=6)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=30, help="texts by chance at the start")
    parser.add_argument("--batch", type=int, default=30)
    parser.add_argument("--budget", type=int, default=0, help="labels at the end (default: the whole pool)")
    parser.add_argument("--part", type=int, default=830, help="labels at the end of strategies that are not in --whole")
    parser.add_argument("--whole", nargs="+", default=list(WHOLE), help="strategies that go on to the budget")
    parser.add_argument("--labels", type=int, default=0, help="only the so many commonest labels (default: all)")
    parser.add_argument("--limit", type=int, default=0, help="only so many texts (default: all)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes of one thread")
    parser.add_argument("--out", type=Path, default=ROOT / "bench" / "out" / "acquire")
    parser.add_argument("--report", type=Path, help="folder for tables and figures")
    return parser.parse_args()


def curves(args: argparse.Namespace) -> dict[str, Any]:
    from bench.acquire import report
    from bench.acquire.corpora import commonest
    from bench.acquire.loop import Sizes
    from core.experiments.corpus import load
    from core.simulate.plan import CHANCE
    from core.simulate.run import labelled

    corpus = labelled(commonest(load(args.data), labels=args.labels, texts=args.limit))
    known = choosers()
    names = tuple(dict.fromkeys([OURS, CHANCE, *(args.strategy or known)]))
    if unknown := set(names) - known.keys():
        raise SystemExit(f"no strategy {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    seeds = tuple(range(args.first_seed, args.first_seed + args.seeds))
    plain = {"corpus": corpus, "strategies": names, "seeds": seeds, "test_share": TEST_SHARE, "folder": args.out}
    plain |= {"whole": frozenset(args.whole), "part": args.part}
    pools = [len(Work(sizes=Sizes(), **plain).split(seed).y) for seed in seeds]
    sizes = Sizes(first=args.first, batch=args.batch, budget=min(args.budget or min(pools), *pools))
    work = Work(sizes=sizes, **plain)
    args.out.mkdir(parents=True, exist_ok=True)
    make(work, jobs=args.jobs)
    found = report.gather(work)
    ratio = TEST_SHARE / (1 - TEST_SHARE)
    if args.report:
        report.write(found, OURS, args.report, ratio=ratio, title=f"{len(seeds)} seeds, {args.data.name}")
    said = report.figures_of(found, OURS, ratio=ratio)
    return {**said, "seeds": len(seeds), "pool": min(pools), "rivals": any(":" in name for name in names)}


def cold(args: argparse.Namespace) -> dict[str, Any]:
    from bench.acquire.cold import cold_start
    from core.experiments.corpus import load
    from core.simulate.run import labelled

    return cold_start(labelled(load(args.data)), strategy=OURS, seeds=COLD_SEEDS, test_share=TEST_SHARE)


def errors(args: argparse.Namespace) -> dict[str, Any]:
    """Of wrong cells put among right ones, the share in the first tenth of the list to read again."""
    from bench.label_errors import error_recall

    return {"error_recall_at_10pct": error_recall(args.data, range(args.seeds))["error_recall_at_10pct"]}


def speed(args: argparse.Namespace) -> dict[str, Any]:
    from bench.acquire.speed import alone

    hundred, million = (alone("rank", size, args.texts) for size in (100_000, 1_000_000))
    found: dict[str, Any] = {"rank_100k_s": hundred["s"], "rank_1m_s": million["s"]}
    found |= {
        "rank_100k_cpu_s": hundred["cpu_s"],
        "rank_100k_extra_mb": hundred["extra_mb"],
        "rank_1m_extra_mb": million["extra_mb"],
    }
    lane = alone("fast_lane", 50_000, args.texts)
    return {**found, "fast_lane_50k_s": lane["s"], "fast_lane_50k_cpu_s": lane["cpu_s"], "fast_lane_50k": lane}


def main() -> int:
    args = options()
    if missing := [path.name for path in (args.data, args.texts) if not path.exists()]:
        print(f"SKIPPED: the real texts are not here ({', '.join(missing)}); see --data, --texts", file=sys.stderr)
        print(json.dumps({"skipped": True}))
        return 0
    one_thread_each()
    result: dict[str, Any] = {}
    for part in args.only:
        found = {"curves": curves, "cold": cold, "errors": errors, "speed": speed}[part](args)
        print(f"{part}: {json.dumps(found, ensure_ascii=False)}", flush=True)
        result |= found
    print(json.dumps({**result, "machine": platform.processor() or "?"}, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
