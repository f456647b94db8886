"""Several ranked lists as one: by the mean of their scores, or of their ranks. Source: chang2020."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.xmc.ranker import Ranked


def average(lists: Sequence[Ranked], k: int) -> Ranked:
    """The mean of each label's scores; a list without the label counts 0 for it, so scores must not be negative.

    Shapes: lists of (N, k') each → (N, k). Raises ValueError: no list, other texts, a score below 0.
    """
    if any((each.scores[each.labels >= 0] < 0).any() for each in lists):
        raise ValueError("scores below 0 cannot be averaged with labels that a list leaves out")
    return _merged(lists, [np.where(each.labels >= 0, each.scores, 0) for each in lists], k)


def rank_average(lists: Sequence[Ranked], k: int) -> Ranked:
    """The mean of each label's places, counted from a list's end: a label that a list lacks stands behind its end.

    Shapes and errors as ``average``; scores are places divided by the longest list's length, in 0 … 1.
    """
    longest = max((each.labels.shape[1] for each in lists), default=1)
    places = 1 - np.arange(longest) / max(longest, 1)
    return _merged(lists, [np.where(each.labels >= 0, places[: each.labels.shape[1]], 0) for each in lists], k)


def _merged(lists: Sequence[Ranked], values: Sequence[NDArray], k: int) -> Ranked:
    if not lists or len({len(each.labels) for each in lists}) != 1:
        raise ValueError(f"lists of {[len(each.labels) for each in lists]} texts")
    n = len(lists[0].labels)
    out = Ranked(np.full((n, k), -1, dtype=np.int64), np.full((n, k), -np.inf))
    labels, scores = np.hstack([each.labels for each in lists]), np.hstack(list(values))
    for text in range(n):
        known = labels[text] >= 0
        named, at = np.unique(labels[text, known], return_inverse=True)
        mean = np.bincount(at, weights=scores[text, known], minlength=len(named)) / len(lists)
        best = np.argsort(-mean, kind="stable")[:k]
        out.labels[text, : len(best)], out.scores[text, : len(best)] = named[best], mean[best]
    return out
