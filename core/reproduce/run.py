"""An experiment from its first missing cell to its last; what is finished already is not done again."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray

from core.distill.lessons import threads_of
from core.evaluate.crossval import Fold, fold, fold_numbers
from core.experiments.corpus import Corpus
from core.experiments.terminal import Progress
from core.reproduce import cells
from core.reproduce.cells import Making, Material
from core.reproduce.plan import LINEAR, STANDALONE, Key, Plan, is_teacher
from core.reproduce.store import Store
from core.reproduce.work import Steps, Work


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


def _doing(keys: list[Key]) -> str:
    models = " + ".join(key.model for key in keys[:3]) + (f" + {len(keys) - 3} more" if len(keys) > 3 else "")
    arch = "" if keys[0].arch == "-" else keys[0].arch.removesuffix(".v1") + " "
    return f"{arch}{models}, seed {keys[0].seed} fold {keys[0].fold + 1}"


class _Run:
    def __init__(self, plan: Plan, corpus: Corpus, store: Store) -> None:
        self.plan, self.corpus, self.store = plan, corpus, store
        self.tokens: cells.Tokens | None = None

    def steps(self) -> Generator[Progress, None, None]:
        everything = list(self.plan.cells())
        self.work = Work(everything, self.store, threads_of(self.plan.config(everything[0])))
        yield self.work.progress("")
        for seed in self.plan.seeds:
            numbers = folds_of(self.plan, self.corpus, seed)
            for number in range(self.plan.folds):
                if any((key.seed, key.fold) == (seed, number) for key in self.work.missing):
                    yield from self._fold(seed, number, numbers)
        yield self.work.progress("")

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
                if is_teacher(key.model) and key in self.work.missing:
                    yield from self._make({key: partial(cells.teacher_cell, material, self.plan.config(key), trained)})
            students = [key for key in group if not is_teacher(key.model) and key in self.work.missing]
            yield from self._make({key: self._student(material, key) for key in students})

    def _make(self, makers: Mapping[Key, Callable[[], Making]]) -> Steps:
        return self.work.make(makers, _doing)

    def _material(self, seed: int, number: int, parts: Fold) -> Steps:
        config = self.plan.config(Key(seed, number, "-", LINEAR))
        if self.tokens is None:
            self.tokens = yield from self.work.through("segmenting", cells.cut(self.corpus, config))
        steps = cells.material(self.corpus, self.tokens, parts, config, self.store.vectors)
        return (yield from self.work.through(f"word vectors, seed {seed} fold {number + 1}", steps))

    def _student(self, material: Material, key: Key) -> Callable[[], Making]:
        def make() -> Making:
            config, taught = self.plan.config(key), self.plan.teachers_of(key)
            if key.model == STANDALONE or taught is None:
                return cells.student_cell(material, config, None)
            found = self.store.read(taught)
            assert found is not None, taught  # the plan makes teachers first
            return cells.student_cell(material, config, found.soft)

        return make
