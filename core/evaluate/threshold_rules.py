"""Where to cut, by the rules of the literature: from scores of texts that the scoring model has not learned from.

A score is any real number, a probability or a margin; a label is predicted where its score reaches its cut. Cuts lie
halfway between neighbouring scores; one above every score predicts nothing. Where there are folds (scores out of fold),
a rule is applied in each and its cuts are averaged: a cut that one fold's few positives ask for is pulled back by the
others (yang2001, lin2023micromacro).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

GRID = tuple(np.round(np.arange(0.40, 0.605, 0.01), 2))  # huang2021: one cut for all labels
FBR = tuple(np.round(np.arange(0.1, 0.85, 0.1), 1))  # yang2001's floor, chosen among these
PARTS = 3  # of a validation set, where no folds are given
LOWEST, HIGHEST = 0.02, 0.98  # of a probability's cut
RULES = ("half", "global", "per_label", "scutfbr", "micromacro")

Value = Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]]  # hits, predicted → what is maximised


@dataclass(frozen=True)
class _Ranked:
    """One label's texts, best first: what predicting the first m of them would give. Shapes: (M,) each."""

    cuts: NDArray[np.float64]
    hits: NDArray[np.float64]
    predicted: NDArray[np.float64]
    positives: float


def choose(rule: str, scores: ArrayLike, y: ArrayLike, folds: ArrayLike | None = None) -> NDArray[np.float64]:
    """A cut for each label. Shapes: scores, y (N, K), folds (N,) → (K,).

    Raises ValueError: no such rule, shapes that do not match, a score that is no number.
    """
    found, truth, parts = _checked(scores, y, folds)
    if rule == "half":
        return np.full(found.shape[1], 0.5)
    if rule == "global":
        return np.full(found.shape[1], best_global(found, truth))
    if rule == "per_label":
        return _averaged(found, truth, parts, best_per_label)
    if rule == "scutfbr":
        return scutfbr(found, truth, parts)
    if rule == "micromacro":
        return micromacro(found, truth, parts)
    raise ValueError(f"{rule!r} is none of {', '.join(RULES)}")


def of_probabilities(rule: str, probs: ArrayLike, y: ArrayLike) -> NDArray[np.float64]:
    """A model's cuts from validation, in three parts by turns; one half where there is no text. Shapes: → (K,)."""
    found = np.asarray(probs, dtype=np.float64)
    if not len(found):
        return np.full(found.shape[1], 0.5)
    return choose(rule, found, y, np.arange(len(found)) % PARTS).clip(LOWEST, HIGHEST)


def best_global(scores: NDArray, y: NDArray, grid: ArrayLike = GRID) -> float:
    """The grid's cut of the best micro-F1, the first of equals. Source: huang2021."""
    found, truth, _ = _checked(scores, y, None)
    cuts = np.asarray(grid, dtype=np.float64)
    f1 = []
    for cut in cuts:
        predicted = found >= cut
        f1.append(_f1((predicted & truth).sum(), predicted.sum(), truth.sum()))
    return float(cuts[int(np.argmax(f1))])


def best_per_label(scores: NDArray, y: NDArray) -> NDArray[np.float64]:
    """Each label's cut of the best F1; one without positives is predicted nowhere. Shapes: (N, K) → (K,)."""
    found, truth, _ = _checked(scores, y, None)
    cuts = []
    for k in range(found.shape[1]):
        ranked = _ranked(found[:, k], truth[:, k])
        cuts.append(_best(ranked, _f1_of(ranked))[0])
    return np.array(cuts)


def scutfbr(scores: NDArray, y: NDArray, folds: NDArray, floors: ArrayLike = FBR) -> NDArray[np.float64]:
    """As per label, but a label whose best F1 in a fold stays below a floor is cut at its highest score there.

    The floor is the one of the best macro-F1 over all folds, each cut by the others' cuts. Source: yang2001.
    """
    found, truth, parts = _checked(scores, y, folds)
    names = np.unique(parts)
    cuts, bests, tops = (np.zeros((len(names), found.shape[1])) for _ in range(3))
    for f, name in enumerate(names):
        at = parts == name
        for k in range(found.shape[1]):
            ranked = _ranked(found[at, k], truth[at, k])
            cuts[f, k], bests[f, k] = _best(ranked, _f1_of(ranked))
            tops[f, k] = ranked.cuts[0]

    def averaged(floor: float, which: NDArray[np.bool_]) -> NDArray[np.float64]:
        return np.where(bests <= floor, tops, cuts)[which].mean(axis=0)

    everyone = np.ones(len(names), dtype=bool)
    tried = [float(each) for each in np.asarray(floors, dtype=np.float64)]
    if len(names) == 1:
        return averaged(min(tried), everyone)
    macro = []
    for floor in tried:
        predicted = np.zeros(truth.shape, dtype=bool)
        for f, name in enumerate(names):
            at = parts == name
            predicted[at] = found[at] >= averaged(floor, everyone & (np.arange(len(names)) != f))
        macro.append(np.mean(_f1((predicted & truth).sum(axis=0), predicted.sum(axis=0), truth.sum(axis=0))))
    return averaged(tried[int(np.argmax(macro))], everyone)


