"""One support vector machine a label, all labels in one pass over the texts; compiled, one thread, the lock let go."""

from __future__ import annotations

import numpy as np
from numba import njit

from core.models.tiles import OPTIONS

_SMALL = 1e-7  # a step that changes no margin


@njit(**OPTIONS)
def descend(starts, columns, values, signs, rows, orders, width, cost, tolerance):
    """Dual coordinate descent (hsieh2008, algorithm 1, squared hinge), a text at a time and all its labels together.

    A text's entries are read once for all labels, and the weights of a column lie side by side. A label whose margin is
    wide enough costs one product and no write. It ends when no step of a pass was larger than the tolerance.

    Shapes: starts (N+1,), columns and values (Z,) of the rows; signs (N, K) of -1 and 1; rows (n,) to learn from;
    orders (passes, n) of positions in ``rows`` → weights (width, K).
    """
    labels, n = signs.shape[1], len(rows)
    weights = np.zeros((width, labels), dtype=np.float32)
    duals = np.zeros((n, labels), dtype=np.float32)
    lengths = np.zeros(n, dtype=np.float32)
    for a in range(n):
        for at in range(starts[rows[a]], starts[rows[a] + 1]):
            lengths[a] += values[at] * values[at]
    slack = np.float32(0.5 / cost)
    margins = np.zeros(labels, dtype=np.float32)
    moved = np.zeros(labels, dtype=np.int64)
    steps = np.zeros(labels, dtype=np.float32)
    for turn in range(len(orders)):
        largest = 0.0
        for a in orders[turn]:
            i = rows[a]
            margins[:] = 0
            for at in range(starts[i], starts[i + 1]):
                value, weight = values[at], weights[columns[at]]
                for k in range(labels):
                    margins[k] += value * weight[k]
            many = 0
            for k in range(labels):
                gradient = signs[i, k] * margins[k] - 1 + slack * duals[a, k]
                if duals[a, k] == 0 and gradient >= 0:
                    continue
                dual = max(duals[a, k] - gradient / (lengths[a] + slack), np.float32(0))
                step = dual - duals[a, k]
                if abs(step) > _SMALL:
                    duals[a, k] = dual
                    moved[many], steps[many] = k, step * signs[i, k]
                    many += 1
                    largest = max(largest, abs(gradient))
            if many:
                for at in range(starts[i], starts[i + 1]):
                    value, weight = values[at], weights[columns[at]]
                    for m in range(many):
                        weight[moved[m]] += value * steps[m]
        if largest < tolerance:
            break
    return weights
