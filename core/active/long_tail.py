"""The product's own choice: each label has its share of a batch by need, and takes the texts that teach it most.

    benefit_k(x) = q_k · H(q_k) · (1 + JS_k)        q: the finder's, else that seen from the threshold
    value_k(x)   = benefit_k(x) / 3 + Σ_j need_j · benefit_j(x)

- *q · H(q)*, not H(q): what a rare label lacks is positives. Of two texts equally near the threshold the one above it
  is likelier to be one, and a negative more teaches it little (fairstein2024 weighs by probability likewise).
- *The finder* (``core.active.finder``) sees the passage for which a text has a label; the learner sees whole texts.
- *JS*, the divergence of teachers and student, where the teachers have scored the pool: where those disagree who
  learned from the same labels, a label settles more.
- *The sum behind it*: one reading answers all labels, so of two texts as good for the label in turn, the one that
  serves others too comes first. Turns with less of the sum served the rare labels no better, and the others worse.
- *Turns* go by need (``shares``): a label with a tenth of the need takes each tenth text, which the sum alone would
  not promise it.
- A label with hardly a positive is looked for by its own words (name, keywords, definition, examples), where they are
  given: the learner knows nothing of it yet. This is also the cold start, from no label at all. Without words a
  label nobody has seen has no say, and chance finds its first texts.
- Near-duplicates of a text that is in the batch already come last.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.active.candidates import Candidates
from core.active.committee import divergence
from core.active.likeness import first_of_each
from core.active.need import need
from core.active.order import added, ordered
from core.active.scores import relative
from core.active.uncertainty import entropy

FEW = 5  # positives, from which on the learner's probabilities are better than the label's words
OWN = 1 / 3  # what the label in turn counts beside all of them
MORE = 1.25  # read so much more than the batch at first: near-duplicates fall out


def shares(candidates: Candidates) -> NDArray[np.float64]:
    """Each label's share of a batch; 0 for one without positive and words, unless all are. Shapes: → (K,)."""
    given = need(candidates.positives) if candidates.need is None else np.asarray(candidates.need, dtype=np.float64)
    known = candidates.positives > 0
    if candidates.words is not None and len(candidates):
        known |= np.asarray(candidates.words).max(axis=0) > 0
    seen = np.where(known, given, 0.0)
    total = np.sort(seen).sum()
    return seen / total if total > 0 else np.full(len(given), 1 / max(1, len(given)))


def benefit(candidates: Candidates) -> NDArray[np.float64]:
    """What a text teaches each label, in 0 … 2. Shapes: → (P, K)."""
    if candidates.likely is None:
        q = relative(candidates.probs, candidates.thresholds)
    else:
        q = np.asarray(candidates.likely)
    found = q * entropy(q)
    if candidates.teacher is not None:
        found *= 1 + divergence(
            np.asarray(candidates.teacher), np.asarray(candidates.probs), np.asarray(candidates.thresholds)
        )
    by_words = sought(candidates)
    if by_words.any():
        found[:, by_words] = np.asarray(candidates.words)[:, by_words] / 2  # at most what a text at the threshold has
    return found


def sought(candidates: Candidates) -> NDArray[np.bool_]:
    """Labels that are looked for by their words. Shapes: → (K,)."""
    few = candidates.positives < FEW
    return few if candidates.words is not None else np.zeros_like(few)


def parts(candidates: Candidates) -> NDArray[np.float64]:
    """What each label adds to a text's score. Shapes: → (P, K)."""
    return benefit(candidates) * shares(candidates)


def choose(candidates: Candidates, size: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """A batch; a longer one begins with the shorter one. Ties fall by lot."""
    own, of_label = benefit(candidates), shares(candidates)
    values = OWN * own + added(own * of_label)[:, None]
    lots = rng.random(len(candidates))
    if candidates.embeddings is None:
        return _by_turns(values, of_label, lots, size)
    read = size
    while True:
        read = min(len(candidates), max(read + 1, round(read * MORE)))
        order = _by_turns(values, of_label, lots, read)
        kept = first_of_each(order, candidates.embeddings, size)
        if len(kept) == size:
            return kept
        if read == len(candidates):
            return np.concatenate([kept, order[~np.isin(order, kept)]])[:size]


def _by_turns(
    values: NDArray[np.float64], of_label: NDArray[np.float64], lots: NDArray[np.float64], size: int
) -> NDArray[np.int64]:
    """Labels take turns by their shares; each takes the best text for it that is left. Shapes: (P, K), (K,), (P,).

    Smooth weighted round robin: whose credit is greatest takes, and pays one. Equal credits go to the better text, then
    to the smaller lot, so that the order of the labels changes nothing.
    """
    labels = np.flatnonzero(of_label)
    orders = [ordered(values[:, k], size, lots).tolist() for k in labels]
    gain, credit = of_label[labels], np.zeros(len(labels))
    at = [0] * len(labels)
    taken: dict[int, None] = {}  # keeps the order
    while len(taken) < size:
        credit += gain
        for n, order in enumerate(orders):
            while order[at[n]] in taken:
                at[n] += 1
        best = np.flatnonzero(credit == credit.max()).tolist()
        turn = min(best, key=lambda n: (-values[orders[n][at[n]], labels[n]], lots[orders[n][at[n]]]))
        credit[turn] -= 1
        taken[orders[turn][at[turn]]] = None
    return np.fromiter(taken, dtype=np.int64, count=size)
