"""The whole loop on real data: import, 400 labels through the service layer, one full round, ranking, export.

Prints one JSON object on the last line. Units: seconds and MiB; F1 is on the set's test part, which is gold here. The
known answers are given the way people give them: leased, saved and acknowledged, one op each.

    python -m bench.loop [--data FILE] [--labels 400] [--seed 0] [--threads 2]
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import resource
import sys
import tempfile
import time
from pathlib import Path

from core.config import ProjectSettings, RoundConfig
from core.services import accounts, annotating, curating, reporting, scheduling
from core.services.curating import ImportOptions
from core.worker.fast_lane import FastLanes
from core.worker.rounds import JOB_LEASE_S, RoundRunner
from db import jobs, rounds
from db.connect import open_database, writing

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("TAGTAIL_BENCH_DATA", ROOT.parent / "shared" / "data")) / "health_tw.jsonl.gz"
PASSWORD = "a password for the bench"


def answers(path: Path) -> dict[str, list[str]]:
    """The known label set of each text."""
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        return {row["text"].strip(): row["labels"] for row in map(json.loads, stream)}


def label(db, project_id: int, user_id: int, known: dict[str, list[str]], n: int) -> tuple[int, float]:
    """Give n known answers through the annotating service: (labels given, seconds)."""
    started, given = time.perf_counter(), 0
    while given < n:
        texts = annotating.next_texts(db, project_id, user_id, n=min(10, n - given), now=time.time())
        if not texts:
            break
        for text in texts:
            op = {"uid": f"bench-{text.id}", "kind": "save", "document": text.id, "decision": "labelled", "ms": 0}
            result = annotating.apply(
                db, project_id, user_id, [{**op, "labels": known[text.text.strip()]}], now=time.time()
            )  # fmt: skip
            if len(result.acked) != 1:
                raise SystemExit(f"not saved: {result.refused}")
            given += 1
    return given, time.perf_counter() - started


def main() -> int:
    arguments = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    arguments.add_argument("--data", type=Path, default=DATA)
    arguments.add_argument("--labels", type=int, default=400)
    arguments.add_argument("--seed", type=int, default=0)
    arguments.add_argument("--threads", type=int, default=2)
    arguments.add_argument("--segmenter", default=RoundConfig.segmenter)
    arguments.add_argument("--vector-size", type=int, default=RoundConfig.vector_size)
    args = arguments.parse_args()
    if not args.data.exists():
        print(f"SKIPPED: the real data set is not here ({args.data.name}); give one with --data FILE", file=sys.stderr)
        print(json.dumps({"skipped": True}))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(run(args, Path(folder)), ensure_ascii=False))
    return 0


def run(args: argparse.Namespace, folder: Path) -> dict[str, object]:
    """The loop from an empty folder to an exported student."""
    db = open_database(folder / "bench.db", create=True)
    annotator = accounts.create_user(db, "bench", PASSWORD, "annotator", by=None, now=time.time()).id
    lead = accounts.create_user(db, "lead", PASSWORD, "lead", by=None, now=time.time()).id
    config = RoundConfig(
        threads=args.threads, seed=args.seed, segmenter=args.segmenter, vector_size=args.vector_size
    )  # fmt: skip
    settings = ProjectSettings(round_every=1_000_000, prefetch=10, round=config)
    project, report = curating.import_as_project(
        db, args.data, key="bench", name="bench", options=ImportOptions(use_labels=False), by=None, now=time.time(),
        settings=settings,
    )  # fmt: skip
    print(f"import: {report.added} texts, {report.gold} gold, {report.seconds:.2f} s", flush=True)
    given, label_s = label(db, project.id, annotator, answers(args.data), args.labels)
    print(f"labels: {given} in {label_s:.2f} s", flush=True)

    started = time.perf_counter()
    FastLanes().tick(db)
    rank_s = time.perf_counter() - started
    print(f"fast lane: {rank_s:.2f} s", flush=True)

    scheduling.request_round(db, project.id, by=lead, now=time.time())
    with writing(db):
        job = jobs.claim(db, lease_s=JOB_LEASE_S, max_attempts=1, now=time.time())
    assert job is not None
    started = time.perf_counter()
    RoundRunner(db, job, folder / "models", stopping=lambda: False, beside=lambda: None).run()
    round_s = time.perf_counter() - started
    published = rounds.last_published(db, project.id)
    bundle = reporting.student_bundle(db, project.id)
    assert published is not None
    assert bundle is not None
    gold = {(m.model, m.scope): m for m in rounds.metrics(db, project.id) if m.split == "gold"}
    for model in ("teacher", "standalone", "student", "linear"):
        a, b = gold[model, "macro"], gold[model, "micro"]
        print(
            f"{model:>10}: macro F1 {a.f1:.3f} [{a.low:.3f}, {a.high:.3f}], micro F1 {b.f1:.3f} "
            f"[{b.low:.3f}, {b.high:.3f}], n = {a.n}"
        )
    print("stages:", json.dumps(published.timings))
    result = {
        "round_s": round(round_s, 1),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "import_s": round(report.seconds, 2),
        "label_s": round(label_s, 2),
        "rank_s": round(rank_s, 2),
        **{f"{m}_macro_f1": round(gold[m, "macro"].f1, 4) for m in ("teacher", "standalone", "student", "linear")},
        "student_micro_f1": round(gold["student", "micro"].f1, 4),
        "n_gold": published.n_gold,
        "n_train": published.n_train,
        "n_valid": published.n_valid,
        "labels": given,
        "seed": args.seed,
        "threads": args.threads,
        "bundle_mb": round(bundle.stat().st_size / 2**20, 2),
        "stages_s": published.timings,
    }
    db.close()
    return result


if __name__ == "__main__":
    sys.exit(main())
