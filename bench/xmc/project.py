"""What a round of many labels costs a project: ``python -m bench.xmc.project --labels 1000``, JSON on the last line.

A made project of 20,000 texts, labels by Zipf's law: 13,000 labelled, 2,000 gold, 5,000 waiting. A worker trains,
publishes and ranks; then somebody labels five texts and the fast lane ranks anew. ``--flat`` takes teachers and student
instead and stops after ``--limit`` CPU seconds of teachers, telling what all of them would have taken.

``round_s``, ``cpu_s``: on the clock, and of the processor; ``stages``: seconds on the clock; ``queue_cpu_s``: ranking
the waiting texts in the round; ``lane_cpu_s``: the fast lane from nothing (it reads all texts first) and again after
two more texts; ``peak_mb``: the most that the process held; ``need_mb``: what was estimated before the start;
``zip_mb``.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.xmc.texts import texts_of

GOLD, WAITING = 0.1, 0.25


def main() -> int:
    arguments = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    arguments.add_argument("--labels", type=int, default=1_000)
    arguments.add_argument("--texts", type=int, default=20_000)
    arguments.add_argument("--seed", type=int, default=0)
    arguments.add_argument("--flat", action="store_true")
    arguments.add_argument("--limit", type=float, default=600, help="CPU seconds of teachers, with --flat")
    args = arguments.parse_args()
    found = flat(args) if args.flat else tree(args)
    print(json.dumps({"labels": args.labels, "texts": args.texts, **found}))
    return 0


def flat(args: argparse.Namespace) -> dict[str, Any]:
    """How far teachers come in the time, and what all of them would take."""
    from core.config import RoundConfig
    from core.distill.pipeline import RoundData, run_round

    texts, y = texts_of(args.labels, args.texts + 300, seed=args.seed)
    dense = y.toarray().astype("int8")
    data = RoundData(
        label_keys=[f"k{n}" for n in range(args.labels)], train_texts=texts[: args.texts], train_y=dense[: args.texts],
        gold_texts=texts[args.texts :], gold_y=dense[args.texts :], pool_ids=[], pool_texts=[],
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        steps = run_round(data, RoundConfig(max_tokens=128, threads=2), Path(folder) / "out", Path(folder) / "cache")
        started, told = 0.0, {}
        for report in steps:
            if report.stage != "teachers":
                if started:
                    break
                continue
            now = time.process_time()
            started = started or now
            told = {"teachers_cpu_s": round(now - started, 1), "done": report.done, "of": report.total}
            print(f"\r{report.done}/{report.total} {now - started:.0f} s", end="", file=sys.stderr, flush=True)
            if now - started > args.limit:
                break
        steps.close()
    share = told["done"] / told["of"]
    whole = round(told["teachers_cpu_s"] / share) if share else None
    return {**told, "teachers_whole_cpu_s": whole, "peak_mb": peak_mb()}


def tree(args: argparse.Namespace) -> dict[str, Any]:
    """A round of the worker, then the fast lane after five labels and after two more."""
    from core.services import annotating, scheduling
    from core.worker import tree_rounds
    from core.worker.fast_lane import FastLanes
    from core.worker.rounds import RoundRunner
    from core.xmc import round as rounds_of_trees
    from db import jobs, places
    from db import rounds as round_rows
    from db.connect import open_database, writing

    said: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        lead = made_project(Path(folder), args)
        said["making_s"] = round(time.perf_counter() - started, 1)
        db = open_database(Path(folder) / "tagtail.db")
        scheduling.request_round(db, 1, by=lead, now=time.time())
        with writing(db):
            job = jobs.claim(db, lease_s=3_600, max_attempts=1, now=time.time())
        assert job is not None
        need: dict[str, float] = {}
        tree_rounds.ranked_texts = timed(tree_rounds.ranked_texts, said, "queue_cpu_s")
        rounds_of_trees.refuse_too_little = told_bytes(rounds_of_trees.refuse_too_little, need)
        started, before = time.perf_counter(), time.process_time()
        made = RoundRunner(db, job, Path(folder) / "models", stopping=lambda: False, beside=lambda: None)
        made.run()
        said |= {"round_s": round(time.perf_counter() - started, 1), "cpu_s": round(time.process_time() - before, 1)}
        done = round_rows.last_published(db, 1)
        assert done is not None
        figures = {m.scope: m.f1 for m in round_rows.metrics(db, 1) if (m.model, m.split) == ("student", "gold")}
        said |= {
            "stages": {name: round(value, 1) for name, value in done.timings.items()},
            "peak_mb": peak_mb(), **need, "micro": round(figures["micro"], 3), "macro": round(figures["macro"], 3),
            **{f"{e.measure}@{e.k}": round(e.value, 3) for e in places.of_rounds(db, 1)[1]},
            "zip_mb": round(sum(p.stat().st_size for p in Path(folder).rglob("student.zip")) / 1e6, 1),
            "base_mb": round((Path(folder) / "tagtail.db").stat().st_size / 1e6, 1),
        }  # fmt: skip
        lanes, said["lane_cpu_s"] = FastLanes(), []
        for n in (5, 2):
            for text in annotating.next_texts(db, 1, lead, n=n, now=time.time()):
                op = {"uid": f"u{text.id}", "kind": "save", "document": text.id, "decision": "labelled"}
                annotating.apply(db, 1, lead, [{**op, "labels": ["k1", f"k{text.id % args.labels}"]}], now=time.time())
            before = time.process_time()
            lanes.tick(db)
            said["lane_cpu_s"].append(round(time.process_time() - before, 1))
        db.close()
    return {**said, "peak_with_lane_mb": peak_mb()}


def made_project(folder: Path, args: argparse.Namespace) -> int:
    """Texts and labels of their own, in a database; who leads it."""
    from core.config import ProjectSettings
    from core.labels import Label
    from core.services import accounts, curating, membership, projects
    from core.services.curating import ImportOptions
    from db.connect import open_database, writing

    texts, y = texts_of(args.labels, args.texts, seed=args.seed)
    gold, waiting = round(GOLD * args.texts), round((1 - WAITING) * args.texts)
    file = folder / "texts.jsonl"
    with file.open("w", encoding="utf-8") as out:
        for n, text in enumerate(texts):
            split = "gold" if n < gold else "train" if n < waiting else "pool"
            labels = [f"k{k}" for k in y.indices[y.indptr[n] : y.indptr[n + 1]]]
            line = {"text": text, "split": split, **({} if split == "pool" else {"labels": labels})}
            out.write(json.dumps(line, ensure_ascii=False) + "\n")
    db, now = open_database(folder / "tagtail.db", create=True), time.time()
    settings = ProjectSettings.from_mapping({"gold_share": 0, "fast_lane_every": 2})
    with writing(db):
        every = tuple(Label(key=f"k{n}", zh=f"標籤{n}", en=f"label {n}") for n in range(args.labels))
        project = projects.insert_project(
            db, key="p", name="p", name_en="", guideline="", settings=settings, labels=every, by=None, now=now
        )
    lead = accounts.create_user(db, "lead", "correct horse battery", "lead", by=None, now=now).id
    membership.add(db, project, lead, by=None, now=now)
    curating.run_import(db, project, file, options=ImportOptions(), by=None, now=now)
    db.close()
    return lead


def timed(function: Callable[..., Any], said: dict[str, Any], name: str) -> Callable[..., Any]:
    def asked(*given: Any, **named: Any) -> Any:
        started = time.process_time()
        found = function(*given, **named)
        said[name] = round(time.process_time() - started, 1)
        return found

    return asked


def told_bytes(function: Callable[..., None], need: dict[str, float]) -> Callable[..., None]:
    from core.xmc.memory import bytes_needed

    def asked(*given: Any, **named: Any) -> None:
        need["need_mb"] = round(bytes_needed(*given, **named) / 2**20)
        function(*given, **named)

    return asked


def peak_mb() -> int:
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


if __name__ == "__main__":
    sys.exit(main())
