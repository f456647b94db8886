"""The compiled inner loop of ``core.models.table``: gather, add, maximum; one thread, and the lock let go."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit


def _compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compiled at the first call and kept on disk, or for this process alone where no directory can be written."""
    try:
        return njit(nogil=True, error_model="numpy", cache=True)(function)
    except RuntimeError:  # "no locator available": an installation that is read-only, and no home either
        return njit(nogil=True, error_model="numpy")(function)


def _gather_max(hot, rare, tokens, starts, lengths, bias, out):
    """For each document, window, chunk and filter: max(0, bias + the largest sum of taps).

    Tokens from len(hot) on are rows of ``rare``. Seven tokens that may be read follow each document; their rows are 0.
    Shapes: hot (H, 14, F), rare (R, 14, F), tokens (T,), starts and lengths (B,), bias (3, F) → out (B, 3, p, F).
    """
    known, chunks, filters = len(hot), out.shape[2], hot.shape[2]
    best = np.empty((3, filters), dtype=np.float32)
    two, four, eight = best[0], best[1], best[2]
    for d in range(len(starts)):
        n = lengths[d]
        for c in range(chunks):
            best[:] = -np.inf  # what a chunk without a position keeps: then 0 is the larger
            first, end = (c * n + chunks - 1) // chunks, ((c + 1) * n + chunks - 1) // chunks
            for at in range(starts[d] + first, starts[d] + end):
                i0, i1, i2, i3 = tokens[at], tokens[at + 1], tokens[at + 2], tokens[at + 3]
                i4, i5, i6, i7 = tokens[at + 4], tokens[at + 5], tokens[at + 6], tokens[at + 7]
                t0 = hot[i0] if i0 < known else rare[i0 - known]
                t1 = hot[i1] if i1 < known else rare[i1 - known]
                t2 = hot[i2] if i2 < known else rare[i2 - known]
                t3 = hot[i3] if i3 < known else rare[i3 - known]
                t4 = hot[i4] if i4 < known else rare[i4 - known]
                t5 = hot[i5] if i5 < known else rare[i5 - known]
                t6 = hot[i6] if i6 < known else rare[i6 - known]
                t7 = hot[i7] if i7 < known else rare[i7 - known]
                # one loop a window: three together need more streams than the processor follows
                for f in range(filters):
                    s = t0[0, f] + t1[1, f]
                    two[f] = s if s > two[f] else two[f]
                for f in range(filters):
                    s = (t0[2, f] + t1[3, f]) + (t2[4, f] + t3[5, f])
                    four[f] = s if s > four[f] else four[f]
                for f in range(filters):
                    s = (t0[6, f] + t1[7, f]) + (t2[8, f] + t3[9, f])
                    s += (t4[10, f] + t5[11, f]) + (t6[12, f] + t7[13, f])
                    eight[f] = s if s > eight[f] else eight[f]
            for w in range(3):
                for f in range(filters):
                    s = best[w, f] + bias[w, f]
                    out[d, w, c, f] = s if s > 0 else np.float32(0)


def _gather_all(hot, rare, tokens, starts, lengths, bias, out):
    """As ``_gather_max`` without the maximum: each position by itself; past a document's end nothing is written.

    Shapes: → out (B, T, 3, F).
    """
    known, filters = len(hot), hot.shape[2]
    for d in range(len(starts)):
        for t in range(lengths[d]):
            seen, tap = out[d, t], 0
            for w in range(3):
                for f in range(filters):
                    seen[w, f] = bias[w, f]
                for j in range(2 << w):
                    i = tokens[starts[d] + t + j]
                    row = hot[i, tap] if i < known else rare[i - known, tap]
                    for f in range(filters):
                        seen[w, f] += row[f]
                    tap += 1
                for f in range(filters):
                    s = seen[w, f]
                    seen[w, f] = s if s > 0 else np.float32(0)


gather_max = _compiled(_gather_max)
gather_all = _compiled(_gather_all)
