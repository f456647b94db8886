"""Likely mistakes among given labels: which cells (text, label) a person should read again, the likeliest first.

The probabilities must come from models that have not learned the label in question: out of fold, or trained before it
was given. Labels that are missing and labels too much are ranked together. A score of 0 to 1 of each cell is a *form*;
the one that is used, ``mistaken``, is the probability that the given value is wrong, after an estimate for each label
of how often it is wrongly given and wrongly missing: confident learning (northcutt2021), by maximum likelihood instead
of counts. The simpler forms stand beside it so that a bench can hold them against each other.

Nothing here changes a label.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize
from scipy.special import expit, logit

from core.seeds import numbers

LEAST = 5  # texts that have a label, and texts that do not: below, nothing is said about it
LEAST_SHARED = 50  # texts that a second model has to have answered for
MOST_WRONG = 0.4  # a share of wrong labels beyond which the other value would be the right one
_PRIOR = (3.0, 30.0)  # Beta: some 6 % of a label's cells are wrong, as far as a few dozen cells can say
_EDGE = 1e-6
Form = Callable[[NDArray[np.float64], NDArray[np.bool_]], NDArray[np.float64]]
Others = Sequence[tuple[ArrayLike, ArrayLike]]


@dataclass(frozen=True, kw_only=True)
class Doubts:
    """Cells in the order in which to read them again; equal scores stand in an order by seed.

    Shapes: all (R,), R the cells of labels that can be judged; ``judged`` (K,). ``probability``: the share of texts of
    which the models say the same that are given the label (platt1999); ``score``: that the given value is wrong.
    """

    text: NDArray[np.int64]
    label: NDArray[np.int64]
    given: NDArray[np.bool_]
    probability: NDArray[np.float64]
    score: NDArray[np.float64]
    judged: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.text)


def doubts(probs: ArrayLike, given: ArrayLike, *, seed: int, others: Others = (), form: str = "mistaken") -> Doubts:
    """Every cell of every label that can be judged, the most doubtful first.

    ``others``: further models, each as the positions of the texts that it has answered for, and its probabilities.
    Shapes: probs, given (N, K); others M positions and (M, K).

    Raises ValueError: shapes that do not fit, NaN, probabilities outside 0 … 1, labels other than 0 and 1.
    """
    p, y = _checked(probs, given)
    p = blended(p, others)
    judged = judgeable(p, y)
    score, seen = np.zeros_like(p), p.copy()
    if judged.any():
        score[:, judged] = FORMS[form](p[:, judged], y[:, judged])
        seen[:, judged] = as_given(p[:, judged], y[:, judged])
    cells = np.flatnonzero(np.broadcast_to(judged, y.shape).ravel())
    by_chance = numbers(seed, "doubts").permutation(len(cells))
    text, label = np.unravel_index(cells[np.lexsort((by_chance, -score.ravel()[cells]))], y.shape)
    return Doubts(
        text=text.astype(np.int64), label=label.astype(np.int64), given=y[text, label], probability=seen[text, label],
        score=score[text, label], judged=judged,
    )  # fmt: skip


def judgeable(probs: NDArray[np.float64], given: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The labels of which a few texts have it and a few do not, and that the model tells apart better than by chance.

    Better than chance: the area under the ROC curve lies two standard errors over one half (Mann-Whitney). Shapes:
    (N, K), (N, K) → (K,).
    """
    have, lack = given.sum(axis=0).astype(np.float64), (~given).sum(axis=0).astype(np.float64)
    enough = np.minimum(have, lack) >= LEAST
    if not enough.any():
        return enough
    from scipy.stats import rankdata  # half a second and 40 MB that a page or command does without

    ranks = rankdata(probs, axis=0)
    pairs = np.maximum(have * lack, 1)
    area = ((ranks * given).sum(axis=0) - have * (have + 1) / 2) / pairs
    return enough & (area - 0.5 > 2 * np.sqrt((have + lack + 1) / (12 * pairs)))


