"""A small set of texts that can be learned: each label has words of its own."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np

from core.config import RoundConfig
from core.distill.pipeline import RoundData, RoundReport, RoundResult, run_round

SMALL = RoundConfig(
    segmenter="words", vector_size=12, filters=6, hidden=12, max_epochs=4, patience=2, class_weights=(0.5, 1.0, 3.0),
    lr=0.01, threads=2, seed=5, soft_targets="in_sample", teachers="neural", hard_share=0.0, spliced=0.0,
    teacher_arch="", teacher_patience=3, student_epoch="best",
)  # fmt: skip


def small_data(n: int = 60, gold: int = 20, pool: int = 30, labels: int = 3, *, words: int = 9) -> RoundData:
    rng = np.random.default_rng(7)

    def some(count: int) -> tuple[list[str], np.ndarray]:
        y = (rng.random((count, labels)) < 0.4).astype(np.int8)
        texts = []
        for row in y:
            own = [f"word{k}{rng.integers(3)}" for k in np.flatnonzero(row) for _ in range(2)]
            fill = [f"fill{rng.integers(20)}" for _ in range(max(0, words - len(own)))]
            texts.append(" ".join(rng.permutation([*own, *fill])))
        return texts, y

    train_texts, train_y = some(n)
    gold_texts, gold_y = some(gold)
    pool_texts, _ = some(pool)
    return RoundData(
        label_keys=[f"k{k}" for k in range(labels)],
        train_texts=train_texts,
        train_y=train_y,
        gold_texts=gold_texts,
        gold_y=gold_y,
        pool_ids=list(range(len(pool_texts))),
        pool_texts=pool_texts,
    )


def run(data: RoundData, config: RoundConfig, root: Path) -> tuple[list[RoundReport], RoundResult]:
    return drained(run_round(data, config, root / "out", root / "cache"))


def drained(steps: Generator[Any, None, Any]) -> tuple[list[Any], Any]:
    """All reports of a generator and what it returns."""
    reports = []
    while True:
        try:
            reports.append(next(steps))
        except StopIteration as finished:
            return reports, finished.value
