"""A batch whose texts tell different things: near-duplicates left out, and likeness to what is chosen already counted.

Both functions read rows of length one, so that a product of two rows is their cosine; dense or CSR. Neither ever holds
the cosines of all pairs: rows are compared block by block with the few that are chosen, and memory is linear in P.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.active.candidates import Rows
from core.active.order import best_first

AT_MOST = 0.9  # a greater cosine makes a near-duplicate
REACH = 2048  # an unlikely text is not worth a place only for being unlike the others
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
    reach: int = REACH,
    seen: Rows | None = None,
    taken: ArrayLike = (),
    fill: bool = True,
) -> NDArray[np.int64]:
    """Positions of a batch, chosen one after another: each time the text of the greatest value that is left.

    value = score · (1 - weight · greatest cosine with a text of ``seen``, ``taken`` or chosen so far), where a cosine
    under 0 counts as 0. A text with a cosine over ``at_most`` is a near-duplicate and comes last, in the order of the
    scores, or not at all without ``fill``. Ties fall by lot. ``taken`` are positions that are chosen already: they are
    compared with and not returned. Without embeddings it is the order of the scores.

    The choice is the exact greedy one among the ``reach`` best by score that are left, in whole blocks, so a longer
    batch begins with the shorter one. Values only fall while a batch grows: texts whose old value cannot win are not
    compared again. ``seen`` is meant for what is on people's desks: thousands of sparse rows cost seconds.

    Shapes: scores (P,) ≥ 0 (any sign with a weight of 0), embeddings (P, D), seen (S, D) → (min(size, P - taken),).
    Raises ValueError: shapes that do not match, a number that is not finite, a negative score with a weight.
    Source: after carbonell1998 (maximal marginal relevance); the product instead of the difference is ours.
    """
    values = _checked(scores)
    gone = np.asarray(taken, dtype=np.int64)
    if embeddings is None:
        order = best_first(values, len(values), rng)
        return order[~np.isin(order, gone)][: max(size, 0)]
    _fits(embeddings, len(values))
    picker = Picker(embeddings, weight=weight, at_most=at_most, reach=reach, seen=seen, taken=gone)
    chosen = picker.take(values, size, rng)
    if fill and len(chosen) < size:
        left = np.ones(len(values), dtype=bool)
        left[picker.taken] = False
        rest = np.flatnonzero(left)
        chosen = np.concatenate([chosen, rest[best_first(values[rest], size - len(chosen), rng)]])
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
    picker = Picker(embeddings, weight=0.0, at_most=at_most, seen=seen)
    return picker.along(places, np.arange(len(places), 0, -1.0), len(places) if size is None else size)


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


class Picker:
    """A batch in the making, by ``spread``'s rule: what is taken is remembered from one list of scores to the next.

    So each label can have its turn, by scores of its own, in one batch without repetitions:

        picker = Picker(embeddings)
        batch = [picker.take(uncertainty[:, k], share, rng) for k, share in enumerate(shares)]

    Along an order of scores, texts lie in blocks. A text's value when it was last compared is never too low, nor is the
    greatest of a block. So the text of the greatest such value is compared with what was taken since, a few others
    beside it, until that changes nothing: it is then the best of all. Equal values go to the better score, then by lot.
    """

    def __init__(
        self,
        embeddings: Rows,
        *,
        weight: float = 1.0,
        at_most: float = AT_MOST,
        reach: int = REACH,
        seen: Rows | None = None,
        taken: ArrayLike = (),
    ) -> None:
        """Raises ValueError: rows of different widths, or a weight or cosine outside 0 … 1."""
        if not 0 <= weight <= 1 or not 0 <= at_most <= 1:
            raise ValueError(f"the weight of likeness and a cosine lie between 0 and 1, not {weight} and {at_most}")
        self.embeddings, self.weight, self.at_most, self.reach = embeddings, weight, at_most, reach
        self.taken: list[int] = np.asarray(taken, dtype=np.int64).tolist()
        self.open = np.ones(embeddings.shape[0], dtype=bool)  # neither taken nor found to be a near-duplicate
        self.open[self.taken] = False
        self.likeness = np.zeros(embeddings.shape[0])
        self._seen = _columns(seen, embeddings.shape[1])
        # with how many of the taken a text was compared; -1: not with ``seen`` either
        self._compared = np.full(embeddings.shape[0], -1 if self._seen else 0, dtype=np.int32)

    def take(self, scores: ArrayLike, size: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """The next texts of the batch by these scores; fewer where only near-duplicates are left.

        Shapes: (P,) → (size,) at most. Raises ValueError: as ``spread``.
        """
        values = _checked(scores)
        _fits(self.embeddings, len(values))
        order = best_first(values, len(values), rng)
        return self.along(order, values[order], size)

    def along(self, order: NDArray[np.int64], scores: NDArray[np.float64], size: int) -> NDArray[np.int64]:
        """As ``take``, for these positions alone, with falling scores in their order. Shapes: (R,), (R,) → (size,)."""
        if self.weight and (scores < 0).any():
            raise ValueError("scores must not be negative where likeness is weighed")
        keep = self.open[order]
        order, scores = order[keep], scores[keep]
        values = self._values(order, scores)
        bounds = np.array([values[start : start + _BLOCK].max() for start in range(0, len(order), _BLOCK)])
        chosen: list[int] = []
        while len(chosen) < size and len(bounds):
            within = np.flatnonzero(bounds > -np.inf)[: max(self.reach // _BLOCK, 1)]
            if not len(within):
                break  # nothing is left but near-duplicates
            block = int(within[bounds[within].argmax()])
            part = slice(block * _BLOCK, (block + 1) * _BLOCK)
            place = part.start + int(values[part].argmax())
            position = int(order[place])
            if self._compared[position] < len(self.taken):
                behind = np.flatnonzero((self._compared[order[part]] < len(self.taken)) & (values[part] > -np.inf))
                first = part.start + behind[np.argsort(-values[part][behind], kind="stable")[:_AT_ONCE]]
                self._compare(order[first])
                values[first] = self._values(order[first], scores[first])
            else:
                chosen.append(position)
                self.taken.append(position)
                self.open[position] = False
                values[place] = -np.inf
            bounds[block] = values[part].max()
        return np.array(chosen, dtype=np.int64)

    def _compare(self, positions: NDArray[np.int64]) -> None:
        """Brings the likeness of these texts up to date."""
        fresh = positions[self._compared[positions] < 0]
        if len(fresh):
            for columns in self._seen:
                self.likeness[fresh] = np.maximum(
                    self.likeness[fresh], _cosines(self.embeddings[fresh] @ columns).max(axis=1)
                )
        since = self.taken[max(int(self._compared[positions].min()), 0) :]
        if since:
            found = nearest(self.embeddings[positions], self.embeddings[since])
            self.likeness[positions] = np.maximum(self.likeness[positions], found)
        self._compared[positions] = len(self.taken)
        self.open[positions] = self.likeness[positions] <= self.at_most

    def _values(self, positions: NDArray[np.int64], scores: NDArray[np.float64]) -> NDArray[np.float64]:
        if self.weight:
            scores = scores * (1 - self.weight * np.minimum(self.likeness[positions], 1))
        return np.where(self.open[positions], scores, -np.inf)


def _columns(rows: Rows | None, width: int) -> list[Any]:
    """Rows as columns, in pieces; none of none. Shapes: (S, D) → (D, ≤ _SEEN_BLOCK) each."""
    if rows is None or not rows.shape[0]:
        return []
    if rows.shape[1] != width:
        raise ValueError(f"rows of width {rows.shape[1]} beside embeddings of width {width}")
    pieces = [rows[start : start + _SEEN_BLOCK] for start in range(0, rows.shape[0], _SEEN_BLOCK)]
    return [piece.T if isinstance(piece, np.ndarray) else piece.T.tocsr() for piece in pieces]


def _cosines(product: Any) -> NDArray[np.float64]:
    found = np.asarray(product if isinstance(product, np.ndarray) else product.toarray(), dtype=np.float64)
    if found.size and not np.isfinite(found.sum()):
        raise ValueError("embeddings must be finite numbers")
    return found


def _fits(embeddings: Rows, rows: int) -> None:
    if embeddings.ndim != 2 or embeddings.shape[0] != rows:
        raise ValueError(f"embeddings of shape {embeddings.shape} for {rows} texts")


def _checked(scores: ArrayLike) -> NDArray[np.float64]:
    values = np.asarray(scores, dtype=np.float64)
    if values.ndim != 1 or not np.isfinite(values).all():
        raise ValueError("scores must be one finite number a candidate")
    return values
