"""One classifier for the pairs of all labels: boosted trees over what the teachers say (``core.distill.candidates``).

Texts that have labels are answered out of fold, by trees that have not learned from them; the teachers behind the
figures had not either. Texts without labels are answered by trees that have learned from all pairs.
Source: wolpert1992; its second level is shared by all labels here.
"""

from __future__ import annotations

from collections.abc import Generator

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits

from core.distill.candidates import Pairs
from core.seeds import derive
from core.steps import drained

TREES, RATE, LEAVES, LEAST, L2, SHARE = 150, 0.06, 15, 20, 5.0, 0.5


def answered(pairs: Pairs, y: NDArray, folds: NDArray, *, seed: int, bags: int = 1) -> NDArray[np.float64]:
    """As ``answer_steps``, its reports unheard."""
    return drained(answer_steps(pairs, y, folds, seed=seed, bags=bags))


def answer_steps(
    pairs: Pairs, y: NDArray, folds: NDArray, *, seed: int, bags: int = 1
) -> Generator[float, None, NDArray[np.float64]]:
    """Each pair's probability, 0 for one that nobody proposed; the mean of ``bags`` classifiers. Yields the share done.

    Shapes: pairs of N texts, the first N' of which have labels: y (N', K), folds (N',) → (N, K).
    Raises ValueError: shapes that do not match, fewer than two folds, pairs that are all right or all wrong.
    """
    truth, numbered = np.asarray(y) > 0, np.asarray(folds)
    if truth.shape[1:] != pairs.shape[1:] or len(truth) > pairs.shape[0] or numbered.shape != truth.shape[:1]:
        raise ValueError(f"pairs of {pairs.shape}, labels of shape {truth.shape}, folds {numbered.shape}")
    names = np.unique(numbered)
    if len(names) < 2 or bags < 1:
        raise ValueError(f"{len(names)} folds and {bags} classifiers; two and one are needed")
    labelled = pairs.text < len(truth)
    fold_of = np.full(len(pairs.text), -1)
    fold_of[labelled] = np.searchsorted(names, numbered[pairs.text[labelled]])
    right = np.zeros(len(pairs.text), dtype=bool)
    right[labelled] = truth[pairs.text[labelled], pairs.label[labelled]]
    found = np.zeros(len(pairs.text), dtype=np.float64)
    parts = [part for part in range(-1, len(names)) if (fold_of == part).any()]
    for bag in range(bags):
        for done, part in enumerate(parts, start=1):
            taught, asked = labelled & (fold_of != part), fold_of == part
            if right[taught].all() or not right[taught].any():
                raise ValueError("the pairs are all right or all wrong: there is nothing to tell apart")
            trees = _trees(derive(seed, "shared stack", bag, part) % 2**32)
            with threadpool_limits(1, user_api="openmp"):  # trees this small mostly wait for each other's threads
                trees.fit(pairs.figures[taught], right[taught])
                found[asked] += trees.predict_proba(pairs.figures[asked])[:, 1] / bags
            yield (bag + done / len(parts)) / bags
    return pairs.spread(found)


def _trees(seed: int) -> HistGradientBoostingClassifier:
    return HistGradientBoostingClassifier(
        max_iter=TREES,
        learning_rate=RATE,
        max_leaf_nodes=LEAVES,
        min_samples_leaf=LEAST,
        l2_regularization=L2,
        max_features=SHARE,
        early_stopping=True,  # by a tenth of the pairs
        random_state=seed,
    )
