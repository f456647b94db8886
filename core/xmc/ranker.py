"""One linear support vector machine a label, which learns from the texts of its label's cluster alone and ranks them.

L2-regularised, squared hinge, dual, a bias of 1 that is a weight like the others; small weights are left out after
learning. Weights are kept a cluster at a time, over the columns that its texts have. With one cluster it is
one-vs-rest. Source: chang2020, stage 3; fan2008 (liblinear).
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.svm import LinearSVC

from core.evaluate.ranking import top
from core.steps import drained, through
from core.xmc.labels import all_seen, as_labels
from core.xmc.tree import Tree

COST, MAX_ITER = 1.0, 10_000
PRUNED = 0.01  # weights nearer 0 are left out
_CHUNK = 2_000  # texts ranked at a time: bounds the memory, changes no result

Combine = Callable[[NDArray, NDArray], NDArray]  # a cluster's scores (n, 1), its labels' margins (n, m) → (n, m)


class Ranked(NamedTuple):
    """Each text's labels, the best first, -1 and -inf behind the last. Shapes: (N, k) both."""

    labels: NDArray[np.int64]
    scores: NDArray[np.float64]


class Block(NamedTuple):
    """One cluster's machines. Shapes: labels (m,), columns (u,) in rising order, weights (u, m), offsets (m,)."""

    labels: NDArray[np.int64]
    columns: NDArray[np.int32]
    weights: sp.csr_matrix
    offsets: NDArray[np.float32]

    def margins(self, rows: sp.csr_matrix) -> NDArray[np.float32]:
        """Shapes: rows (n, F) → (n, m)."""
        if not len(self.columns):
            return np.tile(self.offsets, (rows.shape[0], 1))
        at = np.searchsorted(self.columns, rows.indices)
        at[at == len(self.columns)] = 0
        known = self.columns[at] == rows.indices
        if rows.shape[0] == 1:
            return self._of_one(at[known], rows.data[known])[None]
        starts = np.concatenate([[0], np.cumsum(known)])[rows.indptr]
        shape = (rows.shape[0], len(self.columns))
        own = sp.csr_matrix((rows.data[known], at[known], starts), shape=shape)
        return np.asarray((own @ self.weights).toarray(), dtype=np.float32) + self.offsets

    def _of_one(self, at: NDArray[np.int64], values: NDArray[np.float32]) -> NDArray[np.float32]:
        """A single text, for which a sparse product would cost ten times what it reckons. Shapes: (z,) both → (m,)."""
        starts = self.weights.indptr[at]
        many = self.weights.indptr[at + 1] - starts
        each = np.arange(many.sum()) + np.repeat(starts - np.cumsum(many) + many, many)
        products = np.repeat(values, many) * self.weights.data[each]
        found = np.bincount(self.weights.indices[each], products, minlength=len(self.labels))
        return found.astype(np.float32) + self.offsets


@dataclass(frozen=True)
class Ranker:
    """Machines for the labels of a tree, cluster by cluster."""

    tree: Tree
    blocks: tuple[Block, ...]

    @property
    def numbers(self) -> int:
        """How many weights are kept."""
        return sum(block.weights.nnz for block in self.blocks)

    def margins(self, rows: sp.csr_matrix) -> NDArray[np.float32]:
        """Every label's margin, whatever a matcher says. Shapes: rows (N, F) → (N, K)."""
        out = np.zeros((rows.shape[0], len(self.tree.cluster)), dtype=np.float32)
        for block in self.blocks:
            out[:, block.labels] = block.margins(rows)
        return out

    def ranked(
        self, rows: sp.csr_matrix, candidates: sp.csr_matrix | None, k: int, *, combine: Combine | None = None
    ) -> Ranked:
        """The k best labels of each text's candidate clusters, by the margin alone or by ``combine``.

        Candidates are a text's clusters, stored with their scores; without them all are. Of equal scores the first
        label leads. Shapes: rows (N, F), candidates (N, C).
        """
        found = [self._ranked(rows[at], _slice(candidates, at), k, combine) for at in _chunks(rows.shape[0])]
        if not found:
            return Ranked(np.zeros((0, k), dtype=np.int64), np.zeros((0, k)))
        return Ranked(*(np.concatenate(part) for part in zip(*found, strict=True)))

    def _ranked(self, rows: sp.csr_matrix, candidates: sp.csr_matrix | None, k: int, combine: Combine | None) -> Ranked:
        texts, labels, scores = [], [], []
        asked = None if candidates is None else candidates.tocsc()
        used = range(self.tree.clusters) if asked is None else np.flatnonzero(np.diff(asked.indptr))
        for c in used:
            block = self.blocks[c]
            if asked is None:
                at, given = np.arange(rows.shape[0]), np.zeros((rows.shape[0], 1))
            else:
                part = slice(asked.indptr[c], asked.indptr[c + 1])
                at, given = asked.indices[part], asked.data[part, None]
            margins = block.margins(rows if len(at) == rows.shape[0] else rows[at])
            value = combine(given, margins) if combine else margins
            best = top(value, k)  # (n, min(k, m))
            texts.append(np.repeat(at, best.shape[1]))
            labels.append(block.labels[best].ravel())
            scores.append(np.take_along_axis(value, best, axis=1).ravel())
        return _leading(rows.shape[0], k, texts, labels, scores)


