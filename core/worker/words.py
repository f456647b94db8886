"""Which texts have a label's own words, for labels of which hardly a text is known: lists, for thousands of labels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from core.active.long_tail import FEW
from core.models.linear import FastLane

EACH = 50  # texts that a label's words name
_TOGETHER = 128  # labels looked for at a time


def named_by_words(
    lane: FastLane, at: Sequence[int] | NDArray, words: Sequence[str], positives: NDArray[np.int64]
) -> sp.csr_matrix:
    """How near texts are to the words of labels with few positives: ``lane.relevance``, of each the nearest fifty.

    Shapes: at (P,) positions, words of K labels, positives (K,) → (P, K) in 0 … 1.
    """
    rows = lane.rows(at)
    few = np.flatnonzero(positives < FEW)
    texts, labels, values = [], [], []
    for start in range(0, len(few), _TOGETHER):
        part = few[start : start + _TOGETHER]
        found = np.asarray((rows @ lane.vectorise([words[k] for k in part]).T).toarray(), dtype=np.float64)
        most = min(EACH, len(found))
        best = np.argpartition(-found, most - 1, axis=0)[:most] if most else np.zeros((0, len(part)), dtype=np.int64)
        near = np.take_along_axis(found, best, axis=0)
        nearest = near.max(axis=0, initial=0)
        near = near / np.where(nearest > 0, nearest, 1)
        text, label = np.nonzero(near > 0)
        texts.append(best[text, label])
        labels.append(part[label])
        values.append(near[text, label])
    together = [np.concatenate(each) if each else np.zeros(0) for each in (values, texts, labels)]
    return sp.csr_matrix(
        (together[0].clip(0, 1), (together[1].astype(np.int64), together[2].astype(np.int64))),
        shape=(rows.shape[0], len(words)),
    )  # fmt: skip
