"""How far annotators agree: beyond chance, label by label and over whole label sets; and how far apart two sets are.

Each label is a yes-or-no question, so both measures are nominal with two values. A vote is 1 or 0, or MISSING
where this annotator has not read this text. A label on which nothing can be said has NaN, never a made-up 1
or 0: nobody read a text twice, or all votes are the same (there is then nothing that chance could have
missed).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray

MISSING = -1
LabelSet = frozenset[str]
Distance = Callable[[LabelSet, LabelSet], float]


def cohen_kappa(first: ArrayLike, second: ArrayLike) -> NDArray[np.float64]:
    """Agreement of two annotators on the texts that both have read.

    Shapes: (N, K), (N, K) of 1, 0 or MISSING → (K,). Source: cohen1960.
    """
    a, b = _votes(first, 2), _votes(second, 2)
    if a.shape != b.shape:
        raise ValueError(f"votes of shapes {a.shape} and {b.shape}")
    both = (a != MISSING) & (b != MISSING)
    n = both.sum(axis=0).astype(np.float64)
    agreed = (both & (a == b)).sum(axis=0)
    yes_a, yes_b = (both & (a == 1)).sum(axis=0), (both & (b == 1)).sum(axis=0)
    by_chance = yes_a * yes_b + (n - yes_a) * (n - yes_b)  # times n²
    return _divide(n * agreed - by_chance, n * n - by_chance)


def krippendorff_alpha(votes: ArrayLike) -> NDArray[np.float64]:
    """Agreement of any number of annotators, each of whom may have read only some of the texts.

    Shapes: (A, N, K) of 1, 0 or MISSING → (K,). Source: krippendorff2011, nominal metric, binary values.
    """
    v = _votes(votes, 3)
    ones, zeros = (v == 1).sum(axis=0), (v == 0).sum(axis=0)  # each (N, K)
    readers = ones + zeros
    paired = readers >= 2  # a text with one vote says nothing about agreement
    # Each text's ordered pairs of unlike votes, weighted so that a text counts as many votes as it has.
    unlike = np.where(paired, ones * zeros / np.maximum(readers - 1, 1), 0).sum(axis=0)
    n1, n0 = np.where(paired, ones, 0).sum(axis=0), np.where(paired, zeros, 0).sum(axis=0)
    return 1 - _divide((n0 + n1 - 1) * unlike, (n0 * n1).astype(np.float64))


def jaccard_distance(first: LabelSet, second: LabelSet) -> float:
    """0 for the same labels, 1 for none in common. Source: jaccard1912."""
    return 1 - len(first & second) / len(first | second) if first | second else 0.0


def masi_distance(first: LabelSet, second: LabelSet) -> float:
    """Jaccard's, kinder where one set holds the other than where each has its own. Source: passonneau2006."""
    if first == second:
        return 0.0
    shared = first & second
    nested = first <= second or second <= first
    monotone = 2 / 3 if nested else 1 / 3
    return 1 - len(shared) / len(first | second) * monotone if shared else 1.0


def mean_distance(sets: Sequence[LabelSet], distance: Distance = masi_distance) -> float:
    """Over all pairs of people; 0 for fewer than two."""
    pairs = [distance(a, b) for a, b in combinations(sets, 2)]
    return sum(pairs) / len(pairs) if pairs else 0.0


def set_alpha(texts: Iterable[Sequence[LabelSet]], distance: Distance = masi_distance) -> float:
    """Krippendorff's alpha of whole label sets, with that distance as it is; a text is the sets of its readers.

    NaN where nothing can be said: no text has two readers, or all sets are the same. Source: krippendorff2011.
    """
    paired = [list(sets) for sets in texts if len(sets) >= 2]
    n = sum(map(len, paired))
    # Each text's ordered pairs, weighted so that a text counts as many sets as it has.
    observed = sum(len(sets) * mean_distance(sets, distance) for sets in paired)
    counts = Counter(each for sets in paired for each in sets)
    expected = sum(2 * counts[a] * counts[b] * distance(a, b) for a, b in combinations(counts, 2))
    return 1 - (n - 1) * observed / expected if expected else float("nan")


def as_votes(
    texts: Sequence[Iterable[tuple[Hashable, LabelSet]]], people: Sequence[Hashable], labels: Sequence[str]
) -> NDArray[np.int64]:
    """Who chose what on each text, as votes a label. Shapes: N texts → (A, N, K) of 1, 0 or MISSING."""
    row = {person: a for a, person in enumerate(people)}
    votes = np.full((len(people), len(texts), len(labels)), MISSING, dtype=np.int64)
    for n, text in enumerate(texts):
        for person, chosen in text:
            votes[row[person], n] = [label in chosen for label in labels]
    return votes


def _divide(above: NDArray, below: NDArray) -> NDArray[np.float64]:
    return np.divide(above, below, out=np.full(below.shape, np.nan), where=below != 0)


def _votes(values: ArrayLike, axes: int) -> NDArray[np.int64]:
    """Raises ValueError: another number of axes, or something that is no vote."""
    votes = np.asarray(values)
    if votes.ndim != axes:
        raise ValueError(f"votes with {axes} axes are needed, not {votes.shape}")
    if not np.isin(votes, (0, 1, MISSING)).all():
        raise ValueError(f"a vote is 1, 0 or {MISSING}")
    return votes.astype(np.int64)