def micromacro(scores: NDArray, y: NDArray, folds: NDArray) -> NDArray[np.float64]:
    """Labels from the commonest to the rarest; each takes the cut that is best for micro- and macro-F1 so far.

    What is maximised for the i-th label is micro-F1 over the labels done and this one, plus its F1 over i. Source:
    lin2023micromacro (their order by frequency).
    """
    found, truth, parts = _checked(scores, y, folds)
    names = np.unique(parts)
    cuts = np.zeros((len(names), found.shape[1]))
    order = np.argsort(-truth.sum(axis=0), kind="stable")
    for f, name in enumerate(names):
        at = parts == name
        hits, predicted, positives = 0.0, 0.0, 0.0
        for done, k in enumerate(order, start=1):
            ranked = _ranked(found[at, k], truth[at, k])
            together = _f1(ranked.hits + hits, ranked.predicted + predicted, ranked.positives + positives)
            best = _place(together + _f1_of(ranked) / done)
            cuts[f, k] = ranked.cuts[best]
            hits += ranked.hits[best]
            predicted += ranked.predicted[best]
            positives += ranked.positives
    return cuts.mean(axis=0)


def _averaged(
    scores: NDArray, y: NDArray, folds: NDArray, rule: Callable[[NDArray, NDArray], NDArray[np.float64]]
) -> NDArray[np.float64]:
    return np.mean([rule(scores[folds == name], y[folds == name]) for name in np.unique(folds)], axis=0)


def _ranked(scores: NDArray[np.float64], y: NDArray[np.bool_]) -> _Ranked:
    """The places at which a cut can lie: above all, and below each distinct score."""
    order = np.argsort(-scores, kind="stable")
    best_first, hits = scores[order], np.r_[0, np.cumsum(y[order])].astype(np.float64)
    ends = np.flatnonzero(np.r_[best_first[1:] != best_first[:-1], True]) + 1  # so many texts lie above each cut
    lower = np.r_[best_first[1:], -np.inf][ends - 1]
    between = np.where(np.isfinite(lower), (best_first[ends - 1] + lower) / 2, best_first[ends - 1])
    at = np.r_[0, ends]
    cuts = np.r_[np.nextafter(best_first[0], np.inf), between]
    return _Ranked(cuts, hits[at], at.astype(np.float64), float(hits[-1]))


def _best(ranked: _Ranked, values: NDArray[np.float64]) -> tuple[float, float]:
    at = _place(values)
    return float(ranked.cuts[at]), float(values[at])


def _place(values: NDArray[np.float64]) -> int:
    """The first of the best: the highest cut, so that nothing is predicted where nothing is gained by it."""
    return int(np.flatnonzero(values >= values.max() - 1e-12)[0])


def _f1_of(ranked: _Ranked) -> NDArray[np.float64]:
    return np.asarray(_f1(ranked.hits, ranked.predicted, ranked.positives))


def _f1(hits: ArrayLike, predicted: ArrayLike, positives: ArrayLike) -> NDArray[np.float64]:
    below = np.add(predicted, positives, dtype=np.float64)
    return np.divide(2.0 * np.asarray(hits), below, out=np.zeros(np.shape(below)), where=below > 0)


def _checked(
    scores: ArrayLike, y: ArrayLike, folds: ArrayLike | None
) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.int64]]:
    found, truth = np.asarray(scores, dtype=np.float64), np.asarray(y) > 0
    parts = np.zeros(len(found), dtype=np.int64) if folds is None else np.asarray(folds)
    if found.ndim != 2 or found.shape != truth.shape or parts.shape != found.shape[:1] or not len(found):
        raise ValueError(f"scores {found.shape}, labels {truth.shape}, folds {parts.shape}")
    if np.isnan(found).any():
        raise ValueError("a score is no number")
    return found, truth, parts