def instances(y: sp.csr_matrix, tree: Tree, matched: sp.csr_matrix | None = None) -> sp.csr_matrix:
    """The texts that a cluster's machines learn from: those with a label of it, and those that a matcher sends there.

    The first are "teacher-forced negatives" beside the positives, the second "matcher-aware" ones.
    Shapes: y (N, K), matched (N, C) → (N, C).
    """
    active = as_labels(y, y.shape[0]) @ tree.indicator
    if matched is not None:
        ones = np.ones(len(matched.data), dtype=np.float32)  # a score of 0 is a candidate too
        active = active + sp.csr_matrix((ones, matched.indices, matched.indptr), shape=matched.shape)
    return as_labels(active, y.shape[0])


def fit(
    rows: sp.csr_matrix, y: sp.csr_matrix, tree: Tree, active: sp.csr_matrix | None = None, *, seed: int = 0,
    cost: float = COST, pruned: float = PRUNED,
) -> Ranker:  # fmt: skip
    """As ``fit_steps``, its reports unheard."""
    return drained(fit_steps(rows, y, tree, active, seed=seed, cost=cost, pruned=pruned))


def fit_steps(
    rows: sp.csr_matrix, y: sp.csr_matrix, tree: Tree, active: sp.csr_matrix | None = None, *, seed: int = 0,
    cost: float = COST, pruned: float = PRUNED,
) -> Generator[float, None, Ranker]:  # fmt: skip
    """Learn each label from its cluster's ``active`` texts, or from all; yields the share that is done.

    A label that all of them carry has the margin 1 everywhere.
    Shapes: rows (N, F), y (N, K), active (N, C). Raises LabelWithoutPositives. ValueError: shapes that do not fit.
    """
    truth = as_labels(y, rows.shape[0]).tocsc()
    all_seen(truth)
    if truth.shape[1] != len(tree.cluster) or (active is not None and active.shape != (rows.shape[0], tree.clusters)):
        raise ValueError(f"labels of shape {truth.shape}, a tree of {len(tree.cluster)} labels and {tree.clusters}")
    columns = None if active is None else active.tocsc()
    blocks, wide = [], sp.csr_matrix(rows, dtype=np.float64)
    done = 0
    for c, labels in enumerate(tree.members()):
        at = np.arange(rows.shape[0]) if columns is None else columns.indices[columns.indptr[c] : columns.indptr[c + 1]]
        at = np.sort(at)
        steps = _block(wide[at], truth[:, labels][at].tocsc(), labels, seed, cost, pruned)
        blocks.append((yield from through(steps, partial(_share, done, len(tree.cluster)))))
        done += len(labels)
    return Ranker(tree, tuple(blocks))


def _share(before: int, labels: int, own: int) -> float:
    return (before + own) / labels


def _block(
    rows: sp.csr_matrix, y: sp.csc_matrix, labels: NDArray[np.int64], seed: int, cost: float, pruned: float
) -> Generator[int, None, Block]:
    used, own = np.unique(rows.indices, return_inverse=True)
    rows = sp.csr_matrix((rows.data, own.astype(np.int32), rows.indptr), shape=(rows.shape[0], len(used)))
    offsets = np.full(len(labels), -1, dtype=np.float32)
    kept = []
    for m in range(len(labels)):
        truth = np.zeros(rows.shape[0], dtype=np.int8)
        truth[y.indices[y.indptr[m] : y.indptr[m + 1]]] = 1
        weights = np.zeros(len(used))
        if truth.all() or not truth.any():
            offsets[m] = 1 if len(truth) and truth.all() else -1
        else:
            machine = LinearSVC(C=cost, dual=True, max_iter=MAX_ITER, random_state=seed % 2**32).fit(rows, truth)
            weights, offsets[m] = machine.coef_[0], machine.intercept_[0]
        kept.append(sp.csc_matrix(np.where(np.abs(weights) < pruned, 0, weights)[:, None], dtype=np.float32))
        yield m + 1
    together = sp.hstack(kept, format="csr") if len(used) else sp.csr_matrix((0, len(labels)), dtype=np.float32)
    named = np.flatnonzero(np.diff(together.indptr))
    return Block(labels, used[named].astype(np.int32), together[named], offsets)


def _leading(n: int, k: int, texts: list[NDArray], labels: list[NDArray], scores: list[NDArray]) -> Ranked:
    """The k best of each text among all that was found for it."""
    out = Ranked(np.full((n, k), -1, dtype=np.int64), np.full((n, k), -np.inf))
    if not texts:
        return out
    text, label, score = (np.concatenate(each) for each in (texts, labels, scores))
    order = np.lexsort((label, -score, text))
    text, label, score = text[order], label[order], score[order]
    place = np.arange(len(text)) - np.searchsorted(text, text)
    first = place < k
    out.labels[text[first], place[first]] = label[first]
    out.scores[text[first], place[first]] = score[first]
    return out


def _chunks(n: int) -> list[slice]:
    return [slice(start, start + _CHUNK) for start in range(0, n, _CHUNK)]


def _slice(candidates: sp.csr_matrix | None, at: slice) -> sp.csr_matrix | None:
    return None if candidates is None else candidates[at]
