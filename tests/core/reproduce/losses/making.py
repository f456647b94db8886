"""A small corpus with a test part, and the options of a comparison on it that takes seconds."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from core.experiments.parted import Parted, load
from core.reproduce.losses.plan import LossPlan
from core.reproduce.store import Cell
from tests.core.reproduce.making import TINY, corpus_file, rows

LOSSES = ("bce.v1", "fl.v1", "db.v1")


def data_file(path: Path, n: int = 90) -> Path:
    return corpus_file(path, [{**row, "split": "train" if at % 4 else "test"} for at, row in enumerate(rows(n))])


def small(folder: Path, n: int = 90) -> Parted:
    return load(data_file(folder / "small.jsonl", n))


def tiny_plan(**changes) -> LossPlan:
    return LossPlan(**{"losses": LOSSES, "seeds": (0, 1), "settings": TINY, "threads": 2, **changes})


def made(probs: np.ndarray, valid: np.ndarray, **meta) -> Cell:
    """A cell that gave these answers."""
    said = {"seconds": 1.5, "config": {}, "code_version": "test", **meta}
    cuts = np.full(probs.shape[1], 0.5)
    return Cell(test=np.arange(len(probs)), test_probs=probs, valid_probs=valid, thresholds=cuts, meta=said)
