"""Each way to rank labels, on the same weighted words: scores of every label, or of a text's candidates alone."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray

from core.experiments.parted import Parted
from core.reproduce import linear
from core.reproduce.losses import svm
from core.reproduce.xmc.plan import XmcPlan
from core.steps import through
from core.xmc import recursive
from core.xmc.labels import pifa
from core.xmc.nets import clustered, matcher
from core.xmc.nets.aplc import AdaptiveHead, equal_parts
from core.xmc.nets.readers import Bag
from core.xmc.nets.training import Training
from core.xmc.ranker import Ranked, fit_steps, instances
from core.xmc.tree import Tree, flat, grown

NOTHING = -1e6  # of a label that is no candidate: below every score


@dataclass(frozen=True)
class Task:
    """Labels that no training text carries are left out. Shapes: rows (N, F) of each part; y (N, K') of training."""

    data: Parted
    rows: sp.csr_matrix
    valid: sp.csr_matrix
    test: sp.csr_matrix
    seen: NDArray[np.int64]
    words: bool

    @property
    def y(self) -> sp.csr_matrix:
        return sp.csr_matrix(self.data.y[self.data.train][:, self.seen], dtype=np.float32)


@dataclass(frozen=True)
class Answer:
    """Scores of all labels. Shapes: valid (V, K), test (T, K)."""

    valid: NDArray[np.float32]
    test: NDArray[np.float32]


Making = Generator[float, None, Answer]


def task_of(data: Parted, *, words: bool) -> Task:
    rows, valid, test = svm.weighed(data.at(data.train), data.at(data.valid), data.at(data.test), words=words)
    return Task(data, rows, valid, test, np.flatnonzero(data.counts), words)


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
    """Tree, a network that finds the clusters, a ranker on both kinds of negatives; its margin alone counts."""
    tree = _tree(task, plan, seed)
    net = matcher.Matcher(_reader(task, plan, seed), tree.clusters, seed=seed)
    training = Training(steps=plan.steps, batch_size=plan.batch, lr=plan.lr, head_lr=plan.lr, warm_up=plan.steps // 10)
    with torch.random.fork_rng(devices=[]):  # dropout
        torch.manual_seed(seed)
        for step, _ in enumerate(matcher.fit_steps(net, task.rows, task.y, tree, training, seed=seed)):
            yield 0.5 * step / plan.steps
    active = instances(task.y, tree, net.clusters(task.rows, plan.kept))
    steps = fit_steps(task.rows, task.y, tree, active, seed=seed)
    found = yield from through(steps, lambda share: 0.5 + 0.5 * share)
    return Answer(
        *(
            _of_lists(task, found.ranked(rows, net.clusters(rows, plan.kept), len(task.seen)))
            for rows in (task.valid, task.test)
        )
    )


def clusters_by_frequency(task: Task, plan: XmcPlan, seed: int) -> Making:
    """Adaptive label clusters on the same reader."""
    counts = task.data.counts[task.seen]
    head = AdaptiveHead(plan.width, counts, equal_parts(len(task.seen), plan.parts), seed=seed)
    net = clustered.Clustered(_reader(task, plan, seed), head, seed=seed)
    training = Training(steps=plan.steps, batch_size=plan.batch, lr=plan.lr, head_lr=plan.lr, warm_up=0)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for step, _ in enumerate(clustered.fit_steps(net, task.rows, task.y, training, seed=seed)):
            yield step / plan.steps
    return Answer(*(_of_lists(task, net.ranked(rows, len(task.seen))) for rows in (task.valid, task.test)))


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


def _reader(task: Task, plan: XmcPlan, seed: int) -> Bag:
    return Bag(task.rows.shape[1], plan.width, seed=seed)


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
