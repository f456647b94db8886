"""From how many labels a tree or adaptive clusters beat one layer for all: ``python -m bench.xmc``, JSON at the end.

Made texts with labels by Zipf's law. Each way stands on the same rows of a frozen encoder, as wide as BERT's; the
tree's ranker reads weighted grams besides. Every figure is of a fresh process on one core, in CPU seconds, so that a
busy machine moves them little; a process that only makes the texts is measured too, and told as ``none_mb``.

``labels``, and beside it lists. ``flat_s``, ``tree_s``, ``aplc_s``: seconds from one text's rows to its five best
labels (median of 150); ``…_together_s``: of 64 texts at once, a text; ``…_step_s``: a training step of 32 texts (of the
tree: its matcher; ``ranker_s`` is all of its ranker's learning); ``…_mb``: the most that the process held, ``peak_mb``
the most of these. ``halves_…``: adaptive clusters in two equal parts, as published for a few thousand labels.
``…_beside_s``: a flat layer asked in turn with that way, in the same process, by which the two are compared;
``all_labels_s``: the tree's own ranker asked for every label. ``growth``: the exponent of labels in the seconds of a
query, 1 is proportional. ``from_labels``: where a way's query becomes cheaper than the flat one's, between counts by a
straight line in logarithms; null where it does not. ``…_p_at_1`` of the tested texts tells that the ways have learned.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
WAYS = ("none", "flat", "tree", "aplc", "halves")


def options() -> argparse.Namespace:
    arguments = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    arguments.add_argument("--labels", type=int, nargs="+", default=[1_000, 5_000, 20_000])
    arguments.add_argument("--texts", type=int, default=20_000, help="to learn from")
    arguments.add_argument("--asked", type=int, default=1_000, help="more texts, to test with")
    arguments.add_argument("--width", type=int, default=768)
    arguments.add_argument("--steps", type=int, default=400)
    arguments.add_argument("--seed", type=int, default=0)
    arguments.add_argument("--part", help=argparse.SUPPRESS)
    return arguments.parse_args()


def main() -> int:
    args = options()
    if args.part:
        print(json.dumps(part(args, *args.part.split(":"))))
        return 0
    found: dict[str, list[dict[str, Any]]] = {way: [] for way in WAYS}
    for labels in sorted(args.labels):
        for way in WAYS:
            command = [sys.executable, "-m", "bench.xmc", *sys.argv[1:], "--part", f"{labels}:{way}"]
            threads = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "MKL", "OPENBLAS")}
            done = subprocess.run(
                command, cwd=ROOT, env={**os.environ, **threads}, stdout=subprocess.PIPE, text=True, check=False
            )
            if done.returncode:
                return done.returncode
            found[way].append(json.loads(done.stdout.splitlines()[-1]))
            print(f"{labels:>7} {way:<7}", json.dumps(found[way][-1]), flush=True)
    print(json.dumps(summary(sorted(args.labels), found)))
    return 0


def part(args: argparse.Namespace, labels: str, way: str) -> dict[str, Any]:
    """One way at one label count."""
    import torch

    from bench.xmc.made import made
    from bench.xmc.ways import measured
    from core.xmc.nets.training import Training

    torch.set_num_threads(1)
    data = made(int(labels), args.texts + args.asked, args.width, asked=args.asked, seed=args.seed)
    training = Training(steps=args.steps, batch_size=32, head_lr=1e-2, lr=1e-2, warm_up=0)
    said = {} if way == "none" else measured(data, way, training)
    return {**said, "mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)}


def summary(labels: list[int], found: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """The lists of the module's first paragraphs."""
    out: dict[str, Any] = {"labels": labels, "none_mb": [each["mb"] for each in found["none"]]}
    ways = [way for way in found if way != "none"]
    for way in ways:
        for kind in ("query_s", "beside_s", "together_s", "step_s", "mb"):
            out[f"{way}_{kind.removeprefix('query_')}"] = [_short(each[kind]) for each in found[way]]
        out[f"{way}_p_at_1"] = [each["P@1"] for each in found[way]]
    out["peak_mb"] = [max(found[way][n]["mb"] for way in ways) for n in range(len(labels))]
    for name in ("ranker_s", "grown_s", "clusters", "reached", "all_labels_s"):
        out[name] = [_short(each[name]) for each in found["tree"]]
    if len(labels) > 1:
        own, flat = ({way: [each[kind] for each in found[way]] for way in ways} for kind in ("query_s", "beside_s"))
        out["growth"] = {way: round(float(np.polyfit(np.log(labels), np.log(own[way]), 1)[0]), 2) for way in ways}
        out["from_labels"] = {way: crossing(labels, flat[way], own[way]) for way in ways if way != "flat"}
    return out


def crossing(labels: list[int], flat: list[float], other: list[float]) -> int | None:
    """From how many labels on the other way is the cheaper one; None where it is not with the most labels measured."""
    ahead = np.log(flat) - np.log(other)
    if ahead[-1] <= 0:
        return None
    behind = np.flatnonzero(ahead <= 0)
    if not len(behind):
        return labels[0]
    at = int(behind[-1])
    share = -ahead[at] / (ahead[at + 1] - ahead[at])
    low, high = np.log(labels[at]), np.log(labels[at + 1])
    return round(float(np.exp(low + share * (high - low))))


def _short(value: Any) -> Any:
    return float(f"{value:.3g}") if isinstance(value, float) else value


if __name__ == "__main__":
    sys.exit(main())
