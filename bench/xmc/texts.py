"""Made texts of characters with labels by Zipf's law, as a project has them: what a round of many labels is timed on.

Each label has words of its own and shares some with its topic; the rest of a text is common words. Values are made, so
that any number of labels can be had.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from bench.xmc.made import TOPIC, labels_of

FIRST, CHARACTERS = 0x4E00, 3_000  # of the ideographs, so many
WORDS, LEXICON = 8_000, 6  # words in all; words that a label, and that a topic, chooses from
OWN, OF_TOPIC, NOISE = 4, 2, 20  # a text's words: of each label, of its topic, of none


def texts_of(labels: int, texts: int, *, seed: int = 0) -> tuple[list[str], sp.csr_matrix]:
    """Texts of some 90 characters, and their labels, one to five each. Shapes: → (N,), (N, K)."""
    rng = np.random.default_rng(seed)
    y = labels_of(labels, texts, 0, rng)
    words = _words(WORDS, rng)
    own, shared = (rng.integers(0, WORDS, size=(n, LEXICON)) for n in (labels, labels // TOPIC + 1))
    topic = rng.permutation(labels) // TOPIC
    heights = 1 / np.arange(1, WORDS + 1)
    noise = rng.choice(WORDS, size=(texts, NOISE), p=heights / heights.sum())
    out = []
    for n in range(texts):
        mine = y.indices[y.indptr[n] : y.indptr[n + 1]]
        parts = [noise[n]]
        parts += [own[k, rng.integers(0, LEXICON, OWN)] for k in mine]
        parts += [shared[topic[k], rng.integers(0, LEXICON, OF_TOPIC)] for k in mine]
        out.append("".join(words[at] for at in rng.permutation(np.concatenate(parts))) + "。" + str(n))
    return out, y


def _words(many: int, rng: np.random.Generator) -> list[str]:
    drawn: NDArray[np.int64] = rng.integers(FIRST, FIRST + CHARACTERS, size=(many, 3))
    long = rng.integers(2, 4, size=many)
    return ["".join(chr(c) for c in row[:n]) for row, n in zip(drawn, long, strict=True)]
