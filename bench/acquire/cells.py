"""Finished curves on disk: one file a strategy and seed, so that an interrupted run goes on where it was.

A file names the texts and sizes it was made with, not the code: who changes a strategy removes its files.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from bench.acquire import ours, rivals
from bench.acquire.loop import Chooser, Pool, Sizes, curve
from core.experiments.corpus import Corpus
from core.experiments.directory import publish
from core.simulate.cells import split
from core.simulate.plan import CHANCE, FULL, Plan


@dataclass(frozen=True, kw_only=True)
class Work:
    """Which curves of one corpus: the same first texts, batches and split for every strategy of a seed."""

    corpus: Corpus
    strategies: tuple[str, ...]
    seeds: tuple[int, ...]
    sizes: Sizes
    test_share: float
    folder: Path
    whole: frozenset[str] = frozenset({CHANCE})  # strategies that go on to the end of the budget
    part: int = 830  # labels at which the others end

    def split(self, seed: int) -> Pool:
        plan = Plan(strategies=(CHANCE,), test_share=self.test_share)
        return Pool(self.corpus, split(plan, self.corpus, seed), seed)

    def path(self, strategy: str, seed: int) -> Path:
        return self.folder / f"{strategy.replace(':', '-')}-seed{seed}.json"

    def of(self, strategy: str) -> Sizes:
        """Only some strategies go on to the last text; most say enough with half of the texts."""
        return self.sizes if strategy in self.whole else replace(self.sizes, budget=min(self.part, self.sizes.budget))

    def made_with(self, strategy: str) -> dict[str, Any]:
        return {**asdict(self.of(strategy)), "test_share": self.test_share, "data": self.corpus.digest}

    def read(self, strategy: str, seed: int) -> dict[str, Any] | None:
        """The finished curve, or None where there is none or it was made otherwise."""
        try:
            found = json.loads(self.path(strategy, seed).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return found if found.get("made_with") == self.made_with(strategy) else None

    def missing(self, seed: int) -> tuple[str, ...]:
        return tuple(each for each in (FULL, *self.strategies) if self.read(each, seed) is None)


def choosers() -> dict[str, Chooser]:
    """Every strategy by name: ours, the oracle, and where they are installed the rivals'."""
    return {**dict(ours.choosers()), **(dict(rivals.choosers()) if rivals.installed() else {})}


def make(work: Work, *, jobs: int) -> None:
    """Every missing curve, a seed at a time in each process; says on standard error what is done."""
    waiting = {seed: work.missing(seed) for seed in work.seeds}
    left = sum(map(len, waiting.values()))
    if not left:
        return
    started, total = time.perf_counter(), left
    with ProcessPoolExecutor(max_workers=max(1, jobs), mp_context=get_context("spawn")) as processes:
        parts = [
            processes.submit(_made, work, seed, names)
            for seed, each in waiting.items()
            for names in _parts(each)
        ]  # fmt: skip
        for each in as_completed(parts):
            left -= each.result()
            spent = time.perf_counter() - started
            print(f"{total - left} of {total} curves, {spent:.0f} s", file=sys.stderr, flush=True)


def _parts(names: Sequence[str], size: int = 8) -> Iterator[tuple[str, ...]]:
    """So many curves go to a process at a time: its texts are vectorised once for all of them."""
    for start in range(0, len(names), size):
        yield tuple(names[start : start + size])


def _made(work: Work, seed: int, names: Sequence[str]) -> int:
    pool, known = work.split(seed), choosers()
    for name in names:
        started = time.process_time()
        found = {"points": [pool.whole()]} if name == FULL else curve(pool, known[name], work.of(name))
        spent = time.process_time() - started
        cell = {**found, "key": [seed, name], "seconds": round(spent, 2), "made_with": work.made_with(name)}
        publish(work.path(name, seed), json.dumps(cell).encode())
    return len(names)


def one_thread_each() -> None:
    """For numerical libraries, which ask the environment once: before they are imported, and in what is started."""
    for name in ("OMP", "OPENBLAS", "MKL", "NUMBA"):
        os.environ[f"{name}_NUM_THREADS"] = "1"
