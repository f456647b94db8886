"""What training a round's models together saves: ``python -m bench.teachers``, one JSON object on the last line.

On one fold of the real set, published protocol (300 tokens, at most 30 epochs, patience 10): nine labels by seven
class weights of teachers, a student and its standalone twin, for each architecture in three ways.

``naive``: the module one by one, ``torch.optim.Adam``, all threads in it, every batch padded to 300 tokens, as the
published system has it. Sampled: ``--models`` models for ``--epochs`` epochs, interleaved with epochs of the two other
ways; ``naive_s`` is their median times the epochs that the exact way needed.
``exact``: the same 63 + 2 models by the engine. ``fast``: nine teachers, log W on their logits, and the two students.
Both are run whole where ``--exact`` names the architecture; else ``exact_s`` is extrapolated from its sampled epochs
and the epochs of the fast teachers, and its quality is null. What was extrapolated stands in ``extrapolated``.

``factors``: naive over naive trimmed to each batch's longest text (padding), that over the engine with one model
(engine), that over a stack (company), and exact over fast (fewer models). ``encoder``: see ``bench.teachers_encoder``.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from bench import teachers_encoder

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("TAGTAIL_BENCH_DATA", ROOT.parent / "shared" / "data")) / "health_tw.jsonl.gz"
ARCHS = {"textcnn": "textcnn.v1", "textrnn": "textrnn.v1", "han": "han.v1", "gru_att": "gru_att.v1"}
GROWTH_DOCUMENTS, GROWTH_LABELS = (1_000, 3_000, 10_000), (9, 30, 90)


def main() -> int:
    arguments = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    arguments.add_argument("--data", type=Path, default=DATA)
    arguments.add_argument("--arch", nargs="+", choices=list(ARCHS), default=list(ARCHS))
    arguments.add_argument("--exact", nargs="*", choices=list(ARCHS), default=["textcnn"], help="run whole")
    arguments.add_argument("--models", type=int, default=3)
    arguments.add_argument("--epochs", type=int, default=3)
    arguments.add_argument("--threads", type=int, default=min(4, os.cpu_count() or 1))
    arguments.add_argument("--segmenter", default="characters")
    arguments.add_argument("--seed", type=int, default=0)
    arguments.add_argument("--growth", action=argparse.BooleanOptionalAction, default=True)
    arguments.add_argument("--encoder", action=argparse.BooleanOptionalAction, default=True)
    arguments.add_argument("--part", choices=[*ARCHS, "growth", "encoder"], help=argparse.SUPPRESS)
    args = arguments.parse_args()
    if not args.data.exists():
        print(f"SKIPPED: the real data set is not here ({args.data.name}); give one with --data FILE", file=sys.stderr)
        print(json.dumps({"skipped": True}))
        return 0
    if args.part:
        parts = {"growth": growth, "encoder": teachers_encoder.measure}
        print(json.dumps(parts[args.part](args) if args.part in parts else architecture(args, args.part)))
        return 0
    found: dict[str, Any] = {}
    more = [name for name in ("growth", "encoder") if getattr(args, name)]
    for part in [*args.arch, *more]:  # a process each, so that memory is its own
        command = [sys.executable, "-m", "bench.teachers", *sys.argv[1:], "--part", part]
        lines: list[str] = []
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
            for line in process.stdout or ():
                lines.append(line)
                if not line.startswith("{"):
                    print(line, end="", flush=True)
        if process.returncode:
            return process.returncode
        found[part] = json.loads(lines[-1])
    print(json.dumps(found))
    return 0


def lessons_of(args: argparse.Namespace, arch: str) -> tuple[Any, Any, np.ndarray]:
    """The first fold as lessons, and its test texts."""
    from core.config import RoundConfig
    from core.evaluate.crossval import fold, fold_numbers
    from core.experiments.corpus import load
    from core.reproduce.cells import cut, material
    from core.reproduce.plan import PUBLISHED, PUBLISHED_BATCH

    config = RoundConfig.from_mapping(
        {**PUBLISHED, "arch": arch, "segmenter": args.segmenter, "threads": args.threads, "seed": args.seed,
         "batch_size": PUBLISHED_BATCH.get(arch, PUBLISHED["batch_size"])}
    )  # fmt: skip
    corpus = load(args.data)
    numbers = fold_numbers(corpus.texts, corpus.y, n_folds=5, seed=args.seed)
    part = fold(corpus.texts, corpus.y, numbers, 0, valid_share=config.valid_share, seed=args.seed)
    tokens = drained(cut(corpus, config))
    with tempfile.TemporaryDirectory() as folder:
        made = drained(material(corpus, tokens, part, config, Path(folder)))
    return made.lessons.with_config(config), made.test_rows, corpus.y[part.test]


def drained(steps: Generator[Any, None, Any]) -> Any:
    while True:
        try:
            next(steps)
        except StopIteration as finished:
            return finished.value


def architecture(args: argparse.Namespace, name: str) -> dict[str, Any]:
    """Every figure of one architecture."""
    lessons, test_rows, test_y = lessons_of(args, ARCHS[name])
    samples = sampled(lessons, args)
    fast = whole(lessons.with_config(replace(lessons.config, sweep="fast")), test_rows, test_y)
    print(f"{name}: fast {fast['s']:.0f} s, macro F1 {fast['macro_f1']:.3f}", flush=True)
    exact = None
    if name in args.exact:
        exact = whole(lessons.with_config(replace(lessons.config, sweep="exact")), test_rows, test_y)
        print(f"{name}: exact {exact['s']:.0f} s, macro F1 {exact['macro_f1']:.3f}", flush=True)
    weights = len(lessons.config.class_weights)
    teacher_epochs = exact["teacher_epochs"] if exact else weights * fast["teacher_epochs"]
    epochs = teacher_epochs + fast["pair_epochs"]
    naive_s = samples["naive"] * epochs
    exact_s = exact["s"] if exact else samples["stack"] * teacher_epochs + fast["pair_s"]
    extrapolated = ["naive_s: median of sampled epochs times the epochs of the exact way"]
    extrapolated += ["macro_f1_naive: the exact way's, whose sums are the same"] if exact else []
    extrapolated += [] if exact else ["exact_s: sampled epochs times seven times the epochs of the fast teachers"]
    return {
        "ratio_exact": round(naive_s / exact_s, 1),
        "ratio_fast": round(naive_s / fast["s"], 1),
        "naive_s": round(naive_s),
        "exact_s": round(exact_s),
        "fast_s": round(fast["s"]),
        "macro_f1_naive": exact and exact["macro_f1"],
        "macro_f1_exact": exact and exact["macro_f1"],
        "macro_f1_fast": fast["macro_f1"],
        "standalone_macro_f1": fast["standalone_macro_f1"],
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "factors": {
            "padding": round(samples["naive"] / samples["trimmed"], 2),
            "engine": round(samples["trimmed"] / samples["engine"], 2),
            "company": round(samples["engine"] / samples["stack"], 2),
            "fewer_models": round(exact_s / fast["s"], 2),
        },
        "epoch_s": {way: round(value, 3) for way, value in samples.items()},
        "epochs": {"naive_and_exact": epochs, "fast": fast["teacher_epochs"] + fast["pair_epochs"]},
        "texts": len(lessons.train_rows),
        "mean_tokens": round(float(np.mean([len(row) for row in lessons.train_rows])), 1),
        "threads": args.threads,
        "extrapolated": extrapolated,
    }


def whole(lessons: Any, test_rows: Any, test_y: np.ndarray) -> dict[str, Any]:
    """Teachers, student and standalone as a round trains them, timed; the student's macro-F1 at one half."""
    from core.distill.soft_targets import syllabus, teach
    from core.distill.student import train_pair
    from core.evaluate.metrics import aggregate
    from core.train.predict import probabilities

    started = time.perf_counter()
    taught = drained(teach(lessons))
    taught_s = time.perf_counter() - started
    epochs: dict[str, int] = {}
    steps = train_pair(lessons, *drained(syllabus(lessons, taught)))
    while True:
        try:
            who, report = next(steps)
        except StopIteration as finished:
            pair = finished.value
            break
        epochs[who] = report.epoch
    seconds = time.perf_counter() - started
    macro = [
        aggregate(probabilities(model, test_rows, lessons.config) >= 0.5, test_y)["macro"][2]
        for model in (pair.student, pair.standalone)
    ]
    return {
        "s": seconds,
        "pair_s": seconds - taught_s,
        "teacher_epochs": taught.teachers.epochs,
        "pair_epochs": sum(epochs.values()),
        "macro_f1": round(macro[0], 4),
        "standalone_macro_f1": round(macro[1], 4),
    }


