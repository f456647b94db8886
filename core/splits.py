"""Validation texts: a stratified part of the labelled texts that is chosen by what they say, not by their order."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import scipy.sparse as sp
from iterstrat.ml_stratifiers import MultilabelStratifiedShuffleSplit
from numpy.typing import NDArray

from core.seeds import derive, numbers

_SMALL = 10  # fewer texts than this are split at random: there is nothing to stratify


def canonical_order(texts: Sequence[str]) -> NDArray[np.int64]:
    """Positions in the order of the texts' hashes, so that a split does not depend on how rows were read."""
    digests = [hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest() for text in texts]
    return np.array(sorted(range(len(texts)), key=lambda n: (digests[n], n)), dtype=np.int64)


def hold_out(
    texts: Sequence[str], y: NDArray, *, share: float, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Training and validation positions in canonical order; every label keeps a positive to train on.

    Shapes: y (N, K). N = 1 gives no validation text, N = 0 nothing.
    Source: sechidis2011 (iterative stratification), which lee2022kd starts from the rarest label.
    """
    n = len(texts)
    n_valid = min(max(1, round(share * n)), n - 1) if n > 1 else 0
    if n_valid == 0:
        return np.arange(n, dtype=np.int64), np.empty(0, dtype=np.int64)
    order = canonical_order(texts)
    labels = np.asarray(y)[order]
    valid = np.zeros(n, dtype=bool)
    valid[_draw(labels, n_valid, share, seed)] = True
    _rescue(labels, valid)
    return order[~valid], order[valid]


def hold_out_sparse(
    texts: Sequence[str], y: sp.csr_matrix, *, share: float, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """As ``hold_out``, for thousands of labels: drawn by lot, and every label keeps a positive to train on.

    Stratifying by labels that have two or three texts each would take hours, and give what lot gives. Texts that a
    label needs leave validation, so that it may be smaller. Shapes: y (N, K).
    """
    n = len(texts)
    n_valid = min(max(1, round(share * n)), n - 1) if n > 1 else 0
    order = canonical_order(texts)
    valid = np.zeros(n, dtype=bool)
    valid[numbers(seed, "valid").permutation(n)[:n_valid]] = True
    labels = y[order].tocsc()
    trained = np.asarray(labels.T @ (~valid).astype(np.float64)).ravel()
    for k in np.flatnonzero((trained == 0) & (np.diff(labels.indptr) > 0)):
        with_it = labels.indices[labels.indptr[k] : labels.indptr[k + 1]]
        if valid[with_it].all():  # one that was moved for another label may have it
            valid[with_it.min()] = False
    return order[~valid], order[valid]


def _draw(labels: NDArray, n_valid: int, share: float, seed: int) -> NDArray[np.int64]:
    used = labels[:, labels.any(axis=0)]  # a label that nothing has would only disturb the counts
    if len(labels) < _SMALL or used.shape[1] == 0:
        return numbers(seed, "valid").permutation(len(labels))[:n_valid]
    if used.shape[1] == 1:
        used = np.hstack([used, used])  # the stratifier wants two columns
    splitter = MultilabelStratifiedShuffleSplit(n_splits=1, test_size=share, random_state=derive(seed, "valid") % 2**32)
    _, chosen = next(splitter.split(np.zeros((len(used), 1)), used))
    return chosen


def _rescue(labels: NDArray, valid: NDArray[np.bool_]) -> None:
    """Swap a validation text into training for each label that training would otherwise lack."""
    for k in range(labels.shape[1]):
        positive = labels[:, k] > 0
        if not positive.any() or (positive & ~valid).any():
            continue
        moved = int(np.flatnonzero(positive)[0])
        valid[moved] = False
        if not valid.any():  # the only validation text: another takes its place, if one can be spared
            spare = [n for n in range(len(labels)) if n != moved and _spared(labels, valid, n)]
            if spare:
                valid[spare[0]] = True


def _spared(labels: NDArray, valid: NDArray[np.bool_], n: int) -> bool:
    rest = ~valid
    rest[n] = False
    return bool((labels[rest].any(axis=0) | ~labels[n].astype(bool)).all())
