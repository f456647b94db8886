"""DIRECT, a label at a time: the texts around the cut that best separates what is labelled. Source: nuggehalli2025.

For each label the labelled texts are sorted by probability; the cut is where the fewest of them are on the wrong
side, a text's own noise notwithstanding. Candidates are taken outwards from the cut, above and below in turn. The
labels share a batch by rarity: each place goes to the label that is furthest behind its share, in proportion to 1 /
(positives + 1).

The paper treats classes that exclude each other, spends half of a batch on narrowing the cut by answers within the
batch, and shares the other half alike. A strategy here gets no answers before the batch ends, so the cut is that of
the labels so far. Without one positive the cut lies above all, and the most probable texts come first.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.active.candidates import Candidates
from core.active.need import need


def choose(candidates: Candidates, size: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Positions, the most useful first. Shapes: → (size,)."""
    p, lots = np.asarray(candidates.probs), rng.random(len(candidates))
    y, known = np.asarray(candidates.labelled_y), np.asarray(candidates.labelled_probs)
    labels = range(candidates.n_labels)
    cuts = [separation(known[:, k], y[:, k]) for k in labels]
    lines = [_outwards(p[:, k], cuts[k], lots, size) for k in labels]
    shares, given, heads = need(candidates.positives), np.zeros(len(cuts)), [0] * len(cuts)
    chosen: dict[int, None] = {}  # in order
    while len(chosen) < size:
        behind = shares * (len(chosen) + 1) - given
        turns = []
        for k in labels:
            while int(lines[k][heads[k]]) in chosen:
                heads[k] += 1
            first = int(lines[k][heads[k]])
            # labels equally far behind: the one whose next text lies nearest to its cut, whatever the labels' order
            turns.append((-behind[k], abs(p[first, k] - cuts[k]), lots[first], k, first))
        *_, k, first = min(turns)
        chosen[first] = None
        given[k] += 1
    return np.array(list(chosen), dtype=np.int64)


def separation(probs: NDArray[np.float64], y: NDArray[np.int8]) -> float:
    """The cut with the fewest labelled texts on the wrong side, the highest of such cuts; infinite if above all of
    them.

    Shapes: (L,), (L,) of 0 and 1. It lies in the middle between two texts.
    """
    falling = np.argsort(-probs, kind="stable")
    p = probs[falling]
    right = np.concatenate([[0], np.cumsum(np.where(y[falling] > 0, 1, -1))])  # how much better than a cut above all
    possible = np.concatenate([[True], p[:-1] > p[1:], [True]])[: len(p) + 1]
    place = int(np.where(possible, right, right.min(initial=0) - 1).argmax())  # so many texts lie above the cut
    if place == 0:
        return float("inf")
    return float((p[place - 1] + p[place]) / 2) if place < len(p) else float(p[-1])


def _outwards(probs: NDArray[np.float64], cut: float, lots: NDArray[np.float64], size: int) -> NDArray[np.int64]:
    """Positions around the cut, above and below in turn, the nearest first, ties by lot. Shapes: (P,) → (size,)."""
    above, below = np.flatnonzero(probs >= cut), np.flatnonzero(probs < cut)
    above = above[np.lexsort((lots[above], probs[above]))][:size]
    below = below[np.lexsort((lots[below], -probs[below]))][:size]
    turns = np.concatenate([2 * np.arange(len(above)), 2 * np.arange(len(below)) + 1])
    return np.concatenate([above, below])[np.argsort(turns, kind="stable")][:size]