def blended(probs: NDArray[np.float64], others: Others) -> NDArray[np.float64]:
    """The first model's probabilities, averaged with each other model's where that one has answered.

    Averaged are logits, the other's moved label by label to the mean and the spread of the first's on the same texts.
    Shapes: (N, K), M positions and (M, K) → (N, K). Raises ValueError as ``doubts``.
    """
    first = logit(np.clip(probs, _EDGE, 1 - _EDGE))
    total, models = first.copy(), np.ones((len(first), 1))
    for positions, answers in others:
        at, other = np.asarray(positions, dtype=np.int64), _probabilities(answers)
        if other.shape != (len(at), probs.shape[1]):
            raise ValueError(f"{len(at)} texts, but answers of shape {other.shape}")
        if len(at) < LEAST_SHARED:
            continue
        z = logit(np.clip(other, _EDGE, 1 - _EDGE))
        spread = z.std(axis=0)
        moved = (z - z.mean(axis=0)) / np.where(spread > 0, spread, 1) * first[at].std(axis=0) + first[at].mean(axis=0)
        total[at] += np.where(spread > 0, moved, first[at])
        models[at] += 1
    return expit(total / models)


def thresholds(probs: NDArray[np.float64], given: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The mean self-confidence of each class: P(not) over texts without the label, P over those with it.

    A class without texts has 1. Shapes: (N, K), (N, K) → (2, K). Source: northcutt2021, section 3.1.
    """
    have = given.sum(axis=0)
    return np.stack(
        [
            np.where(have < len(given), ((1 - probs) * ~given).sum(axis=0) / np.maximum(len(given) - have, 1), 1.0),
            np.where(have > 0, (probs * given).sum(axis=0) / np.maximum(have, 1), 1.0),
        ]
    )


def self_confidence(probs: NDArray[np.float64], given: NDArray[np.bool_]) -> NDArray[np.float64]:
    """One less the probability of the given value. Source: northcutt2021."""
    return np.where(given, 1 - probs, probs)


def margin(probs: NDArray[np.float64], given: NDArray[np.bool_]) -> NDArray[np.float64]:
    """How far the probability of the other value lies over that value's own threshold, moved into 0 … 1."""
    cut = thresholds(probs, given)
    return (1 + np.where(given, 1 - probs - cut[0], probs - cut[1])) / 2


def calibrated(probs: NDArray[np.float64], given: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Self-confidence of probabilities that are calibrated on the labels as they are given."""
    return self_confidence(as_given(probs, given), given)


def as_given(probs: NDArray[np.float64], given: NDArray[np.bool_]) -> NDArray[np.float64]:
    """A logistic regression of the given values on the logits, label by label (platt1999). Shapes: (N, K)."""
    fitted = [_one_label(probs[:, k], given[:, k], noisy=False)[0] for k in range(probs.shape[1])]
    return np.stack(fitted, axis=1)


def mistaken(probs: NDArray[np.float64], given: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The probability that the given value is wrong, with each label's own rates of both kinds of mistake."""
    true, extra, missing = holds(probs, given)
    too_much = extra * (1 - true) / (extra * (1 - true) + (1 - missing) * true)
    absent = missing * true / (missing * true + (1 - extra) * (1 - true))
    return np.where(given, too_much, absent)


def holds(
    probs: NDArray[np.float64], given: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """The probability that each text has each label; how often a label is given without cause, and left out.

    Shapes: (N, K), (N, K) → (N, K), (K,), (K,).
    """
    fitted = [_one_label(probs[:, k], given[:, k], noisy=True) for k in range(probs.shape[1])]
    return np.stack([each[0] for each in fitted], axis=1), *np.array([each[1:] for each in fitted]).T


FORMS: dict[str, Form] = {
    "self_confidence": self_confidence,
    "margin": margin,
    "calibrated": calibrated,
    "mistaken": mistaken,
}


def _one_label(probs: NDArray, given: NDArray, *, noisy: bool) -> tuple[NDArray[np.float64], float, float]:
    """Fit P(given) = extra + (1 - extra - missing)·σ(a·z + b), z the standardised logit; σ is P(true).

    A logistic curve between two floors (bootkrajang2012): what keeps the most certain texts from being all alike is
    mistakes. ``noisy`` false: both floors are 0, Platt's scaling. a ≥ 0, for a model that is wrong on purpose is none.
    Shapes: (N,), (N,) → (N,), extra, missing.
    """
    z = logit(np.clip(probs, _EDGE, 1 - _EDGE))
    spread = z.std()
    z = (z - z.mean()) / (spread if spread > 0 else 1)
    order = np.lexsort((given, z))  # sums in one order, so that the order of the texts changes no bit
    start = np.array([2.0, logit(np.clip(given.mean(), 1e-3, 1 - 1e-3)), -2.0, -2.0])
    bounds = [(0, 50), (-50, 50), (-12, 12), (-12, 12)]
    if noisy:
        found = minimize(_loss, start, (z[order], given[order]), jac=True, bounds=bounds, method="L-BFGS-B").x
        extra, missing = MOST_WRONG * expit(found[2:])
    else:
        found = minimize(_platt_loss, start[:2], (z[order], given[order]), jac=True, bounds=bounds[:2]).x
        extra = missing = 0.0
    return expit(found[0] * z + found[1]), float(extra), float(missing)


def _loss(at: NDArray, z: NDArray, given: NDArray) -> tuple[float, NDArray[np.float64]]:
    """Minus the log of likelihood and priors, and its gradient. ``at``: a, b, and both floors as logits."""
    share = expit(at[2:])
    extra, missing = floors = MOST_WRONG * share
    s = expit(at[0] * z + at[1])
    q = np.clip(extra + (1 - extra - missing) * s, 1e-12, 1 - 1e-12)
    by_q = np.where(given, -1 / q, 1 / (1 - q))
    by_s = by_q * (1 - extra - missing) * s * (1 - s)
    alpha, beta = _PRIOR
    prior = (alpha - 1) * np.log(floors) + (beta - 1) * np.log(1 - floors)
    by_floors = np.array([(by_q * (1 - s)).sum(), -(by_q * s).sum()])
    by_floors += -(alpha - 1) / floors + (beta - 1) / (1 - floors)
    loss = -np.log(np.where(given, q, 1 - q)).sum() - prior.sum() + (at[0] / 10) ** 2 / 2
    slope = [(by_s * z).sum() + at[0] / 100, by_s.sum(), *(by_floors * floors * (1 - share))]
    return float(loss), np.array(slope)


def _platt_loss(at: NDArray, z: NDArray, given: NDArray) -> tuple[float, NDArray[np.float64]]:
    logits = at[0] * z + at[1]
    gap = expit(logits) - given
    loss = (np.logaddexp(0, logits) - given * logits).sum() + (at[0] / 10) ** 2 / 2
    return float(loss), np.array([(gap * z).sum() + at[0] / 100, gap.sum()])


def _probabilities(values: ArrayLike) -> NDArray[np.float64]:
    p = np.asarray(values, dtype=np.float64)
    if p.ndim != 2 or not ((p >= 0) & (p <= 1)).all():  # NaN is neither
        raise ValueError(f"probabilities of shape (N, K) from 0 to 1 are needed, not {p.shape}")
    return p


def _checked(probs: ArrayLike, given: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    p, y = _probabilities(probs), np.asarray(given)
    if y.shape != p.shape:
        raise ValueError(f"labels of shape {y.shape}, but probabilities of shape {p.shape}")
    if not np.isin(y, (0, 1)).all():
        raise ValueError("a label is 0 or 1")
    return p, y.astype(bool)
