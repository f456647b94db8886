"""Margins of a tree as probabilities, and where to cut them: both from validation texts, a text's candidates alone.

    logit p = a·(own margin) + b·(logarithm of the path's score) + c

One curve for all labels: of hundreds or thousands each has a few validation positives at most, and together they have
thousands. A label that is no candidate of a text has the probability 0. Source: platt1999 (of one label's margins).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit

from core.evaluate import threshold_rules
from core.evaluate.thresholds import choose

_PAIRS = 500_000  # candidates to learn from, at most
_TOGETHER = 256  # labels whose probabilities are dense at a time


class Curve(NamedTuple):
    """The numbers of the formula; as they are, of a tree that has no validation positive to learn them from."""

    margin: float = 2.0
    path: float = 1.0
    offset: float = 0.0

    def __call__(self, margins: NDArray, paths: NDArray) -> NDArray[np.float64]:
        """Shapes: alike, or such as go together → the same."""
        return np.asarray(expit(self.logits(margins, paths)))

    def logits(self, margins: NDArray, paths: NDArray) -> NDArray[np.float64]:
        """What labels are ranked by: rises with both. Shapes: as above."""
        return np.asarray(self.margin * margins.astype(np.float64) + self.path * paths + self.offset)


def curve_of(margins: NDArray, paths: NDArray, right: NDArray) -> Curve:
    """The likeliest numbers; a margin or a path never speaks against its label. Shapes: (n,) each.

    Where there are more than half a million, each so-manyth.
    """
    from sklearn.linear_model import LogisticRegression

    step = -(-len(right) // _PAIRS) if len(right) else 1
    x = np.stack([margins, paths], axis=1).astype(np.float64)[::step]
    y = np.asarray(right)[::step] > 0
    for used in (np.array([0, 1]), np.array([0])):
        if y.all() or not y.any():
            break
        model = LogisticRegression(C=1e4, max_iter=1_000).fit(x[:, used], y)
        if (model.coef_[0] >= 0).all() and model.coef_[0, 0] > 0:
            found = np.zeros(2)
            found[used] = model.coef_[0]
            return Curve(float(found[0]), float(found[1]), float(model.intercept_[0]))
    return Curve()


def cuts_of(rule: str, probs: sp.csr_matrix, y: sp.csr_matrix, prevalence: ArrayLike) -> NDArray[np.float64]:
    """A cut a label, by ``thresholds.choose`` or by one of ``threshold_rules``. Shapes: (V, K) both, (K,) → (K,).

    Only the rules that look at all labels together need all probabilities at once.
    """
    if rule != "auto":
        return threshold_rules.of_probabilities(rule, probs.toarray(), y.toarray())
    found, truth, shares = sp.csc_matrix(probs), sp.csc_matrix(y), np.asarray(prevalence, dtype=np.float64)
    cuts = [np.zeros(0)]
    for start in range(0, found.shape[1], _TOGETHER):
        part = slice(start, start + _TOGETHER)
        cuts.append(choose(found[:, part].toarray(), truth[:, part].toarray(), shares[part]))
    return np.concatenate(cuts)
