"""An experiment from its first missing cell to its last; what is finished already is not done again."""

from __future__ import annotations

import queue
import time
from collections.abc import Generator, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from core.distill.lessons import threads_of
from core.evaluate.crossval import Fold, fold, fold_numbers
from core.experiments.corpus import Corpus
from core.experiments.terminal import Progress
from core.reproduce import cells
from core.reproduce.cells import Making, Material
from core.reproduce.clock import Clock
from core.reproduce.plan import LINEAR, STANDALONE, Key, Plan, is_teacher
from core.reproduce.store import Store
from core.steps import through
from core.train.lanes import side_by_side

Steps = Generator[Progress, None, Any]


def run(plan: Plan, corpus: Corpus, store: Store) -> Generator[Progress, None, None]:
    """Make every missing cell. The caller holds the store.

    Closing the generator stops after the step at hand; finished cells stay. Raises BadSetting: impossible folds.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # what runs in parallel does so in lanes
    try:
        yield from _Run(plan, corpus, store).steps()
    finally:
        torch.set_num_threads(threads)


def folds_of(plan: Plan, corpus: Corpus, seed: int) -> NDArray[np.int64]:
    """Which fold tests each text, in the repetition of that seed. Shapes: → (N,)."""
    return fold_numbers(corpus.texts, corpus.y, n_folds=plan.folds, seed=seed)


def _alone(make: Any) -> Generator[tuple[int, float], None, None]:
    for share in make():
        yield 0, share


@dataclass
class _Run:
    plan: Plan
    corpus: Corpus
    store: Store
    tokens: cells.Tokens | None = None

    def steps(self) -> Generator[Progress, None, None]:
        self.everything = list(self.plan.cells())
        self.lanes = threads_of(self.plan.config(self.everything[0]))
        self.clock = Clock(self.lanes)
        self.news: queue.SimpleQueue[tuple[Key, float]] = queue.SimpleQueue()
        self.missing: list[Key] = []
        for key in self.everything:
            found = self.store.read(key)
            if found is None:
                self.missing.append(key)
            else:
                self.clock.note(key, float(found.meta.get("seconds", 0.0)))
        yield self._progress("")
        for seed in self.plan.seeds:
            numbers = folds_of(self.plan, self.corpus, seed)
            for number in range(self.plan.folds):
                if any((key.seed, key.fold) == (seed, number) for key in self.missing):
                    yield from self._fold(seed, number, numbers)
        yield self._progress("")

    def _fold(self, seed: int, number: int, numbers: NDArray[np.int64]) -> Steps:
        config = self.plan.config(Key(seed, number, "-", LINEAR))
        parts = fold(
            self.corpus.texts, self.corpus.y, numbers, number, valid_share=config.valid_share, seed=seed
        )  # fmt: skip
        material: Material = yield from self._material(seed, number, parts)
        linear = Key(seed, number, "-", LINEAR)
        yield from self._make({linear: partial(cells.linear_cell, material, config)})
        trained: cells.Trained = {}
        for arch in self.plan.archs:
            group = self.plan.group(seed, number, arch)
            for key in group:
                if is_teacher(key.model) and key in self.missing:
                    yield from self._make({key: partial(cells.teacher_cell, material, self.plan.config(key), trained)})
            students = [key for key in group if not is_teacher(key.model) and key in self.missing]
            yield from self._make({key: self._student(material, key) for key in students})

    def _material(self, seed: int, number: int, parts: Fold) -> Steps:
        config = self.plan.config(Key(seed, number, "-", LINEAR))
        if self.tokens is None:
            self.tokens = yield from self._through("segmenting", cells.cut(self.corpus, config))
        steps = cells.material(self.corpus, self.tokens, parts, config, self.store.vectors)
        return (yield from self._through(f"word vectors, seed {seed} fold {number + 1}", steps))

    def _through(self, doing: str, steps: Generator[float, None, Any]) -> Steps:
        yield self._progress(doing)
        return (yield from through(steps, lambda share: self._progress(doing, share)))

    def _student(self, material: Material, key: Key) -> Any:
        def make() -> Making:
            config, taught = self.plan.config(key), self.plan.teachers_of(key)
            if key.model == STANDALONE or taught is None:
                return cells.student_cell(material, config, None)
            found = self.store.read(taught)
            assert found is not None, taught  # the plan makes teachers first
            return cells.student_cell(material, config, found.soft)

        return make

    def _make(self, makers: Mapping[Key, Any]) -> Steps:
        """Cells side by side, one thread each; each is on disk as soon as it is finished."""
        keys = [key for key in makers if key in self.missing]
        if not keys:
            return
        models = " + ".join(key.model for key in keys[:3]) + (f" + {len(keys) - 3} more" if len(keys) > 3 else "")
        arch = "" if keys[0].arch == "-" else keys[0].arch.removesuffix(".v1") + " "
        doing = f"{arch}{models}, seed {keys[0].seed} fold {keys[0].fold + 1}"
        started: dict[Key, float] = {}
        shares: dict[Key, float] = {}
        yield self._progress(doing)
        makings = [partial(self._written, key, makers[key]) for key in keys]
        with closing(_alone(makings[0]) if len(keys) == 1 else side_by_side(makings, self.lanes)) as steps:
            for which, share in steps:
                key, now = keys[which], time.perf_counter()
                started.setdefault(key, now)
                shares[key] = share
                self._settle()
                at_hand = {one: (now - started[one], shares[one]) for one in shares if one in self.missing}
                yield self._progress(doing, float(np.mean([shares.get(one, 0.0) for one in keys])), at_hand)
        self._settle()

    def _written(self, key: Key, make: Any) -> Generator[float, None, None]:
        cell = yield from make()
        self.store.write(key, cell)
        self.news.put((key, float(cell.meta["seconds"])))  # this may be a lane's thread

    def _settle(self) -> None:
        while not self.news.empty():
            key, seconds = self.news.get()
            self.clock.note(key, seconds)
            self.missing.remove(key)

    def _progress(
        self, doing: str, share: float = 0.0, at_hand: Mapping[Key, tuple[float, float]] | None = None
    ) -> Progress:
        self._settle()
        total = len(self.everything)
        return Progress(
            total - len(self.missing), total, doing, min(share, 1.0), self.clock.left_s(self.missing, at_hand or {})
        )
