"""The comparison from its first missing cell to its last; a finished cell is a file that is whole or absent."""

from __future__ import annotations

import io
import time
import zipfile
from collections.abc import Generator
from pathlib import Path

import numpy as np
import torch

from core.encoders.load import Encoder
from core.experiments.directory import publish
from core.experiments.parted import Parted
from core.experiments.terminal import Progress
from core.reproduce.xmc.models import MADE, Answer, task_of
from core.reproduce.xmc.plan import XmcPlan


def run(
    plan: XmcPlan, data: Parted, out: Path, *, words: bool, encoder: Encoder | None = None
) -> Generator[Progress, None, None]:
    """Make every missing cell, one after the other, on one thread. The caller holds the directory.

    Raises TooManyClusters, BadSetting, TrainingDiverged.
    """
    cells = list(plan.cells())
    missing = [cell for cell in cells if read(out, *cell) is None]
    if not missing:
        return
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    spent: list[float] = []
    try:
        yield Progress(len(cells) - len(missing), len(cells), "words", 0.0, None)
        task = task_of(data, words=words, encoder=encoder, tokens=plan.tokens)
        for at, (model, seed) in enumerate(missing):
            started, steps, answer = time.perf_counter(), MADE[model](task, plan, seed), None
            while answer is None:
                try:
                    share = next(steps)
                except StopIteration as finished:
                    answer = finished.value
                else:
                    left = float(np.mean(spent)) * (len(missing) - at - share) if spent else None
                    yield Progress(len(cells) - len(missing) + at, len(cells), f"{model}, seed {seed}", share, left)
            spent.append(time.perf_counter() - started)
            write(out, model, seed, answer, spent[-1])
        yield Progress(len(cells), len(cells), "", 0.0, 0.0)
    finally:
        torch.set_num_threads(threads)


def write(out: Path, model: str, seed: int, answer: Answer, seconds: float) -> None:
    file = io.BytesIO()
    np.savez_compressed(file, valid=answer.valid, test=answer.test, seconds=np.float64(seconds))
    path(out, model, seed).parent.mkdir(parents=True, exist_ok=True)
    publish(path(out, model, seed), file.getvalue())


def read(out: Path, model: str, seed: int) -> tuple[Answer, float] | None:
    """A finished cell and its seconds, or None when there is none or it is damaged: it is then made again."""
    try:
        with np.load(path(out, model, seed), allow_pickle=False) as found:
            return Answer(found["valid"], found["test"]), float(found["seconds"])
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile):
        return None


def path(out: Path, model: str, seed: int) -> Path:
    return out / "cells" / f"{model}-{seed}.npz"
