"""How much memory a round of a tree takes, estimated before it starts: refused with the number, not killed half-way."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from core.errors import TreeNeedsMemory
from core.free_memory import free_bytes
from core.predictions import KEPT
from core.xmc.tree import depth_of

_STORED = 12  # bytes of a number in sparse rows, with its column
_COPIES = 4  # of the rows: as made, as float64, a cluster's share of them, what the solver makes of those
_WEIGHTS = 0.2  # of a cluster's columns, those in which a label keeps a weight: of made texts less than half as many
_HELD = 3  # a cluster's weights while they are put together
_WRITTEN = 2  # all weights, and once more while they are written
_DRAWS = 501 * 8 * 512 * 12  # what figures are drawn with, 512 labels at a time


def bytes_needed(rows: sp.csr_matrix, y: sp.csr_matrix, *, asked: int) -> int:
    """An upper estimate, from the training rows, their labels and the number of texts that will be answered.

    A label's machine sees the texts of its cluster, and of these columns it keeps weights in a part. Shapes: rows
    (N, F), y (N, K).
    """
    texts, columns = rows.shape
    labels = y.shape[1]
    held = _COPIES * rows.nnz * _STORED + 3 * y.nnz * _STORED
    clusters = 2 ** depth_of(labels)
    a_cluster = min(texts, -(-y.nnz // clusters) + texts // clusters)  # texts with a label of it, and those sent to it
    seen = min(columns, round(a_cluster * rows.nnz / max(texts, 1)))
    weights = labels * _WEIGHTS * min(seen, columns) * 8
    lists = asked * KEPT * 3 * _STORED
    return int(held + (_HELD / clusters + _WRITTEN) * weights + lists + _DRAWS)


def refuse_too_little(rows: sp.csr_matrix, y: sp.csr_matrix, *, asked: int) -> None:
    """Raises TreeNeedsMemory: less is free than is needed."""
    need, have = bytes_needed(rows, y, asked=asked), free_bytes()
    if have is not None and need > have:
        mb = {"need_mb": int(np.ceil(need / 2**20)), "have_mb": have // 2**20}
        raise TreeNeedsMemory(labels=y.shape[1], texts=rows.shape[0], **mb)
