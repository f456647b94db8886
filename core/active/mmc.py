"""MMC: the loss that the text would have, were its labels the predicted number of most probable ones. Source: yang2009.

A logistic regression learns the number of labels of a text from its sorted probabilities, on the labelled texts; the
probabilities there should be out of sample. With ŷ = 1 for that many of the most probable labels and -1 elsewhere,
and f = 2p - 1 in place of the SVM's decision value, the score is Σ (1 - ŷ f) / 2.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.active.candidates import Candidates
from core.active.order import added


def score(candidates: Candidates) -> NDArray[np.float64]:
    """Shapes: → (P,) in 0 … K."""
    p = np.asarray(candidates.probs)
    wanted = expected_numbers(
        np.asarray(candidates.labelled_probs), np.asarray(candidates.labelled_y).sum(axis=1).astype(np.int64), p
    )
    places = np.argsort(np.argsort(-p, axis=1, kind="stable"), axis=1, kind="stable")  # 0 for the most probable label
    believed = np.where(places < wanted[:, None], 1, -1)
    return added((1 - believed * (2 * p - 1)) / 2)


def expected_numbers(
    labelled_probs: NDArray[np.float64], numbers: NDArray[np.int64], probs: NDArray[np.float64]
) -> NDArray[np.int64]:
    """The number of labels predicted for each text; the sum of its probabilities, rounded, where nothing is labelled.

    Shapes: (L, K), (L,), (P, K) → (P,).
    """
    if not len(numbers) or not len(probs):
        return np.rint(added(probs)).astype(np.int64)
    if len(np.unique(numbers)) == 1:
        return np.full(len(probs), numbers[0])
    from sklearn.linear_model import LogisticRegression  # heavy: whoever only names strategies does not wait for it

    model = LogisticRegression(max_iter=1000).fit(_profile(labelled_probs), numbers)
    return model.predict(_profile(probs))


def _profile(probs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probabilities of each text in falling order, summing to one. Shapes: (N, K) → (N, K)."""
    falling = -np.sort(-probs, axis=1)
    return falling / np.maximum(falling.sum(axis=1, keepdims=True), np.finfo(np.float64).tiny)
