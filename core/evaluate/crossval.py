"""Cross-validation folds of a multi-label corpus, dealt out from the rarest label first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from iterstrat.ml_stratifiers import MultilabelStratifiedKFold
from numpy.typing import NDArray

from core.errors import BadSetting
from core.seeds import derive
from core.splits import canonical_order, hold_out


@dataclass(frozen=True)
class Fold:
    """Positions of one fold's texts; the three parts are disjoint and together all texts."""

    train: NDArray[np.int64]
    valid: NDArray[np.int64]
    test: NDArray[np.int64]


def fold_numbers(texts: Sequence[str], y: NDArray, *, n_folds: int, seed: int) -> NDArray[np.int64]:
    """Which fold tests each text; it depends on what the texts say, not on their order.

    Shapes: y (N, K) → (N,) of 0 … n_folds - 1. Raises BadSetting: fewer texts than folds.
    Source: sechidis2011, which lee2022kd follows: the rarest label's texts are dealt out first.
    """
    if not 2 <= n_folds <= max(len(texts), 1):
        raise BadSetting(field="folds", value=n_folds, why=f"2 … {len(texts)} (number of texts)")
    order = canonical_order(texts)
    labels = _two_columns(np.asarray(y)[order] > 0)
    splitter = MultilabelStratifiedKFold(n_folds, shuffle=True, random_state=derive(seed, "folds") % 2**32)
    found = np.empty(len(texts), dtype=np.int64)
    for number, (_, test) in enumerate(splitter.split(np.zeros((len(labels), 1)), labels)):
        found[order[test]] = number
    return found


def fold(texts: Sequence[str], y: NDArray, numbers: NDArray, number: int, *, valid_share: float, seed: int) -> Fold:
    """One fold's parts; validation comes out of the training part by the same stratification.

    Raises BadSetting: the training part has fewer than two texts.
    """
    rest = np.flatnonzero(numbers != number)
    if len(rest) < 2:
        raise BadSetting(
            field="folds", value=int(numbers.max()) + 1, why=f"{len(rest)} training texts in fold {number}"
        )
    labels = _two_columns(np.asarray(y)[rest] > 0).astype(np.int8)
    train, valid = hold_out([texts[int(n)] for n in rest], labels, share=valid_share, seed=derive(seed, "fold", number))
    return Fold(train=rest[train], valid=rest[valid], test=np.flatnonzero(numbers == number))


def shares(y: NDArray, numbers: NDArray) -> NDArray[np.float64]:
    """The share of each fold's texts that carry each label. Shapes: y (N, K), numbers (N,) → (F, K)."""
    y = np.asarray(y) > 0
    folds = range(int(numbers.max()) + 1)
    return np.array([y[numbers == f].mean(axis=0) if (numbers == f).any() else np.zeros(y.shape[1]) for f in folds])


def _two_columns(labels: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """With a single label in use the labels twice: the stratifier wants two columns that something carries."""
    return np.hstack([labels, labels]) if labels.shape[1] == 1 or labels.any(axis=0).sum() == 1 else labels
