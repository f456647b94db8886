"""How like texts are, by the cosines of their rows; and an order without near-duplicates.

Rows have length one, so that a product of two is their cosine; dense or CSR. Cosines of all pairs of a pool are never
held: rows are compared block by block with the few that matter, and memory is linear in P.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from core.active.candidates import Rows

AT_MOST = 0.9  # a greater cosine makes a near-duplicate
_BLOCK = 512
_OTHERS = 4096
_FEW = 4


def similarities(rows: Rows, others: Rows) -> NDArray[np.float64]:
    """Shapes: (A, D), (B, D) → (A, B). Raises ValueError: a number that is not finite."""
    few = others.shape[0] <= _FEW  # a few dense columns are quicker than two sparse products
    columns = others if isinstance(others, np.ndarray) else others.toarray() if few else others
    product: Any = rows @ columns.T
    found = np.asarray(product.toarray() if sp.issparse(product) else product, dtype=np.float64)
    if found.size and not np.isfinite(found.sum()):
        raise ValueError("embeddings must be finite numbers")
    return found


def nearest(rows: Rows, others: Rows, *, none: float = 0.0) -> NDArray[np.float64]:
    """The greatest cosine of each row with any of the others, at least ``none``. Shapes: (A, D), (B, D) → (A,)."""
    best = np.full(rows.shape[0], none)
    for start in range(0, others.shape[0], _OTHERS):
        block = others[start : start + _OTHERS]
        for first in range(0, rows.shape[0], _BLOCK):
            part = slice(first, first + _BLOCK)
            best[part] = np.maximum(best[part], similarities(rows[part], block).max(axis=1))
    return best


def first_of_each(
    order: NDArray[np.int64], embeddings: Rows, size: int, *, at_most: float = AT_MOST
) -> NDArray[np.int64]:
    """Positions of ``order`` in that order, each unlike all that are kept before it, until there are ``size``.

    The time grows with texts read times texts kept. Shapes: order (R,) positions in embeddings (P, D) → (S,), S ≤ size.
    Raises ValueError: a number that is not finite.
    """
    kept: list[int] = []
    for start in range(0, len(order), _BLOCK):
        block = order[start : start + _BLOCK]
        rows = embeddings[block]
        like: NDArray[np.bool_] = nearest(rows, embeddings[np.array(kept, dtype=np.int64)], none=-1.0) > at_most
        within = similarities(rows, rows) > at_most
        for n in range(len(block)):
            if like[n]:
                continue
            kept.append(int(block[n]))
            if len(kept) == size:
                return np.array(kept, dtype=np.int64)
            like |= within[:, n]
    return np.array(kept, dtype=np.int64)
