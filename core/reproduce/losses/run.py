"""The comparison of losses from its first missing cell to its last."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from functools import partial

import numpy as np
import torch
from scipy.special import expit

from core.config import RoundConfig
from core.distill.lessons import threads_of
from core.evaluate.crossval import Fold
from core.experiments.corpus import Corpus
from core.experiments.parted import Parted
from core.experiments.terminal import Progress
from core.reproduce import cells, linear
from core.reproduce.cells import Material
from core.reproduce.losses import bag, svm
from core.reproduce.losses.judge import AsPublished
from core.reproduce.losses.plan import BAG, BASELINES, SVM, LossPlan
from core.reproduce.plan import LINEAR, Key
from core.reproduce.store import Store
from core.reproduce.work import Making, Steps, Work
from core.steps import through


def run(plan: LossPlan, data: Parted, store: Store) -> Generator[Progress, None, None]:
    """Make every missing cell. The caller holds the store.

    Closing the generator stops after the step at hand; finished cells stay. Raises TrainingDiverged.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # what runs in parallel does so in lanes
    try:
        yield from _steps(plan, data, store)
    finally:
        torch.set_num_threads(threads)


def _steps(plan: LossPlan, data: Parted, store: Store) -> Steps:
    work = Work(plan.cells(), store, threads_of(plan.shared))
    yield work.progress("")
    if work.missing:
        material: Material = yield from _material(plan, data, work)
        made: dict[str, Callable[[Material, RoundConfig], Making]] = {SVM: _svm_cell, LINEAR: _linear_cell}
        for seed in plan.seeds:
            networks = {
                key: partial(_bag_cell if key.arch == BAG else _network_cell, material, plan.config(key))
                for key in plan.networks(seed)
            }
            yield from work.make(networks, _doing)
        baselines = {key: partial(made[key.model], material, plan.config(key)) for key in BASELINES}
        yield from work.make(baselines, _doing)
    yield work.progress("")


def _doing(keys: list[Key]) -> str:
    names = [key.model.removesuffix(".v1") for key in keys]
    told = ", ".join(names[:3]) + (f" + {len(names) - 3} more" if len(names) > 3 else "")
    return told if keys[0] in BASELINES else f"{told}, seed {keys[0].seed}"


def _material(plan: LossPlan, data: Parted, work: Work) -> Steps:
    corpus = Corpus(name=data.name, texts=data.texts, y=data.y, label_keys=data.label_keys)
    parts = Fold(train=data.train, valid=data.valid, test=data.test)
    tokens = yield from work.through("segmenting", cells.cut(corpus, plan.shared))
    steps = cells.material(corpus, tokens, parts, plan.shared, work.store.vectors)
    return (yield from work.through("word vectors", steps))


def _network_cell(material: Material, config: RoundConfig) -> Making:
    """A network that learns the labels by its loss, as long as the published rule lets it."""
    return cells.student_cell(material, config, None, AsPublished(np.asarray(material.lessons.valid_y)))


def _bag_cell(material: Material, config: RoundConfig) -> Making:
    """One layer over the words themselves."""
    started, lessons = time.perf_counter(), material.lessons
    found = yield from bag.trained(
        lessons.train_texts, material.train_y, lessons.valid_texts, np.asarray(lessons.valid_y), material.test_texts,
        loss=config.loss, seed=config.seed, words=config.segmenter == "words",
    )  # fmt: skip
    return cells.cell_of(material, expit(found.test), expit(found.valid), config, started, epoch=found.epoch)


def _svm_cell(material: Material, config: RoundConfig) -> Making:
    """Its margins through the logistic function, so that they are cut as probabilities are; this changes no order."""
    started, lessons = time.perf_counter(), material.lessons
    chosen = yield from svm.tuned(
        lessons.train_texts, material.train_y, lessons.valid_texts, np.asarray(lessons.valid_y), material.test_texts,
        words=config.segmenter == "words",
    )  # fmt: skip
    said = {**chosen.said, "cut": float(expit(chosen.cut))}
    return cells.cell_of(material, expit(chosen.test), expit(chosen.valid), config, started, chosen=said)


def _linear_cell(material: Material, config: RoundConfig) -> Making:
    """The tuned logistic regression; like all others here it learns nothing of validation texts but its settings."""
    started, lessons = time.perf_counter(), material.lessons
    steps = linear.tuned(
        lessons.train_texts, material.train_y, lessons.valid_texts, np.asarray(lessons.valid_y),
        seed=config.seed, words=config.segmenter == "words", again=False,
    )  # fmt: skip
    chosen = yield from through(steps, lambda share: share)
    test = chosen.model.probabilities(material.test_texts)
    return cells.cell_of(material, test, chosen.valid_probs, config, started, chosen=chosen.said)