def sampled(lessons: Any, args: argparse.Namespace) -> dict[str, float]:
    """Seconds of one model's epoch in each way; the ways take turns, and the median of all turns counts."""
    config = lessons.config
    labels = lessons.train_y.shape[1]
    # (models in a stack, stacks at work): one model has one thread, so as many as there are threads go side by side
    ways: dict[str, Callable[[int], float]] = {
        "naive": partial(one_by_one, lessons, args.threads, config.max_tokens),
        "trimmed": partial(one_by_one, lessons, args.threads, None),
        "engine": partial(by_engine, lessons, 1, args.threads),
        "stack": partial(by_engine, lessons, len(config.class_weights), args.threads),
    }
    found: dict[str, list[float]] = {way: [] for way in ways}
    for model in range(args.models):
        for _ in range(args.epochs):
            for way, run in ways.items():
                found[way].append(run(model % labels))
    return {way: median(values) for way, values in found.items()}


def one_by_one(lessons: Any, threads: int, width: int | None, k: int) -> float:
    """One epoch of one teacher by its module. ``width``: every batch is padded to it; None: to its longest text."""
    from core.text.batches import padded

    torch.set_num_threads(threads)
    config = lessons.config
    model = lessons.model(1, seed=k).train()
    adam = torch.optim.Adam((p for p in model.parameters() if p.requires_grad), lr=config.lr)
    y = torch.from_numpy(np.asarray(lessons.train_y)[:, [k]].astype(np.float32))
    order = np.random.default_rng(k).permutation(len(lessons.train_rows))
    started = time.perf_counter()
    for start in range(0, len(order), config.batch_size):
        at = order[start : start + config.batch_size]
        tokens = torch.from_numpy(padded([lessons.train_rows[n] for n in at], width))
        adam.zero_grad()
        F.binary_cross_entropy_with_logits(model(tokens), y[at]).backward()
        adam.step()
    seconds = time.perf_counter() - started
    torch.set_num_threads(1)
    return seconds


