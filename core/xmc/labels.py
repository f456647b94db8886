"""What a label looks like: the mean of the texts that carry it. Source: chang2020, stage 1 (PIFA)."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.preprocessing import normalize

from core.errors import LabelWithoutPositives


def pifa(texts: sp.csr_matrix | NDArray, y: sp.csr_matrix) -> sp.csr_matrix | NDArray[np.float32]:
    """Each label's texts summed, a text with many labels counting less for each of them; rows of length one.

    ``texts`` are weighted grams (PIFA-TF-IDF) or embeddings (PIFA-neural). A label that no text carries is a row of
    zeros. Shapes: texts (N, D), y (N, K) → (K, D), sparse where ``texts`` are.
    """
    shares = normalize(as_labels(y, texts.shape[0]).astype(np.float32)).T.tocsr()  # (K, N)
    if sp.issparse(texts):
        return normalize(sp.csr_matrix(shares @ texts))
    return np.asarray(normalize(shares @ np.asarray(texts, dtype=np.float32)), dtype=np.float32)


def joined(*parts: sp.csr_matrix | NDArray) -> sp.csr_matrix:
    """Rows of length one of each part, beside each other, of length one again. Shapes: (N, D) each → (N, ΣD)."""
    each = [normalize(sp.csr_matrix(part, dtype=np.float32)) for part in parts]
    return each[0] if len(each) == 1 else normalize(sp.hstack(each, format="csr", dtype=np.float32))


def as_labels(y: sp.csr_matrix | NDArray, texts: int) -> sp.csr_matrix:
    """0 and 1 without stored zeros. Raises ValueError: another number of rows than texts, or no text."""
    if y.ndim != 2 or y.shape[0] != texts or not texts:
        raise ValueError(f"{texts} texts, but labels of shape {y.shape}")
    out = sp.csr_matrix(y, dtype=np.float32, copy=True)
    out.sum_duplicates()
    out.eliminate_zeros()
    out.data[:] = 1
    return out


def all_seen(y: sp.csr_matrix, keys: tuple[str, ...] | None = None) -> None:
    """Raises LabelWithoutPositives: a label that no text carries, which neither a tree nor a ranker can place."""
    unseen = np.flatnonzero(np.asarray(y.sum(axis=0)).ravel() == 0)
    if len(unseen):
        named = [keys[k] if keys else str(k + 1) for k in unseen[:10]]
        raise LabelWithoutPositives(labels="、".join(named) + (" …" if len(unseen) > 10 else ""))
