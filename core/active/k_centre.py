"""k-centre: each text the one furthest from all that is labelled or chosen. Source: sener2018, the greedy form.

What the learner thinks of a text plays no part. The distance is that of unit rows, so the least cosine is the furthest.
Without labelled embeddings the first is the text nearest to the mean of the pool.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.active.candidates import Candidates, Rows
from core.active.likeness import nearest, similarities


def choose(candidates: Candidates, size: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Positions in the order of choosing, ties by lot. Shapes: → (size,)."""
    rows, labelled = candidates.embeddings, candidates.labelled_embeddings
    assert rows is not None  # the registry has seen to it
    lots, left = rng.random(len(candidates)), np.ones(len(candidates), dtype=bool)
    chosen: list[int] = []
    if labelled is not None and labelled.shape[0]:
        likeness = nearest(rows, labelled, none=-1.0)
    else:
        mean = np.asarray(rows.mean(axis=0)).reshape(-1)
        _take(-np.asarray(rows @ mean, dtype=np.float64), lots, left, chosen)
        likeness = _with(rows, chosen[-1])
    while len(chosen) < size:
        _take(likeness, lots, left, chosen)
        likeness = np.maximum(likeness, _with(rows, chosen[-1]))
    return np.array(chosen, dtype=np.int64)


def _take(likeness: NDArray[np.float64], lots: NDArray[np.float64], left: NDArray[np.bool_], chosen: list[int]) -> None:
    """Moves the text of the least likeness from those left to the chosen ones."""
    least = np.flatnonzero(left & (likeness <= likeness[left].min()))
    position = int(least[lots[least].argmin()])
    left[position] = False
    chosen.append(position)


def _with(rows: Rows, position: int) -> NDArray[np.float64]:
    return similarities(rows, rows[position : position + 1])[:, 0]
