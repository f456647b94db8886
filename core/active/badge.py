"""BADGE in its sigmoid form: texts whose gradients are long and differ from each other. Source: ash2020, arthur2007.

For binary relevance the gradient of the last layer, were the prediction right, is g = (p - 1[p > ½]) ⊗ h. The paper's
form is for a softmax. A batch is seeded as in k-means++: the longest gradient first, as in the authors' code, then
each text with a probability in proportion to the squared distance from the nearest one chosen.

⟨r ⊗ h, s ⊗ i⟩ = ⟨r, s⟩ ⟨h, i⟩, so the gradients of (P, K · D) numbers are never made.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.active.candidates import Candidates, Rows
from core.active.order import best_first

_SAME = 1e-12  # of the longest squared gradient: rounding, not a distance


def choose(candidates: Candidates, size: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Positions in the order of drawing; one number a candidate is drawn for each. Shapes: → (size,)."""
    p, rows = np.asarray(candidates.probs), candidates.embeddings
    assert rows is not None  # the registry has seen to it
    residual = p - (p > 0.5)
    lengths = (residual**2).sum(axis=1) * _squares(rows)
    chosen = [int(best_first(lengths, 1, rng)[0])]
    left = np.ones(len(p), dtype=bool)
    left[chosen] = False
    distance = np.full(len(p), np.inf)
    while len(chosen) < size:
        last = chosen[-1]
        inner = (residual @ residual[last]) * _products(rows, last)
        distance = np.minimum(distance, np.maximum(lengths + lengths[last] - 2 * inner, 0))
        chances = np.where(left & (distance > _SAME * lengths.max()), distance, 0)
        waits = -np.log1p(-rng.random(len(p)))  # exponential; the first to come is drawn in proportion to its chance
        if not chances.any():
            chances = left.astype(np.float64)  # nothing but repetitions: by lot
        times = np.divide(waits, chances, out=np.full(len(p), np.inf), where=chances > 0)
        chosen.append(int(times.argmin()))
        left[chosen[-1]] = False
    return np.array(chosen, dtype=np.int64)


def _squares(rows: Rows) -> NDArray[np.float64]:
    """Squared lengths of the rows. Shapes: (P, D) → (P,)."""
    if isinstance(rows, np.ndarray):
        return np.einsum("pd,pd->p", rows, rows).astype(np.float64)
    return np.asarray(rows.multiply(rows).sum(axis=1), dtype=np.float64).reshape(-1)


def _products(rows: Rows, position: int) -> NDArray[np.float64]:
    """Inner products of all rows with one of them. Shapes: (P, D) → (P,)."""
    one = rows[position] if isinstance(rows, np.ndarray) else rows[[position]].toarray().reshape(-1)
    return np.asarray(rows @ one, dtype=np.float64)
