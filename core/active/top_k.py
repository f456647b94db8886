"""Acquisition where each text names its likeliest labels alone: label sets of hundreds or thousands.

What a label that is not named would add is nothing: its probability counts as 0. So all is reckoned on P lists and not
on P by K numbers. Strategies that look at all labels, at a committee or at one text after another are not served here
(``serves``): ``queue.FALLBACK`` then stands in for them, as where a lane lacks what they need.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from core.active import queue
from core.active.candidates import Rows
from core.active.likeness import first_of_each
from core.active.long_tail import FEW, MORE, OWN
from core.active.need import need
from core.active.order import ordered
from core.active.select import EXPLORE_EVERY_UNSEEN, Ranked, with_chance
from core.active.uncertainty import entropy

_EDGE = 1e-6


@dataclass(frozen=True, kw_only=True)
class TopCandidates:
    """P texts to choose from. Shapes: probs (P, K) sparse, what is not stored is 0; thresholds, positives (K,).

    ``need`` (K,), ``words`` (P, K) sparse and ``embeddings`` (P, D) as in ``Candidates``.
    Raises ValueError: shapes that do not match, or values that are no probabilities.
    """

    probs: sp.csr_matrix
    thresholds: NDArray[np.float64]
    positives: NDArray[np.int64]
    need: NDArray[np.float64] | None = None
    words: sp.csr_matrix | None = None
    embeddings: Rows | None = None

    def __post_init__(self) -> None:
        texts, labels = self.probs.shape
        shapes = [np.shape(each) for each in (self.thresholds, self.positives, self.need) if each is not None]
        words = [self.words] if self.words is not None else []
        if any(shape != (labels,) for shape in shapes) or any(each.shape != self.probs.shape for each in words):
            raise ValueError(f"probabilities of shape {self.probs.shape} with {shapes}")
        for each in (self.probs.data, np.asarray(self.thresholds), *(each.data for each in words)):
            if each.size and not (each.min() >= 0 and each.max() <= 1):
                raise ValueError("probabilities, thresholds and words must lie in 0 … 1")
        if self.embeddings is not None and self.embeddings.shape[0] != texts:
            raise ValueError(f"{self.embeddings.shape[0]} embeddings of {texts} texts")

    def __len__(self) -> int:
        return int(self.probs.shape[0])

    @property
    def sought(self) -> NDArray[np.bool_]:
        """Labels that are looked for by their words. Shapes: → (K,)."""
        return self.positives < FEW if self.words is not None else np.zeros(self.probs.shape[1], dtype=bool)

    @property
    def shares(self) -> NDArray[np.float64]:
        """Each label's share of a batch, as ``long_tail.shares``; 0 for one that no text names. Shapes: → (K,)."""
        given = need(self.positives) if self.need is None else np.asarray(self.need, dtype=np.float64)
        known = self.positives > 0
        if self.words is not None:
            known |= np.diff(self.words.tocsc().indptr) > 0
        seen = np.where(known, given, 0.0)
        total = np.sort(seen).sum()
        return seen / total if total > 0 else np.full(len(given), 1 / max(1, len(given)))


Own = Callable[[TopCandidates], sp.csr_matrix]  # what a text teaches each label that it names (P, K)


def benefit(candidates: TopCandidates) -> sp.csr_matrix:
    """q·H(q) of each label that a text names, and of one that is sought half its words. Shapes: → (P, K)."""
    q = _relative(candidates)
    q.data *= entropy(q.data)
    by_words = candidates.sought
    if candidates.words is None or not by_words.any():
        return q
    kept = q @ sp.diags((~by_words).astype(np.float64))
    found = sp.csr_matrix(kept + candidates.words @ sp.diags(by_words / 2.0))
    found.eliminate_zeros()
    return found


def _relative(candidates: TopCandidates) -> sp.csr_matrix:
    """As ``scores.relative``: each label's threshold lies at one half."""
    out = sp.csr_matrix(candidates.probs, dtype=np.float64, copy=True)
    t = np.asarray(candidates.thresholds, dtype=np.float64).clip(_EDGE, 1 - _EDGE)[out.indices]
    yes, no = out.data * (1 - t), (1 - out.data) * t
    out.data = yes / (yes + no)
    return out


def _entropies(candidates: TopCandidates) -> sp.csr_matrix:
    out = sp.csr_matrix(candidates.probs, dtype=np.float64, copy=True)
    out.data = entropy(out.data)
    return out


def _seen_entropies(candidates: TopCandidates) -> sp.csr_matrix:
    out = _relative(candidates)
    out.data = entropy(out.data)
    return out


def _by_rarity(candidates: TopCandidates) -> sp.csr_matrix:
    weights = np.where(candidates.positives > 0, need(candidates.positives), 0.0)
    total = np.sort(weights).sum()
    return sp.csr_matrix(_seen_entropies(candidates) @ sp.diags(weights / (total if total > 0 else 1.0)))


_SUMMED: dict[str, Own] = {
    "mean_entropy": _entropies, "threshold_entropy": _seen_entropies, "tail_uncertainty": _by_rarity,
}  # fmt: skip
_GREATEST: dict[str, Own] = {"max_entropy": _entropies}


def serves(name: str) -> bool:
    """Whether a strategy can choose by lists of likely labels."""
    return name in (queue.FALLBACK, queue.CHANCE, *_SUMMED, *_GREATEST)


def looks(name: str) -> bool:
    """Whether the strategy, or what stands in for it, looks at need, words and embeddings."""
    return name == queue.FALLBACK or not serves(name)


