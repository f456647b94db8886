"""How fast a pool is scored, and in how much memory: ``python -m bench.score``, one JSON object on the last line.

Each architecture at its full default size over the vocabulary of the real texts, with vectors and weights drawn at
random: speed does not depend on their values. Every figure is taken in a fresh process bound to one core.

``docs_per_s``: texts from the compressed file to their probabilities; unpacking, normalising, segmenting and building
the table are inside; importing is not, nor is compiling (``compile_s``: the first call ever; ``first_call_s``: of each
later process). ``peak_mb``: the most that this process, its libraries included, ever held.
``ratio_eager``: texts a second against eager PyTorch on the same texts in the same process, both with segmentation,
interleaved, a ratio of medians. Eager is the module itself, no gradient, every batch padded to ``max_tokens``; of
batches of 32 and of 128 the faster one counts. ``differs``: the largest difference between the two in probability.
Heads over an encoder (``encoder_cls``, ``encoder_textcnn``; ``--heads`` with no name leaves them out): see
``bench.score_encoder``.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any

from bench import score_encoder

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("TAGTAIL_BENCH_DATA", ROOT.parent / "shared" / "data")) / "pool_classic.jsonl.gz"
ARCHS = ("textcnn.v1", "textrnn.v1", "han.v1", "gru_att.v1", "textcnn_att.v1")
LABELS = 9
PAD_ALL = (32, 128)  # batches of the eager model
BREAKS = "。!?；;\n"


def texts(path: Path, limit: int) -> Iterator[str]:
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        for line in islice(stream, limit):
            yield json.loads(line)["text"]


def prepare(folder: Path, args: argparse.Namespace, arch: str, segmenter: str) -> None:
    """A student of the default size in the folder. Runs by itself, so that what it takes is not counted."""
    import numpy as np

    from core.config import RoundConfig
    from core.models.registry import build
    from core.text.tokenize import read_all
    from core.text.vocab import Vocab
    from core.train.checkpoint import save_model

    config = RoundConfig(arch=arch, segmenter=segmenter, max_tokens=args.max_tokens, threads=1)
    kept = folder.parent / f"vocab-{segmenter}.json"
    if kept.exists():
        vocab = Vocab.from_json(kept.read_text(encoding="utf-8"))
    else:
        vocab = Vocab.build(read_all(segmenter, "", texts(args.data, args.texts)), min_count=2)
        kept.write_text(vocab.to_json(), encoding="utf-8")
    vectors = np.random.default_rng(args.seed).normal(0, 0.3, (len(vocab), config.vector_size)).astype(np.float32)
    breaks = np.array([token in BREAKS for token in vocab.tokens])
    model = build(arch, vectors, LABELS, config, seed=args.seed, breaks=breaks)
    folder.mkdir()
    meta = {"config": config.__dict__, "label_keys": [f"k{k}" for k in range(LABELS)], "thresholds": [0.5] * LABELS}
    save_model(folder, model, vocab, meta)


def loaded(folder: Path) -> tuple[Any, Any, Any]:
    """Model, vocabulary and settings, on one thread of one core."""
    import torch

    from core.stored_config import as_run
    from core.train.checkpoint import load_model

    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    torch.set_num_threads(1)
    model, vocab, meta = load_model(folder)
    return model, vocab, as_run(meta["config"])


def pool(folder: Path, args: argparse.Namespace) -> dict[str, Any]:
    """The whole file, once, as it comes."""
    model, vocab, config = loaded(folder)
    from core.text.encode import encoder
    from core.train.scoring import score_texts, scorer

    started = time.perf_counter()
    by, read = scorer(model, config), encoder(vocab, config)
    built = time.perf_counter() - started
    _drained(score_texts(by, read, ["高"]))  # what compiles, or is read from the disk, on the first call
    ready = time.perf_counter() - started
    asked = texts(args.data, args.texts if config.arch == "textcnn.v1" else min(args.texts, args.others))
    started = time.perf_counter()
    found = _drained(score_texts(by, read, asked))
    spent = time.perf_counter() - started + built
    assert found.shape[1] == LABELS
    return {
        "docs_per_s": round(len(found) / spent),
        "peak_mb": _peak_mb(),
        "texts": len(found),
        "vocabulary": len(vocab),
        "build_s": round(built, 3),
        "first_call_s": round(ready - built, 3),
        "method": by.method,
    }


def ratio(folder: Path, args: argparse.Namespace) -> dict[str, Any]:
    """Ours and eager in turn on a sample of the texts."""
    import numpy as np
    import torch

    from core.text.batches import padded
    from core.text.encode import encoder
    from core.text.tokenize import reader
    from core.train.scoring import score_rows, score_texts, scorer

    model, vocab, config = loaded(folder)
    by, read, cut = scorer(model, config), encoder(vocab, config), reader(config.segmenter)
    sample = list(islice(texts(args.data, args.texts), 0, None, max(1, args.texts // args.sample)))[: args.sample]
    few = sample[:: max(1, len(sample) // 128)][:128]

    def eager(size: int) -> Any:
        rows = [vocab.encode(cut(text), config.max_tokens) for text in few]
        with torch.no_grad():
            parts = [rows[n : n + size] for n in range(0, len(rows), size)]
            batches = (torch.from_numpy(padded(part, config.max_tokens)) for part in parts)
            return np.concatenate([model(batch).sigmoid().numpy() for batch in batches])

    ways: dict[str, tuple[int, Callable[[], Any]]] = {
        "ours": (len(sample), lambda: _drained(score_texts(by, read, sample))),
        "segment": (len(sample), lambda: read(sample)),
        **{f"eager {size}": (len(few), lambda size=size: eager(size)) for size in PAD_ALL},  # type: ignore[misc]
    }
    spent: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(1 + args.rounds):
        for name, (count, run) in ways.items():
            started = time.perf_counter()
            run()
            spent[name].append((time.perf_counter() - started) / count)
    per_text = {name: median(values[1:]) for name, values in spent.items()}
    size = min(PAD_ALL, key=lambda size: per_text[f"eager {size}"])
    rows = read(few)
    return {
        "ratio_eager": round(per_text[f"eager {size}"] / per_text["ours"], 1),
        "eager_docs_per_s": round(1 / per_text[f"eager {size}"]),
        "eager_batch": size,
        "docs_per_s_in_memory": round(1 / per_text["ours"]),
        "docs_per_s_scoring_only": round(1 / (per_text["ours"] - per_text["segment"])),
        "segmentation_share": round(per_text["segment"] / per_text["ours"], 3),
        "differs": float(f"{np.abs(score_rows(by, rows) - eager(size)).max():.1e}"),
        "mean_tokens": round(float(np.mean([len(row) for row in read(sample)])), 1),
    }


def _drained(steps: Any) -> Any:
    while True:
        try:
            next(steps)
        except StopIteration as finished:
            return finished.value


def _peak_mb() -> int:
    """Of this process alone: what getrusage says includes its parent before the program was loaded."""
    try:
        status = Path("/proc/self/status").read_text()
        return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))) // 1024
    except (OSError, StopIteration):
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (2**20 if sys.platform == "darwin" else 1024)


def child(part: str, folder: Path, args: argparse.Namespace, arch: str, segmenter: str, **env: str) -> dict[str, Any]:
    command = [
        sys.executable, "-m", "bench.score", "--part", part, "--folder", folder, "--arch", arch,
        "--segmenter", segmenter,
    ]  # fmt: skip
    for name in ("data", "texts", "others", "sample", "rounds", "seed", "max_tokens", "encoded"):
        command += [f"--{name.replace('_', '-')}", getattr(args, name)]
    one = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "MKL", "OPENBLAS", "NUMBA")}
    done = subprocess.run(
        [str(word) for word in command], cwd=ROOT, env={**os.environ, **one, **env}, stdout=subprocess.PIPE, check=True
    )
    return json.loads(done.stdout.decode().strip().splitlines()[-1])


def measure(folder: Path, args: argparse.Namespace, arch: str, segmenter: str) -> dict[str, Any]:
    student = folder / f"{arch}-{segmenter}"
    child("prepare", student, args, arch, segmenter)
    with tempfile.TemporaryDirectory() as empty:  # as on the first start: nothing compiled yet
        first = child("pool", student, _with(args, texts=1, others=1), arch, segmenter, NUMBA_CACHE_DIR=empty)
    found = child("pool", student, args, arch, segmenter)
    found["compile_s"] = first["first_call_s"]
    return {**found, **child("ratio", student, args, arch, segmenter)}


def _with(args: argparse.Namespace, **changed: Any) -> argparse.Namespace:
    return argparse.Namespace(**{**vars(args), **changed})


def main() -> int:
    arguments = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    arguments.add_argument("--data", type=Path, default=DATA)
    arguments.add_argument("--arch", nargs="*", default=list(ARCHS))
    arguments.add_argument("--segmenter", nargs="+", default=["characters", "rjieba"], help="TextCNN by each of them")
    arguments.add_argument("--texts", type=int, default=150_000)
    arguments.add_argument("--others", type=int, default=30_000, help="texts for what is not TextCNN")
    arguments.add_argument("--sample", type=int, default=4096, help="texts in memory for the ratio")
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--max-tokens", type=int, default=300)
    arguments.add_argument("--seed", type=int, default=0)
    arguments.add_argument("--heads", nargs="*", choices=["cls", "textcnn", "denses"], default=["cls", "textcnn"])
    arguments.add_argument("--encoded", type=int, default=3_000, help="texts for heads over an encoder")
    arguments.add_argument("--part", choices=["prepare", "pool", "ratio", *score_encoder.PARTS], help=argparse.SUPPRESS)
    arguments.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    args = arguments.parse_args()
    if args.part in score_encoder.PARTS:
        score_encoder.run_part(args.part, args.folder, args, args.arch[0])
        return 0
    if args.part == "prepare":
        prepare(args.folder, args, args.arch[0], args.segmenter[0])
        print("{}")
        return 0
    if args.part:
        print(json.dumps((pool if args.part == "pool" else ratio)(args.folder, args)))
        return 0
    if not args.data.exists():
        print(f"SKIPPED: the real texts are not here ({args.data.name}); give some with --data FILE", file=sys.stderr)
        print(json.dumps({"skipped": True}))
        return 0
    result: dict[str, Any] = {"max_tokens": args.max_tokens, "cores": 1, "machine": platform.processor() or "?"}
    with tempfile.TemporaryDirectory() as folder:
        for arch in args.arch:
            for segmenter in args.segmenter if arch == "textcnn.v1" else args.segmenter[:1]:
                name = arch.split(".")[0] + ("" if segmenter == args.segmenter[0] else f"_{segmenter}")
                result[name] = measure(Path(folder), args, arch, segmenter)
                print(f"{name}: {json.dumps(result[name])}", flush=True)
        for head in args.heads:
            result[f"encoder_{head}"] = score_encoder.measure(Path(folder), args, head)
            print(f"encoder_{head}: {json.dumps(result[f'encoder_{head}'])}", flush=True)
    print(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
