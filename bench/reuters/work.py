"""What the ladder's processes do; each reads the prepared texts by itself and has one core."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bench.reuters.ladder import Task, named, rows_of
from bench.reuters.views import views
from core.experiments.parted import Parted
from core.reproduce.losses.svm import tuned
from core.steps import drained


def prepare(corpus: Parted, path: Path, published_only: bool) -> None:
    """What every seed has in common, on disk: each process reads it by itself."""
    known = corpus.train if published_only else np.sort(np.r_[corpus.train, corpus.valid])
    texts, test = corpus.at(known), corpus.at(corpus.test)
    task = Task(texts, corpus.y[known], corpus.y[corpus.test], corpus.bands, views(texts, test, corpus.label_keys))
    path.write_bytes(pickle.dumps(task))


def climb(pool: ProcessPoolExecutor, task: Path, seeds: Sequence[int]) -> Iterator[list[dict[str, Any]]]:
    """Each seed's rows as they are done."""
    for done in as_completed([pool.submit(one_seed, task, seed) for seed in seeds]):
        yield done.result()


def one_seed(path: Path, seed: int) -> list[dict[str, Any]]:
    torch.set_num_threads(1)
    return rows_of(pickle.loads(path.read_bytes()), seed)


def published_svm(corpus: Parted) -> dict[str, float]:
    """The paper's baseline in its own protocol. Source: huang2021."""
    valid, test = corpus.at(corpus.valid), corpus.at(corpus.test)
    chosen = drained(tuned(corpus.at(corpus.train), corpus.y[corpus.train], valid, corpus.y[corpus.valid], test))
    return named(chosen.test >= chosen.cut, corpus.y[corpus.test], corpus.bands)
