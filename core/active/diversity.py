"""A batch whose texts tell different things: near-duplicates left out, and likeness to what is chosen already counted.

Both functions read rows of length one, so that a product of two rows is their cosine; dense or CSR. Neither ever holds
the cosines of all pairs: rows are compared block by block with the few that are chosen, and memory is linear in P.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.active.candidates import Rows
from core.active.order import best_first

AT_MOST = 0.9  # a greater cosine makes a near-duplicate
_BLOCK = 512
_SEEN_BLOCK = 4096
_FEW = 4
_AT_ONCE = 32


def spread(
    scores: ArrayLike,
    embeddings: Rows | None,
    size: int,
    *,
    rng: np.random.Generator,
    weight: float = 1.0,
    at_most: float = AT_MOST,
    seen: Rows | None = None,
    taken: ArrayLike = (),
    fill: bool = True,
) -> NDArray[np.int64]:
    """Positions of a batch, chosen one after another: each time the text of the greatest value that is left.

    value = score · (1 - weight · greatest cosine with a text of ``seen``, ``taken`` or chosen so far), where a cosine
    under 0 counts as 0. A text with a cosine over ``at_most`` is a near-duplicate and comes last, in the order of the
    scores, or not at all without ``fill``. Ties fall by lot. ``taken`` are positions that are chosen already: they are
    compared with and not returned. Without embeddings it is the order of the scores.

    The choice is the exact greedy one over all candidates, so a longer batch begins with the shorter one. Values only
    fall while a batch grows: texts whose old value cannot win are not compared again. ``seen`` is meant for what is on
    people's desks: with thousands of sparse rows it costs seconds.

    Shapes: scores (P,) ≥ 0 (any sign with a weight of 0), embeddings (P, D), seen (S, D) → (min(size, P - taken),).
    Raises ValueError: shapes that do not match, a number that is not finite, a negative score with a weight.
    Source: after carbonell1998 (maximal marginal relevance); the product instead of the difference is ours.
    """
    values, gone = _checked(scores, weight, at_most), np.asarray(taken, dtype=np.int64)
    order = best_first(values, len(values), rng)
    if len(gone):
        order = order[~np.isin(order, gone)]
    size = max(min(size, len(order)), 0)
    if embeddings is None or not size:
        return order[:size]
    _fits(embeddings, len(values))
    greedy = _Greedy(values[order], embeddings, order, weight=weight, at_most=at_most)
    greedy.compare_with(seen)
    greedy.compare_with(embeddings[gone] if len(gone) else None)
    chosen = greedy.take(size)
    if fill and len(chosen) < size:
        rest = order[~np.isin(order, chosen)]
        chosen = np.concatenate([chosen, rest[: size - len(chosen)]])
    return chosen


def without_near_duplicates(
    order: ArrayLike,
    embeddings: Rows,
    *,
    at_most: float = AT_MOST,
    seen: Rows | None = None,
    size: int | None = None,
) -> NDArray[np.int64]:
    """The positions of ``order`` in that order, without those too like one before them or one of ``seen``.

    It stops at ``size`` texts. The time grows with the texts that are read times the texts that are kept: without a
    size, a large pool takes long.
    Shapes: order (R,) positions in embeddings (P, D), seen (S, D) → at most (R,).
    Raises ValueError: a shape that does not match, or a number that is not finite.
    """
    places = np.asarray(order, dtype=np.int64)
    _fits(embeddings, embeddings.shape[0])
    falling = np.arange(len(places), 0, -1, dtype=np.float64)
    greedy = _Greedy(falling, embeddings, places, weight=0.0, at_most=_checked_cosine(at_most))
    greedy.compare_with(seen)
    return greedy.take(len(places) if size is None else max(size, 0))


def similarities(rows: Rows, others: Rows) -> NDArray[np.float64]:
    """Cosines of unit rows. Shapes: (A, D), (B, D) → (A, B). Raises ValueError: a number that is not finite."""
    few = others.shape[0] <= _FEW  # a few dense columns are quicker than two sparse products
    columns = others if isinstance(others, np.ndarray) else others.toarray() if few else others
    return _cosines(rows @ columns.T)


def nearest(rows: Rows, others: Rows, *, none: float = 0.0) -> NDArray[np.float64]:
    """The greatest cosine of each row with any of the others, at least ``none``. Shapes: (A, D), (B, D) → (A,)."""
    best = np.full(rows.shape[0], none)
    for start in range(0, others.shape[0], _SEEN_BLOCK):
        block = others[start : start + _SEEN_BLOCK]
        for first in range(0, rows.shape[0], _BLOCK):
            part = slice(first, first + _BLOCK)
            best[part] = np.maximum(best[part], similarities(rows[part], block).max(axis=1))
    return best


class _Greedy:
    """Takes the greatest value, again and again; values fall with likeness to what is taken.

    The texts lie in blocks in the order of their scores. A block's bound is its greatest value when it was last looked
    at, and so never too low. The block of the greatest bound is looked at until it is up to date: its best text is then
    the best of all. Equal bounds go to the earlier block, equal values to the earlier text: to the better score, and
    then by lot.
    """

    def __init__(
        self, scores: NDArray[np.float64], embeddings: Rows, order: NDArray[np.int64], *, weight: float, at_most: float
    ) -> None:
        self.scores, self.embeddings, self.order = scores, embeddings, order
        self.weight, self.at_most = weight, at_most
        self.likeness = np.zeros(len(order))
        self.open = np.ones(len(order), dtype=bool)  # neither taken nor a near-duplicate
        blocks = math.ceil(len(order) / _BLOCK)
        self.bounds = np.array([scores[b * _BLOCK : (b + 1) * _BLOCK].max() for b in range(blocks)])
        self.compared = np.zeros(blocks, dtype=np.int64)  # with how many of the taken
        self.checked = np.zeros(len(order), dtype=bool)  # against the others, of which there may be many
        self.others: list[Any] = []  # as columns
        self.taken: list[int] = []

    def compare_with(self, rows: Rows | None) -> None:
        """Rows that were there before: to be called before the first text is taken."""
        if rows is None or not rows.shape[0]:
            return
        if rows.shape[1] != self.embeddings.shape[1]:
            raise ValueError(f"rows of width {rows.shape[1]} beside embeddings of width {self.embeddings.shape[1]}")
        for start in range(0, rows.shape[0], _SEEN_BLOCK):
            block = rows[start : start + _SEEN_BLOCK]
            self.others.append(block.T if isinstance(block, np.ndarray) else block.T.tocsr())

    def take(self, size: int) -> NDArray[np.int64]:
        while len(self.taken) < size and len(self.bounds):
            block = int(self.bounds.argmax())
            if np.isneginf(self.bounds[block]):
                break  # nothing is left but near-duplicates
            if self.compared[block] < len(self.taken):
                self._look_at(block)
                continue
            place = block * _BLOCK + int(self._values(block).argmax())
            if self.others and not self.checked[place]:
                self._check(block)
                continue
            self.open[place] = False
            self.bounds[block] = self._values(block).max()
            self.taken.append(int(self.order[place]))
        return np.array(self.taken, dtype=np.int64)

    def _look_at(self, block: int) -> None:
        part = slice(block * _BLOCK, (block + 1) * _BLOCK)
        places = part.start + np.flatnonzero(self.open[part])
        if len(places):
            new = self.embeddings[self.taken[self.compared[block] :]]
            self._liken(places, nearest(self.embeddings[self.order[places]], new))
        self.compared[block] = len(self.taken)
        self.bounds[block] = self._values(block).max()

    def _check(self, block: int) -> None:
        """Compares with the others: the best texts of a block that have not been, for no other can be taken next."""
        part = slice(block * _BLOCK, (block + 1) * _BLOCK)
        waiting = np.flatnonzero(self.open[part] & ~self.checked[part])
        places = part.start + waiting[np.argsort(-self._values(block)[waiting], kind="stable")[:_AT_ONCE]]
        rows = self.embeddings[self.order[places]]
        for columns in self.others:
            self._liken(places, _cosines(rows @ columns).max(axis=1))
        self.checked[places] = True
        self.bounds[block] = self._values(block).max()

    def _liken(self, places: NDArray[np.int64], likeness: NDArray[np.float64]) -> None:
        self.likeness[places] = np.maximum(self.likeness[places], likeness)
        self.open[places] = self.likeness[places] <= self.at_most

    def _values(self, block: int) -> NDArray[np.float64]:
        part = slice(block * _BLOCK, (block + 1) * _BLOCK)
        values = self.scores[part]
        if self.weight:
            values = values * (1 - self.weight * np.minimum(self.likeness[part], 1))
        return np.where(self.open[part], values, -np.inf)


def _cosines(product: Any) -> NDArray[np.float64]:
    found = np.asarray(product if isinstance(product, np.ndarray) else product.toarray(), dtype=np.float64)
    if found.size and not np.isfinite(found.sum()):
        raise ValueError("embeddings must be finite numbers")
    return found


def _fits(embeddings: Rows, rows: int) -> None:
    if embeddings.ndim != 2 or embeddings.shape[0] != rows:
        raise ValueError(f"embeddings of shape {embeddings.shape} for {rows} texts")


def _checked_cosine(at_most: float) -> float:
    if not 0 <= at_most <= 1:
        raise ValueError(f"a cosine between 0 and 1 makes near-duplicates, not {at_most}")
    return at_most


def _checked(scores: ArrayLike, weight: float, at_most: float) -> NDArray[np.float64]:
    _checked_cosine(at_most)
    if not 0 <= weight <= 1:
        raise ValueError(f"the weight of likeness lies between 0 and 1, not {weight}")
    values = np.asarray(scores, dtype=np.float64)
    if values.ndim != 1 or not np.isfinite(values).all() or (weight and (values < 0).any()):
        raise ValueError("scores must be one finite number a candidate, and not negative where likeness is weighed")
    return values
