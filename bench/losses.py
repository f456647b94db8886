"""What a training step costs as labels grow: ``python -m bench.losses``, one JSON object on the last line.

A batch of texts is read by one linear layer of a TextCNN's width, and every loss learns from it: forward, loss,
backward and Adam's step. Labels are drawn with Zipf's frequencies. A process for each number of labels, so that memory
is its own; losses take turns, and each figure is the median over the turns.
"""

from __future__ import annotations

import argparse
import json
import math
import resource
import subprocess
import sys
import time
from statistics import median
from typing import Any

import numpy as np
import torch

from core.losses.frequencies import frequencies
from core.losses.registry import LOSSES, made
from core.seeds import numbers

LABELS = (9, 90, 1000)
TEXTS, BATCH, WIDTH = 2000, 32, 512


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--labels", type=int, nargs="+", default=list(LABELS))
    parser.add_argument("--turns", type=int, default=60, help="steps of each loss")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--part", type=int, help=argparse.SUPPRESS)
    return parser.parse_args()


def steps(n_labels: int, *, turns: int, seed: int) -> dict[str, Any]:
    """Milliseconds a step of each loss, of the layer alone, and the process's peak memory in MB."""
    torch.set_num_threads(1)
    random = numbers(seed, "labels of Zipf's frequencies")
    share = 0.5 / np.arange(1, n_labels + 1)
    y = (random.random((TEXTS, n_labels)) < share).astype(np.float32)
    seen = frequencies(y)
    generator = torch.Generator().manual_seed(seed)
    texts = torch.randn((BATCH, WIDTH), generator=generator)
    layer = torch.nn.Linear(WIDTH, n_labels)
    learning = torch.optim.Adam(layer.parameters())
    targets = torch.from_numpy(y[:BATCH])
    losses = {"no_loss": lambda logits, _: logits} | {name: made(name, seen) for name in LOSSES}
    found: dict[str, list[float]] = {name: [] for name in losses}
    for turn in range(turns + 5):  # the first few warm the caches
        for name, loss in losses.items():
            started = time.perf_counter()
            learning.zero_grad()
            loss(layer(texts), targets).mean().backward()
            learning.step()
            if turn >= 5:
                found[name].append((time.perf_counter() - started) * 1000)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"ms": {name: round(median(each), 3) for name, each in found.items()}, "peak_mb": round(peak, 1)}


def growth(first: float, last: float, times: float) -> float:
    """The power of the number of labels by which a cost grows: 1 is in proportion, 2 is quadratic."""
    return round(math.log(last / first) / math.log(times), 2)


def main() -> int:
    args = options()
    if args.part:
        print(json.dumps(steps(args.part, turns=args.turns, seed=args.seed)))
        return 0
    found = {}
    for n in args.labels:
        told = [sys.executable, "-m", "bench.losses", "--part", str(n), "--turns", str(args.turns)]
        done = subprocess.run([*told, "--seed", str(args.seed)], capture_output=True, text=True, check=True)
        found[n] = json.loads(done.stdout.splitlines()[-1])
        print(f"{n} labels: {found[n]}", flush=True)
    few, many = min(found), max(found)
    powers = {
        name: growth(found[few]["ms"][name], found[many]["ms"][name], many / few)
        for name in found[few]["ms"]
        if many > few
    }
    print(json.dumps({"labels": found, "power": powers, "texts": TEXTS, "batch": BATCH, "width": WIDTH}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
