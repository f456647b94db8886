"""A whole round of a tree on arrays: texts and labels in, a published student and its figures out.

For label sets of hundreds or thousands, where one teacher a label would take days. What is learned is the recursive
form alone: a tree of labels, linear machines at each level of it, no torch. There is nothing to distil, since there are
no teachers; validation gives the curve that makes margins probabilities, and thresholds.

A generator, so that the caller can show progress, keep its lease alive, and stop it by closing it.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from core.config import RoundConfig
from core.errors import LabelWithoutPositives, NoGold, TooFewLabels
from core.evaluate import wide
from core.evaluate.metrics import MetricRow
from core.evaluate.ranking import propensities
from core.models.linear import CharacterTfidf
from core.on_disk import published
from core.predictions import KEPT, Likeliest
from core.splits import hold_out_sparse
from core.steps import through
from core.text.normalize import normalize
from core.xmc.calibrating import curve_of, cuts_of
from core.xmc.labels import pifa
from core.xmc.memory import refuse_too_little
from core.xmc.recursive import Descent, fit_descent
from core.xmc.student import TreeStudent, candidates_of, of_rows, save_tree
from core.xmc.tree import Tree, depth_of, grown

MIN_LABELLED = 8
STAGES = ("text", "tree", "machines", "evaluate", "score", "save")
_DONE = 1_000  # parts of a stage that tells a share
_BINS = 15


@dataclass(frozen=True, kw_only=True)
class TreeData:
    """What a round is made from. Gold texts are measured on and nothing else. Shapes: train_y (N, K), gold_y (G, K)."""

    label_keys: Sequence[str]
    train_texts: Sequence[str]
    train_y: sp.csr_matrix
    gold_texts: Sequence[str]
    gold_y: sp.csr_matrix
    pool_texts: Sequence[str]


class Report(NamedTuple):
    """Where a round stands: one of STAGES."""

    stage: str
    done: int
    total: int


@dataclass(frozen=True, kw_only=True)
class TreeResult:
    """What a round found. ``unseen``: positions of labels that no training text carries."""

    metrics: list[MetricRow]
    at_k: list[wide.AtK]
    thresholds: NDArray[np.float64]
    gold: Likeliest
    pool: Likeliest
    unseen: NDArray[np.int64]
    n_train: int
    n_valid: int
    timings: dict[str, float]
    quality: dict[str, float]


Steps = Generator[Report, None, Any]


def run_tree_round(data: TreeData, config: RoundConfig, out_dir: Path) -> Generator[Report, None, TreeResult]:
    """Learn the tree and its machines, measure on gold, answer for the pool, publish ``out_dir``.

    Closing the generator stops at once and leaves no directory. Raises TooFewLabels, NoGold, LabelWithoutPositives,
    TreeNeedsMemory.
    """
    if len(data.train_texts) < MIN_LABELLED:
        raise TooFewLabels(have=len(data.train_texts), need=MIN_LABELLED)
    if not len(data.gold_texts):
        raise NoGold()
    if not data.train_y.nnz:
        raise LabelWithoutPositives(labels=", ".join(data.label_keys[:10]))
    return (yield from _Round(data, config, Path(out_dir)).run())


@dataclass
class _Round:
    """The stages in order; what one finds is kept for the next."""

    data: TreeData
    config: RoundConfig
    out_dir: Path
    timings: dict[str, float] = field(default_factory=dict)

    def run(self) -> Generator[Report, None, TreeResult]:
        rows = yield from self._timed("text", self._text())
        tree = yield from self._timed("tree", self._tree(rows))
        descent = yield from self._timed("machines", self._machines(rows, tree))
        student, metrics = yield from self._timed("evaluate", self._validate(descent))
        student, gold, more, at_k = yield from self._timed("evaluate", self._measure(student))
        pool = yield from self._timed("score", self._score(student))
        yield from self._timed("save", self._save(student))
        return TreeResult(
            metrics=[*metrics, *more], at_k=at_k, thresholds=student.thresholds, gold=gold, pool=pool,
            unseen=np.setdiff1d(np.arange(len(self.data.label_keys)), self.seen), n_train=len(self.train),
            n_valid=len(self.valid), timings=self.timings, quality=dict(student.meta["quality"]),
        )  # fmt: skip

    def _timed(self, stage: str, steps: Steps) -> Steps:
        started = time.perf_counter()
        found = yield from steps
        self.timings[stage] = round(self.timings.get(stage, 0.0) + time.perf_counter() - started, 3)
        return found

    def _text(self) -> Steps:
        """Grams and their weights come from training and pool texts, labelled or not, never from gold ones."""
        data, gold = self.data, {normalize(text) for text in self.data.gold_texts}
        self.train, self.valid = hold_out_sparse(
            data.train_texts, data.train_y, share=self.config.valid_share, seed=self.config.seed
        )
        yield Report("text", 0, 2)
        texts = dict.fromkeys(text for part in (data.train_texts, data.pool_texts) for text in part)
        self.vectoriser = CharacterTfidf().fit([text for text in sorted(texts) if normalize(text) not in gold])
        yield Report("text", 1, 2)
        rows = self.vectoriser.transform([data.train_texts[n] for n in self.train])
        counts = np.asarray(data.train_y[self.train].sum(axis=0)).ravel()
        self.seen = np.flatnonzero(counts).astype(np.int64)
        self.y = sp.csr_matrix(data.train_y[self.train][:, self.seen], dtype=np.float32)
        refuse_too_little(rows, self.y, asked=len(data.pool_texts) + len(data.gold_texts))
        return rows

    def _tree(self, rows: sp.csr_matrix) -> Steps:
        yield Report("tree", 0, 1)
        labels = len(self.seen)
        depth = depth_of(labels) if labels > 1 else 0
        return grown(pifa(rows, self.y), depth, seed=self.config.seed)

    def _machines(self, rows: sp.csr_matrix, tree: Tree) -> Steps:
        steps = fit_descent(rows, self.y, tree, seed=self.config.seed)
        return (yield from through(steps, lambda share: Report("machines", round(share * _DONE), _DONE)))

    def _validate(self, descent: Descent) -> Steps:
        """The curve and the thresholds, and how well they do on the texts that gave them."""
        data = self.data
        yield Report("evaluate", 0, 4)
        rows = self.vectoriser.transform([data.train_texts[n] for n in self.valid])
        y = sp.csr_matrix(data.train_y[self.valid])
        found, own = candidates_of(descent, rows), y[:, self.seen]
        right = np.asarray(own[found.texts, found.labels]).ravel() > 0 if len(found.texts) else np.zeros(0, dtype=bool)
        curve = curve_of(found.margins, found.paths, right)
        student = TreeStudent(
            vectoriser=self.vectoriser, descent=descent, curve=curve, seen=self.seen,
            label_keys=tuple(data.label_keys), thresholds=np.full(len(data.label_keys), 0.5), meta={},
        )  # fmt: skip
        yield Report("evaluate", 1, 4)
        probs = of_rows(student, rows, KEPT).matrix()
        prevalence = np.asarray(data.train_y[self.train].sum(axis=0)).ravel() / max(len(self.train), 1)
        cuts = cuts_of(self.config.thresholds, probs, y, prevalence)
        metrics = wide.rows(
            probs, y, cuts, keys=data.label_keys, model="student", split="valid", seed=self.config.seed, labels=False
        )
        return replace(student, thresholds=cuts), metrics

    def _measure(self, student: TreeStudent) -> Steps:
        data, seed = self.data, self.config.seed
        gold = yield from through(student.answers(data.gold_texts), partial(_evaluated, 2))
        probs = gold.matrix()
        yield Report("evaluate", 3, 4)
        metrics = wide.rows(
            probs, data.gold_y, student.thresholds, keys=data.label_keys, model="student", split="gold", seed=seed
        )
        counts = np.asarray(data.train_y.sum(axis=0)).ravel()
        weights = propensities(counts, len(data.train_texts))
        at_k = wide.at_k(gold.labels, data.gold_y, weights, model="student", split="gold", seed=seed)
        about = {"config": asdict(self.config), "quality": quality_of(probs, data.gold_y)}
        return replace(student, meta=about), gold, metrics, at_k

    def _score(self, student: TreeStudent) -> Steps:
        texts = self.data.pool_texts
        return (yield from through(student.answers(texts), lambda done: Report("score", done, len(texts))))

    def _save(self, student: TreeStudent) -> Steps:
        yield Report("save", 0, 1)
        with published(self.out_dir) as beside:
            save_tree(beside, student)


def quality_of(probs: sp.csr_matrix, y: sp.csr_matrix) -> dict[str, float]:
    """How true probabilities are: ``ece`` over what is listed, ``brier`` over texts and labels, and ``reached``.

    The last is the share of the texts' labels that are listed at all: what is not can never be found.
    Shapes: (N, K) both. Source: guo2017 (fifteen bins of equal width).
    """
    truth = sp.csr_matrix(y, dtype=np.float64)
    listed = probs.copy()
    listed.data = np.ones_like(listed.data)
    known = truth.multiply(listed).tocsr()
    right = np.asarray(truth[np.repeat(np.arange(probs.shape[0]), np.diff(probs.indptr)), probs.indices]).ravel()
    number = np.minimum((probs.data * _BINS).astype(np.int64), _BINS - 1)
    apart = np.abs(np.bincount(number, probs.data, _BINS) - np.bincount(number, right, _BINS))
    error = float((probs - truth).power(2).sum())
    return {
        "ece": float(apart.sum() / max(len(right), 1)),
        "brier": error / max(truth.shape[0] * truth.shape[1], 1),
        "reached": float(known.nnz / max(truth.nnz, 1)),
    }


def _evaluated(done: int, _: int) -> Report:
    return Report("evaluate", done, 4)
