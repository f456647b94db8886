"""Labels in clusters of equal size: halved again and again by spherical 2-means, cut at the median.

The number of a cluster is the way to it: at each node 0 for the left half, 1 for the right, so that the clusters of a
shallower tree are those of a deeper one with the last bits left out. Source: chang2020, stage 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from core.errors import TooManyClusters
from core.seeds import numbers

MAX_ITERATIONS = 20
LABELS_A_CLUSTER = 100  # at most, by the depth rule


@dataclass(frozen=True)
class Tree:
    """Shapes: cluster (K,), each label's number in 0 … 2^depth - 1. Of depth 0 there is one cluster for all."""

    cluster: NDArray[np.int64]
    depth: int

    @property
    def clusters(self) -> int:
        return 2**self.depth

    @property
    def indicator(self) -> sp.csr_matrix:
        """Which label is in which cluster. Shapes: → (K, C)."""
        at = (np.arange(len(self.cluster)), self.cluster)
        shape = (len(self.cluster), self.clusters)
        return sp.csr_matrix((np.ones(len(self.cluster), dtype=np.float32), at), shape=shape)

    def members(self) -> list[NDArray[np.int64]]:
        """The labels of each cluster, in their own order."""
        order = np.argsort(self.cluster, kind="stable")
        ends = np.cumsum(np.bincount(self.cluster, minlength=self.clusters))
        return [np.asarray(part, dtype=np.int64) for part in np.split(order, ends[:-1])]

    def cut(self, depth: int) -> Tree:
        """The same tree, no deeper than that."""
        kept = min(depth, self.depth)
        return Tree(self.cluster >> (self.depth - kept), kept)


def depth_of(labels: int) -> int:
    """⌊log2(⌊L / 100⌋ + 1)⌋ + 1, as published: 6 for Eurlex-4K, 13 for Wiki-500K. Below 100 labels it is 1."""
    return (labels // LABELS_A_CLUSTER + 1).bit_length()


def flat(labels: int) -> Tree:
    """One cluster: each label's machine learns from all texts, which is one-vs-rest."""
    return Tree(np.zeros(labels, dtype=np.int64), 0)


def grown(features: sp.csr_matrix | NDArray, depth: int | None = None, *, seed: int) -> Tree:
    """2^depth clusters, whose sizes differ by one at most; the same for the same seed. Shapes: features (K, D).

    Without a depth it is ``depth_of`` the labels. Raises TooManyClusters: more of them than labels.
    """
    labels = features.shape[0]
    deep = depth_of(labels) if depth is None else depth
    if deep < 0 or 2**deep > labels:
        raise TooManyClusters(labels=labels, clusters=2**deep if deep >= 0 else deep)
    parts = [np.arange(labels, dtype=np.int64)]
    for level in range(deep):
        halves: list[NDArray[np.int64]] = []
        for node, part in enumerate(parts):
            right = _right_half(features[part], numbers(seed, "tree", level, node))
            halves += [part[~right], part[right]]
        parts = halves
    cluster = np.zeros(labels, dtype=np.int64)
    for number, part in enumerate(parts):
        cluster[part] = number
    return Tree(cluster, deep)


def _right_half(rows: sp.csr_matrix | NDArray, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Which rows lie nearer the second centre, one half of them. Shapes: rows (n, D), n ≥ 2 → (n,)."""
    n = rows.shape[0]
    left, right = (_dense(rows[[int(at)]]) for at in rng.choice(n, size=2, replace=False))
    last = np.zeros(n, dtype=bool)
    for _ in range(MAX_ITERATIONS):
        scores = np.asarray(rows @ (right - left)).ravel()
        chosen = np.zeros(n, dtype=bool)
        chosen[np.argsort(scores, kind="stable")[(n + 1) // 2 :]] = True  # the median: the odd one stays left
        if (chosen == last).all():
            break
        last = chosen
        left, right = _centre(rows[~chosen]), _centre(rows[chosen])
    return last


def _centre(rows: Any) -> NDArray[np.float64]:
    total = _dense(rows)
    length = float(np.sqrt(total @ total))
    return total / length if length else total


def _dense(rows: Any) -> NDArray[np.float64]:
    """The rows' sum. Shapes: (n, D) → (D,)."""
    return np.asarray(rows.sum(axis=0), dtype=np.float64).ravel()
