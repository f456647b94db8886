"""Each way to rank labels, on the same weighted words: scores of every label, or of a text's candidates alone."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray

from core.encoders.load import Encoder
from core.experiments.parted import Parted
from core.reproduce import linear
from core.reproduce.losses import svm
from core.reproduce.xmc.plan import XmcPlan
from core.steps import through
from core.xmc import recursive
from core.xmc.labels import joined, pifa
from core.xmc.nets import clustered, matcher
from core.xmc.nets.aplc import AdaptiveHead, equal_parts
from core.xmc.nets.readers import Bag, Encoded
from core.xmc.nets.training import Training
from core.xmc.ranker import Ranked, fit_steps, instances
from core.xmc.tree import Tree, flat, grown

NOTHING = -1e6  # of a label that is no candidate: below every score


class Tokens(NamedTuple):
    """What an encoder reads of each part."""

    encoder: Encoder
    train: list[NDArray[np.int64]]
    valid: list[NDArray[np.int64]]
    test: list[NDArray[np.int64]]


@dataclass(frozen=True)
class Task:
    """Labels that no training text carries are left out. Shapes: rows (N, F) of each part; y (N, K') of training."""

    data: Parted
    rows: sp.csr_matrix
    valid: sp.csr_matrix
    test: sp.csr_matrix
    seen: NDArray[np.int64]
    words: bool
    tokens: Tokens | None = None

    @property
    def y(self) -> sp.csr_matrix:
        return sp.csr_matrix(self.data.y[self.data.train][:, self.seen], dtype=np.float32)


@dataclass(frozen=True)
class Answer:
    """Scores of all labels. Shapes: valid (V, K), test (T, K)."""

    valid: NDArray[np.float32]
    test: NDArray[np.float32]


Making = Generator[float, None, Answer]


def task_of(data: Parted, *, words: bool, encoder: Encoder | None = None, tokens: int = 0) -> Task:
    parts = [data.at(each) for each in (data.train, data.valid, data.test)]
    rows, valid, test = svm.weighed(*parts, words=words)
    read = Tokens(encoder, *(encoder.rows(texts, tokens) for texts in parts)) if encoder else None
    return Task(data, rows, valid, test, np.flatnonzero(data.counts), words, read)


def one_vs_rest(task: Task, plan: XmcPlan, seed: int) -> Making:
    """The published baseline: class weight and cut by validation. Source: huang2021."""
    data = task.data
    found = yield from svm.tuned(
        data.at(data.train), data.y[data.train], data.at(data.valid), data.y[data.valid], data.at(data.test),
        words=task.words,
    )  # fmt: skip
    return Answer(found.valid.astype(np.float32), found.test.astype(np.float32))


def regression(task: Task, plan: XmcPlan, seed: int) -> Making:
    """The tuned logistic regression of this project's other comparisons."""
    data = task.data
    steps = linear.tuned(
        data.at(data.train), data.y[data.train], data.at(data.valid), data.y[data.valid],
        seed=seed, words=task.words, again=False,
    )  # fmt: skip
    chosen = yield from through(steps, lambda share: share)
    return Answer(chosen.valid_probs, chosen.model.probabilities(data.at(data.test)))


def ranker_alone(task: Task, plan: XmcPlan, seed: int) -> Making:
    """The ranker with one cluster, whose machines see all texts."""
    found = yield from fit_steps(task.rows, task.y, flat(len(task.seen)), seed=seed)
    return Answer(*(_wide(task, found.margins(rows)) for rows in (task.valid, task.test)))


def down_the_tree(task: Task, plan: XmcPlan, seed: int) -> Making:
    """Linear machines at each level, the score of the whole path."""
    steps = recursive.fit_descent(task.rows, task.y, _tree(task, plan, seed), seed=seed, beam=plan.kept)
    found = yield from through(steps, lambda share: share)
    return Answer(
        *(_of_lists(task, found.ranked(rows, len(task.seen), beam=plan.kept)) for rows in (task.valid, task.test))
    )


def matched(task: Task, plan: XmcPlan, seed: int) -> Making:
    """Tree, a network that finds the clusters, a ranker on both kinds of negatives; its margin alone counts.

    After an encoder the ranker reads what it has learned beside the weighted words, as published.
    """
    tree, sight = _tree(task, plan, seed), _sight(task, plan, seed)
    net = matcher.Matcher(sight.reader, tree.clusters, seed=seed)
    training = _training(task, plan, warm_up=plan.steps // 10)
    with torch.random.fork_rng(devices=[]):  # dropout
        torch.manual_seed(seed)
        for step, _ in enumerate(matcher.fit_steps(net, sight.train, task.y, tree, training, seed=seed)):
            yield 0.5 * step / plan.steps
    train, valid, test = sight.features(task)
    active = instances(task.y, tree, net.clusters(sight.train, plan.kept))
    steps = fit_steps(train, task.y, tree, active, seed=seed)
    found = yield from through(steps, lambda share: 0.5 + 0.5 * share)
    return Answer(
        *(
            _of_lists(task, found.ranked(rows, net.clusters(seen, plan.kept), len(task.seen)))
            for rows, seen in ((valid, sight.valid), (test, sight.test))
        )
    )


def clusters_by_frequency(task: Task, plan: XmcPlan, seed: int) -> Making:
    """Adaptive label clusters on the same reader."""
    counts, sight = task.data.counts[task.seen], _sight(task, plan, seed)
    head = AdaptiveHead(plan.width, counts, equal_parts(len(task.seen), plan.parts), seed=seed)
    net = clustered.Clustered(sight.reader, head, seed=seed)
    training = _training(task, plan, warm_up=0)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for step, _ in enumerate(clustered.fit_steps(net, sight.train, task.y, training, seed=seed)):
            yield step / plan.steps
    return Answer(*(_of_lists(task, net.ranked(seen, len(task.seen))) for seen in (sight.valid, sight.test)))


MADE: dict[str, Callable[[Task, XmcPlan, int], Making]] = {
    "svm": one_vs_rest,
    "linear": regression,
    "ranker": ranker_alone,
    "recursive": down_the_tree,
    "tree": matched,
    "aplc": clusters_by_frequency,
}


def _tree(task: Task, plan: XmcPlan, seed: int) -> Tree:
    return grown(pifa(task.rows, task.y), None if plan.depth < 0 else plan.depth, seed=seed)


class Sight(NamedTuple):
    """What a network reads with, and each part as it reads it."""

    reader: Bag | Encoded
    train: Any
    valid: Any
    test: Any

    def features(self, task: Task) -> list[sp.csr_matrix]:
        """What the ranker reads of each part. Shapes: (N, F) each."""
        words = (task.rows, task.valid, task.test)
        if isinstance(self.reader, Bag):
            return list(words)
        seen = (self.reader.embedded(each) for each in (self.train, self.valid, self.test))
        return [joined(*each) for each in zip(words, seen, strict=True)]


def _sight(task: Task, plan: XmcPlan, seed: int) -> Sight:
    if task.tokens is None:
        return Sight(Bag(task.rows.shape[1], plan.width, seed=seed), task.rows, task.valid, task.test)
    return Sight(Encoded(task.tokens.encoder), task.tokens.train, task.tokens.valid, task.tokens.test)


def _training(task: Task, plan: XmcPlan, *, warm_up: int) -> Training:
    lr = plan.lr if task.tokens is None else plan.encoder_lr
    return Training(steps=plan.steps, batch_size=plan.batch, lr=lr, head_lr=plan.lr, warm_up=warm_up)


def _of_lists(task: Task, found: Ranked) -> NDArray[np.float32]:
    """Shapes: lists of (N, K') → (N, K)."""
    out = np.full((len(found.labels), len(task.seen)), NOTHING, dtype=np.float32)
    text, place = np.nonzero(found.labels >= 0)
    out[text, found.labels[text, place]] = found.scores[text, place]
    return _wide(task, out)


def _wide(task: Task, scores: NDArray) -> NDArray[np.float32]:
    """Labels without training texts come last. Shapes: (N, K') → (N, K)."""
    out = np.full((len(scores), len(task.data.label_keys)), NOTHING, dtype=np.float32)
    out[:, task.seen] = scores
    return out
