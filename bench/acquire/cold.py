"""From no label at all: how soon every label has its first texts, through the product's own desk and fast lane."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from core.experiments.corpus import Corpus
from core.simulate.cells import cell
from core.simulate.plan import CHANCE, Key, Plan
from core.steps import drained

WITHIN = 120  # labelled texts
ENOUGH = 3  # positives of every label
_EVERY = 5  # labels between two rankings, as in the product


def cold_start(corpus: Corpus, *, strategy: str, seeds: int, test_share: float) -> dict[str, Any]:
    """In how many seeds every label has ``ENOUGH`` positives in time, and after how many texts; names only.

    ``after`` has None for a seed in which that was not so.
    """
    found: dict[str, list[int | None]] = {}
    for name in (strategy, CHANCE):
        plan = Plan(
            strategies=(name,), seeds=seeds, first=0, batch=_EVERY, budget=WITHIN, test_share=test_share
        )  # fmt: skip
        found[name] = [_after(corpus, _chosen(plan, corpus, Key(seed, name))) for seed in range(seeds)]
    return {
        "cold_start_hits": sum(each is not None for each in found[strategy]),
        "cold_start_seeds": seeds,
        "cold_start_after": found[strategy],
        "cold_start_hits_chance": sum(each is not None for each in found[CHANCE]),
    }


def _chosen(plan: Plan, corpus: Corpus, key: Key) -> list[int]:
    with tempfile.TemporaryDirectory() as folder:
        return drained(cell(plan, corpus, key, Path(folder)))["chosen"]


def _after(corpus: Corpus, chosen: Sequence[int]) -> int | None:
    had = (np.cumsum(corpus.y[np.asarray(chosen)], axis=0) >= ENOUGH).all(axis=1)
    return int(had.argmax()) + 1 if had.any() else None