def ranked(
    name: str, candidates: TopCandidates, rng: np.random.Generator, *, limit: int | None = None,
    explore_share: float = queue.EXPLORE_SHARE,
) -> list[Ranked]:  # fmt: skip
    """As ``queue.ranked``; a strategy that is not served is ``queue.FALLBACK``."""
    name = name if serves(name) else queue.FALLBACK
    size = len(candidates) if limit is None else min(limit, len(candidates))
    if size <= 0:
        return []
    parts = sp.csr_matrix(benefit(candidates) @ sp.diags(candidates.shares))
    scores = _sums(parts)
    if name == queue.FALLBACK:
        chosen = choose(candidates, size, rng)
    elif name == queue.CHANCE:
        chosen = rng.permutation(len(candidates))[:size]
    else:
        worth, parts = (_SUMMED.get(name) or _GREATEST[name])(candidates), _by_rarity(candidates)
        scores = _sums(worth) if name in _SUMMED else worth.max(axis=1).toarray().ravel()
        chosen = ordered(scores, size, rng.random(len(candidates)))
    order, by_chance = with_chance(chosen, _every(explore_share, name, candidates), rng, of=len(candidates))
    by_chance |= name == queue.CHANCE
    labels = _speaking(parts, candidates.probs)[order]
    p = np.asarray(candidates.probs[order, labels]).ravel()
    cuts = np.asarray(candidates.thresholds, dtype=np.float64)[labels]
    columns = (order, scores[order], labels, p, cuts, by_chance, candidates.sought[labels])
    return [Ranked(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]


def choose(candidates: TopCandidates, size: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """A batch as ``long_tail.choose`` makes it, from labels that are named. Ties fall by lot. Shapes: → (size,)."""
    own, of_label = benefit(candidates), candidates.shares
    lots = rng.random(len(candidates))
    turns = _Turns(own, of_label, lots)
    if candidates.embeddings is None:
        return turns.first(size)
    read = size
    while True:
        read = min(len(candidates), max(read + 1, round(read * MORE)))
        order = turns.first(read)
        kept = first_of_each(order, candidates.embeddings, size)
        if len(kept) == size:
            return kept
        if read == len(candidates):
            return np.concatenate([kept, order[~np.isin(order, kept)]])[:size]


class _Turns:
    """Labels in turns by their shares; each takes the best text that names it and is left. Shapes: (P, K), (K,), (P,).

    A label whose texts are all taken gives up its turns; what no label takes comes last, by lot.
    """

    def __init__(self, own: sp.csr_matrix, of_label: NDArray[np.float64], lots: NDArray[np.float64]) -> None:
        columns = own.tocsc()
        total = _sums(sp.csr_matrix(own @ sp.diags(of_label)))
        self.labels = np.flatnonzero((of_label > 0) & (np.diff(columns.indptr) > 0))
        self.gain, self.lots = of_label[self.labels], lots
        self.texts, self.values = [], []
        for k in self.labels.tolist():
            part = slice(columns.indptr[k], columns.indptr[k + 1])
            at, value = columns.indices[part], OWN * columns.data[part] + total[columns.indices[part]]
            order = np.lexsort((lots[at], -value))
            self.texts.append(at[order])
            self.values.append(value[order])
        self.at = np.zeros(len(self.labels), dtype=np.int64)
        self.credit = np.zeros(len(self.labels))
        self.taken: list[int] = []
        self.left = np.ones(len(lots), dtype=bool)

    def first(self, size: int) -> NDArray[np.int64]:
        """The order's beginning; asked again for more it goes on."""
        while len(self.taken) < size and self._turn():
            pass
        if len(self.taken) < size:
            rest = np.flatnonzero(self.left)
            self.taken += rest[np.argsort(self.lots[rest])].tolist()
            self.left[:] = False
        return np.array(self.taken[:size], dtype=np.int64)

    def _turn(self) -> bool:
        self.credit += self.gain
        while True:
            top = self.credit.max(initial=-np.inf)
            if top == -np.inf:
                return False
            best = [n for n in np.flatnonzero(self.credit == top).tolist() if self._has_next(n)]
            if best:
                break
        mine = min(best, key=lambda n: (-self.values[n][self.at[n]], self.lots[self.texts[n][self.at[n]]]))
        chosen = int(self.texts[mine][self.at[mine]])
        self.credit[mine] -= 1
        self.left[chosen] = False
        self.taken.append(chosen)
        return True

    def _has_next(self, n: int) -> bool:
        texts, at = self.texts[n], int(self.at[n])
        while at < len(texts) and not self.left[texts[at]]:
            at += 1
        self.at[n] = at
        if at == len(texts):
            self.credit[n], self.gain[n] = -np.inf, 0.0
        return at < len(texts)


def _sums(parts: sp.csr_matrix) -> NDArray[np.float64]:
    return np.asarray(parts.sum(axis=1), dtype=np.float64).ravel()


def _speaking(parts: sp.csr_matrix, probs: sp.csr_matrix) -> NDArray[np.int64]:
    """The label that adds most to each text, or is likeliest where none adds anything. Shapes: (P, K) both → (P,)."""
    labels = np.asarray(parts.argmax(axis=1)).ravel()
    silent = parts.max(axis=1).toarray().ravel() <= 0
    if silent.any():
        labels[silent] = np.asarray(probs[silent].argmax(axis=1)).ravel()
    return labels.astype(np.int64)


def _every(share: float, name: str, candidates: TopCandidates) -> int:
    if share <= 0 or name == queue.CHANCE:
        return 0
    every = max(1, round(1 / share))
    return every if (candidates.positives > 0).all() else min(every, EXPLORE_EVERY_UNSEEN)
