"""Pairs of a text and a label that may be right, and what several teachers and the text itself say of each pair.

Rare labels have too few examples for a stack of their own (``core.distill.mixing``); described by figures that mean the
same for every label, all pairs together have thousands, and one classifier learns for all labels when to believe whom.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from core.text.mentions import FIGURES

PER_TEXT = 8  # candidates by the teachers' mean; those that a text names are added
TOP = 3  # of a text's best means, which say how sure it is and of how many labels
STEEP = 2.5  # of the sigmoid that makes a margin a rough probability


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """All that is known of texts and labels; a text's teachers have not learned from it.

    Shapes: scores name → (N, K) margins or votes; ``ranked_by`` some of their names; known (N, K), how many texts of
    each label a text's teachers had seen; mentions (N, K, 8); implied (N, K, 2); texts name → (N,).
    """

    scores: Mapping[str, NDArray]
    ranked_by: tuple[str, ...]
    known: NDArray
    mentions: NDArray | None = None
    implied: NDArray | None = None
    texts: Mapping[str, NDArray] = field(default_factory=dict)

    @property
    def mean(self) -> NDArray[np.float32]:
        """Of the scores that texts' labels are ranked by. Shapes: → (N, K)."""
        return np.asarray(np.mean([self.scores[name] for name in self.ranked_by], axis=0), dtype=np.float32)


@dataclass(frozen=True)
class Pairs:
    """Shapes: text, label (P,) positions, figures (P, C), whose names are ``names``; of all there are (N, K)."""

    text: NDArray[np.int64]
    label: NDArray[np.int64]
    figures: NDArray[np.float32]
    names: tuple[str, ...]
    shape: tuple[int, int]

    def spread(self, values: NDArray) -> NDArray[np.float64]:
        """A value a pair as a matrix, 0 where nobody proposed anything. Shapes: (P,) → (N, K)."""
        out = np.zeros(self.shape, dtype=np.float64)
        out[self.text, self.label] = values
        return out


def pairs(evidence: Evidence, per_text: int = PER_TEXT) -> Pairs:
    """Each text's best labels and those that it names, with every figure of them."""
    mean = evidence.mean
    order = np.argsort(-mean, axis=1, kind="stable")
    chosen = np.zeros(mean.shape, dtype=bool)
    np.put_along_axis(chosen, order[:, :per_text], True, axis=1)
    if evidence.mentions is not None:
        chosen |= evidence.mentions[:, :, FIGURES.index("by_name")] > 0
    n, k = np.nonzero(chosen)
    figures: dict[str, NDArray] = {"rank": np.argsort(order, axis=1)[n, k], "known": np.log1p(evidence.known[n, k])}
    for name, scores in evidence.scores.items():
        figures[name] = scores[n, k]
        figures[name + " over the others"] = _over_the_others(scores)[n, k]
    figures |= {name: np.asarray(values)[n] for name, values in evidence.texts.items()}
    figures["expected labels"] = expit(STEEP * mean).sum(axis=1)[n]
    best = -np.sort(-mean, axis=1)
    figures |= {f"best {at + 1}": best[n, at] for at in range(min(TOP, best.shape[1]))}
    if evidence.implied is not None:
        figures |= {"implied by all": evidence.implied[n, k, 0], "implied by one": evidence.implied[n, k, 1]}
    if evidence.mentions is not None:
        figures |= _said(evidence.mentions, n, k)
    table = np.stack([np.asarray(each, dtype=np.float32) for each in figures.values()], axis=1)
    return Pairs(n.astype(np.int64), k.astype(np.int64), table, tuple(figures), (mean.shape[0], mean.shape[1]))


def implied(mean: NDArray, y: NDArray) -> NDArray[np.float32]:
    """What a text's other labels j say of label k: P(j) · P(k | j), summed over j, and the largest.

    P(j) is a rough probability from the teachers' mean margin; P(k | j) is counted in y, of texts that are not asked.
    Shapes: mean (N, K), y (N', K) → (N, K, 2).
    """
    truth = (np.asarray(y) > 0).astype(np.float32)
    together = truth.T @ truth
    given = (together + 0.5) / (np.diag(together)[:, None] + 2)  # (j, k); of a label never seen, a quarter
    np.fill_diagonal(given, 0)
    likely = expit(STEEP * np.asarray(mean, dtype=np.float32))
    out = np.zeros((*likely.shape, 2), dtype=np.float32)
    out[:, :, 0] = likely @ given
    for j in range(likely.shape[1]):  # label by label, so that nothing of size N · K · K is ever there
        np.maximum(out[:, :, 1], likely[:, j, None] * given[j], out=out[:, :, 1])
    return out


def _over_the_others(scores: NDArray) -> NDArray[np.float32]:
    """How far a label's score lies above the text's best other one. Shapes: (N, K) → (N, K)."""
    found = np.asarray(scores, dtype=np.float32)
    if found.shape[1] == 1:
        return found
    two = -np.partition(-found, 1, axis=1)[:, :2]
    return found - np.where(found >= two[:, :1], two[:, 1:], two[:, :1])


def _said(mentions: NDArray, n: NDArray, k: NDArray) -> dict[str, NDArray]:
    """What a text says of the pair's label, and of the others."""
    weight = 3 * mentions[:, :, 0] + mentions[:, :, 1] + 0.3 * mentions[:, :, 2]  # a title's word counts most
    named = (mentions[:, :, FIGURES.index("by_name")] > 0).sum(axis=1)
    return {
        **{name: mentions[n, k, at] for at, name in enumerate(FIGURES)},
        "mentions": weight[n, k],
        "mentions of others": weight.sum(axis=1)[n] - weight[n, k],
        "most mentions": weight.max(axis=1)[n],
        "labels named": named[n],
    }
