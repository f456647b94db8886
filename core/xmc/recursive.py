"""From the root of a tree down to labels, by a ranker at each level: the recursive form, and the linear matcher.

A level's machines tell apart the children of a node, from the texts of that node. A path's score is the product of what
its steps say, kept as a logarithm, and the best few paths go on. Source: zhang2021xr, here with linear machines alone.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from core.steps import drained, through
from core.xmc.labels import as_labels
from core.xmc.ranker import Ranked, Ranker, fit_steps, instances
from core.xmc.tree import Tree

BEAM = 10  # clusters that a text is sent to
BITS = 4  # of a tree's depth a level: sixteen children a node


@dataclass(frozen=True)
class Descent:
    """Rankers from the root's children down to the labels; the last one's labels are labels."""

    levels: tuple[Ranker, ...]

    def ranked(self, rows: sp.csr_matrix, k: int, *, beam: int = BEAM, alone: bool = False) -> Ranked:
        """The k best labels of each text: by the whole path, or ``alone`` by the last margin (as in chang2020)."""
        last = self.levels[-1]
        return last.ranked(rows, self.clusters(rows, beam=beam), k, combine=None if alone else multiplied)

    def clusters(self, rows: sp.csr_matrix, *, beam: int = BEAM) -> sp.csr_matrix | None:
        """The clusters whose labels are looked at, with the score of the way to them; None of a tree without depth.

        Shapes: rows (N, F) → (N, C).
        """
        return _sent(self.levels[:-1], rows, beam)


def fit(rows: sp.csr_matrix, y: sp.csr_matrix, tree: Tree, *, seed: int = 0, beam: int = BEAM) -> Descent:
    """As ``fit_steps``, its reports unheard."""
    return drained(fit_descent(rows, y, tree, seed=seed, beam=beam))


def fit_descent(
    rows: sp.csr_matrix, y: sp.csr_matrix, tree: Tree, *, seed: int = 0, beam: int = BEAM
) -> Generator[float, None, Descent]:
    """A level after the other, each from the texts of its nodes and those that the level above sends there.

    Yields the share that is done. Shapes: rows (N, F), y (N, K). Raises as ``ranker.fit_steps``.
    """
    depths = [*range(min(BITS, tree.depth), tree.depth, BITS), tree.depth] if tree.depth else []
    levels: list[Ranker] = []
    above = tree.cut(0)
    for number, depth in enumerate([*depths, None]):
        if depth is None:
            truth, nodes = as_labels(y, rows.shape[0]), Tree(tree.cluster, tree.depth)
        else:
            truth = as_labels(y @ tree.cut(depth).indicator, rows.shape[0])
            nodes = Tree(np.arange(2**depth) >> (depth - above.depth), above.depth)
            above = tree.cut(depth)
        active = instances(truth, nodes, _sent(levels, rows, beam)) if levels else None
        steps = fit_steps(rows, truth, nodes, active, seed=seed)
        levels.append((yield from through(steps, partial(_overall, number, len(depths) + 1))))
    return Descent(tuple(levels))


def multiplied(scores: NDArray, margins: NDArray) -> NDArray[np.float64]:
    """The logarithm of the path's score times exp(-max(0, 1 - margin)³). Shapes: (n, 1), (n, m) → (n, m)."""
    return np.asarray(scores - np.maximum(0, 1 - margins.astype(np.float64)) ** 3)


def sparse(found: Ranked, width: int) -> sp.csr_matrix:
    """A ranked list as a row; a score of 0 stays stored, as a candidate. Shapes: (N, k) → (N, width)."""
    known = found.labels >= 0
    starts = np.concatenate([[0], np.cumsum(known.sum(axis=1))])
    return sp.csr_matrix((found.scores[known], found.labels[known], starts), shape=(len(known), width))


def _sent(levels: Sequence[Ranker], rows: sp.csr_matrix, beam: int) -> sp.csr_matrix | None:
    found = None
    for level in levels:
        found = sparse(level.ranked(rows, found, beam, combine=multiplied), len(level.tree.cluster))
    return found


def _overall(number: int, parts: int, share: float) -> float:
    return (number + share) / parts
