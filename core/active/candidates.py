"""What an acquisition strategy may look at: arrays of the candidates and of what is labelled, checked once."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray

from core.active.scores import dense

Rows: TypeAlias = NDArray[np.float64] | sp.csr_matrix  # one row a text, of length one; dense or sparse


@dataclass(frozen=True, kw_only=True)
class Candidates:
    """P texts to choose from, with K labels; L texts are labelled.

    Shapes: probs (P, K) dense; thresholds (K,); labelled_y (L, K) of 0 and 1; labelled_probs (L, K), out of sample
    where there are such; likely (P, K), what a finder beside the learner says, above 0.5 where the label is likely;
    committee (M, P, K), a probability of each member; teacher (P, K), what the teachers say
    together; embeddings (P, D) and labelled_embeddings (L, D), rows of length one; need (K,) ≥ 0, the share of a batch
    that each label is to get, where the caller knows better than the labels' support; words (P, K) in 0 … 1, how much
    of a label's own words a text has, for labels that hardly a text has been given yet.

    Raises ValueError: shapes that do not match, or values that are no probabilities.
    """

    probs: ArrayLike
    thresholds: ArrayLike
    labelled_y: ArrayLike
    likely: ArrayLike | None = None
    labelled_probs: ArrayLike | None = None
    committee: ArrayLike | None = None
    teacher: ArrayLike | None = None
    embeddings: Rows | None = None
    labelled_embeddings: Rows | None = None
    need: ArrayLike | None = None
    words: ArrayLike | None = None
    positives: NDArray[np.int64] = field(init=False)  # (K,) so far

    def __post_init__(self) -> None:
        p, t = dense(self.probs, self.thresholds)
        y = np.asarray(self.labelled_y)
        if y.ndim != 2 or y.shape[1] != p.shape[1] or not np.isin(y, (0, 1)).all():
            raise ValueError(f"labels of shape {y.shape} for {p.shape[1]} labels, of 0 and 1")
        self._keep(probs=p, thresholds=t, labelled_y=y.astype(np.int8), positives=y.sum(axis=0).astype(np.int64))
        self._probabilities("labelled_probs", (len(y), p.shape[1]))
        self._probabilities("teacher", p.shape)
        self._probabilities("likely", p.shape)
        self._probabilities("words", p.shape)
        self._probabilities("committee", (-1, *p.shape))
        for name, rows in (("embeddings", len(p)), ("labelled_embeddings", len(y))):
            found = getattr(self, name)
            if found is not None and (found.ndim != 2 or found.shape[0] != rows):
                raise ValueError(f"{name} of shape {found.shape} for {rows} texts")
        if self.need is not None:
            need = np.asarray(self.need, dtype=np.float64)
            if need.shape != t.shape or not (need >= 0).all() or not np.isfinite(need).all():
                raise ValueError(f"need must be one finite number ≥ 0 a label, not {self.need!r}")
            self._keep(need=need)

    def __len__(self) -> int:
        return len(np.asarray(self.probs))

    @property
    def n_labels(self) -> int:
        return int(np.shape(self.probs)[1])

    def at(self, rows: NDArray[np.int64]) -> Candidates:
        """The same state with only these candidates, in this order."""
        given: dict[str, Any] = {"probs": np.asarray(self.probs)[rows]}
        for name in ("teacher", "likely", "words", "embeddings"):
            if getattr(self, name) is not None:
                given[name] = getattr(self, name)[rows]
        if self.committee is not None:
            given["committee"] = np.asarray(self.committee)[:, rows]
        return replace(self, **given)

    def _keep(self, **values: Any) -> None:
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def _probabilities(self, name: str, shape: tuple[int, ...]) -> None:
        if getattr(self, name) is None:
            return
        found = np.asarray(getattr(self, name), dtype=np.float64)
        fits = found.ndim == len(shape) and all(want in (-1, got) for want, got in zip(shape, found.shape, strict=True))
        if not fits or (found.size and not (found.min() >= 0 and found.max() <= 1)):
            raise ValueError(f"{name} of shape {found.shape} must be probabilities of shape {shape}")
        self._keep(**{name: found})
