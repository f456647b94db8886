"""A corpus cut down: some labels of many, some texts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from core.experiments.corpus import Corpus


def commonest(corpus: Corpus, *, labels: int = 0, texts: int = 0) -> Corpus:
    """The so many commonest labels and the first texts that have any of them; 0 keeps all. Order: the texts' hashes."""
    kept = corpus.y[:, : labels or None]
    rows = np.flatnonzero(kept.any(axis=1))[: texts or None] if labels else np.arange(len(kept))[: texts or None]
    order = np.argsort(-kept[rows].sum(axis=0), kind="stable")  # the commonest first, also in what is left
    return replace(
        corpus,
        texts=tuple(corpus.texts[n] for n in rows.tolist()),
        y=kept[rows][:, order],
        label_keys=tuple(corpus.label_keys[k] for k in order.tolist()),
    )