def by_engine(lessons: Any, models: int, lanes: int, k: int) -> float:
    """One epoch of ``lanes`` stacks side by side, a model's share of it."""
    from core.train.lanes import side_by_side

    steps = side_by_side([partial(epoch_of, lessons, models, k + lane) for lane in range(lanes)], lanes)
    started = time.perf_counter()
    drained(steps)
    return (time.perf_counter() - started) / (models * lanes)


def epoch_of(lessons: Any, models: int, k: int) -> Generator[Any, None, None]:
    """One epoch of one stack, without what comes before and after it."""
    from core.distill.sweep import stacked_models
    from core.train.loop import Course, fit

    short = lessons.with_config(replace(lessons.config, max_epochs=1))
    y = np.asarray(lessons.train_y)[:, k % lessons.train_y.shape[1]].astype(np.float32)
    engine, weights, width = stacked_models(short, list(range(models)), 1, torch.device("cpu"))
    course = Course(
        engine=engine,
        width=width,
        vectors=lessons.table(),
        train_rows=lessons.train_rows,
        valid_rows=[],
        targets=torch.from_numpy(y)[None, :, None].expand(models, -1, -1),
        positive_weight=torch.ones(models, 1),
        judge=lambda found, at: np.zeros((len(at), 1)),
        config=short.config,
        seeds=list(range(models)),
        order_seed=k,
    )
    yield from fit(weights, course)


def growth(args: argparse.Namespace) -> dict[str, Any]:
    """Seconds of one epoch of all fast teachers of TextCNN: more documents (spliced ones), more labels (repeated)."""
    from core.distill.splicing import splice
    from core.distill.sweep import sweep

    lessons, _, _ = lessons_of(args, ARCHS["textcnn"])
    config = replace(lessons.config, sweep="fast", max_epochs=1)
    texts = splice(lessons.train_texts, max(GROWTH_DOCUMENTS), args.seed)
    assert lessons.encode is not None
    rows = lessons.encode(texts)
    names = lessons.train_y.shape[1]

    def seconds(documents: int, labels: int) -> float:
        drawn = np.arange(documents) % len(lessons.train_y)
        repeated = np.arange(labels) % names
        part = replace(
            lessons,
            config=config,
            train_rows=rows[:documents],
            train_texts=texts[:documents],
            train_y=np.asarray(lessons.train_y)[drawn][:, repeated],
            valid_y=np.asarray(lessons.valid_y)[:, repeated],
            label_keys=[f"k{k}" for k in range(labels)],
        )
        started = time.perf_counter()
        drained(sweep(part))
        return round(time.perf_counter() - started, 2)

    return {
        "documents": {str(n): seconds(n, names) for n in GROWTH_DOCUMENTS},
        "labels": {str(n): seconds(GROWTH_DOCUMENTS[0], n) for n in GROWTH_LABELS},
        "what": "seconds of one epoch of one teacher a label, TextCNN; documents with 9 labels, labels with 1,000",
    }


if __name__ == "__main__":
    sys.exit(main())
