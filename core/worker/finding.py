"""The finder of a pool: passages of the texts that stand high, vectorised once, and what they say of the pool."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.special import expit

from core.active.finder import Finder, Passages, learned, windows
from core.models.linear import FastLane

LOOKED_INTO = 4_000  # waiting texts whose passages are read; of a larger pool those that stand highest as a whole
KEPT = 20_000  # texts whose passages stay in memory, some 5 kB each for 200 characters


class Looked(NamedTuple):
    """Shapes: likely (P, K), probabilities of a balanced model; yields (K,)."""

    likely: NDArray[np.float64]
    yields: NDArray[np.float64]


class Finding:
    """One pool's finder. Positions are those of the lane's texts."""

    def __init__(self, lane: FastLane, texts: Sequence[str]) -> None:
        self._lane, self._texts = lane, texts
        self._rows: sp.csr_matrix = lane.vectorise([])
        self._first = np.zeros(len(texts), dtype=np.int64)  # rows of a text's passages, and how many; 0: not read
        self._count = np.zeros(len(texts), dtype=np.int64)

    def look(
        self, taught: Sequence[int] | NDArray, y: NDArray, asked: Sequence[int] | NDArray, probs: NDArray, *, seed: int
    ) -> Looked:
        """Learn from the labelled texts and score the waiting ones; ``probs`` answer for labels without a model.

        Shapes: taught (L,), y (L, K), asked (P,), probs (P, K).
        """
        taught, asked = np.asarray(taught, dtype=np.int64), np.asarray(asked, dtype=np.int64)
        finder = learned(self._lane.rows(taught), y, self._passages(taught), seed=seed)
        if not len(asked):
            return Looked(np.zeros((0, y.shape[1])), finder.yields(np.zeros((0, y.shape[1]))))
        scores = finder.scores(self._lane.rows(asked))
        high = self._highest(scores, finder)
        scores[high] = finder.scores(self._passages(asked[high]))
        return Looked(np.where(finder.known, expit(scores), probs), finder.yields(scores))

    def _highest(self, scores: NDArray[np.float64], finder: Finder) -> NDArray[np.int64]:
        """Positions among the waiting texts: as many for each label, as whole texts score."""
        if len(scores) <= LOOKED_INTO or not finder.known.any():
            return np.arange(len(scores) if finder.known.any() else 0)
        each = LOOKED_INTO // int(finder.known.sum())
        found = np.argpartition(-scores[:, finder.known], each, axis=0)[:each]
        return np.unique(found)

    def _passages(self, at: NDArray[np.int64]) -> Passages:
        """Those of the texts at these positions; what is new is vectorised, what has grown too much forgotten."""
        new = np.unique(at[self._count[at] == 0])
        if len(new):
            if len(new) + int((self._count > 0).sum()) > KEPT:
                self._rows = self._lane.vectorise([])
                self._count[:] = 0
                new = np.unique(at)
            parts, starts = windows([self._texts[n] for n in new.tolist()])
            self._first[new] = self._rows.shape[0] + starts
            self._count[new] = np.diff([*starts.tolist(), len(parts)])
            self._rows = sp.vstack([self._rows, self._lane.vectorise(parts)], format="csr")
        sizes = self._count[at]
        starts = np.cumsum(sizes) - sizes
        rows = np.repeat(self._first[at] - starts, sizes) + np.arange(int(sizes.sum()))
        return Passages(self._rows[rows], starts)
