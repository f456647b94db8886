"""A labelled corpus with one fixed test part: what is learned from, what is chosen by, what is measured on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.errors import BadFile
from core.evaluate.bands import Band, bands
from core.evaluate.crossval import fold_numbers
from core.experiments.corpus import MIN_TEXTS, labelled_rows
from core.export.datasets import Columns
from core.label_rules import MAX_LABELS
from core.splits import hold_out
from core.text.normalize import normalize

VALID_SHARE = 0.15  # of the texts that are not tested
TEST_FOLDS = 5  # one of them is the test part, where the file names none


@dataclass(frozen=True, kw_only=True)
class Parted:
    """Texts as they came, the commonest label first; the three parts are disjoint positions.

    Shapes: y (N, K) of 0 and 1. ``bands`` by the counts of the training part. ``rule`` says in a sentence how the parts
    were made, ``notes`` what was left out.
    """

    name: str
    texts: tuple[str, ...]
    y: NDArray[np.int8]
    label_keys: tuple[str, ...]
    train: NDArray[np.int64]
    valid: NDArray[np.int64]
    test: NDArray[np.int64]
    bands: tuple[Band, ...]
    rule: str
    notes: tuple[str, ...] = ()
    benchmark: str = ""  # whose published figures may stand beside ours

    @property
    def counts(self) -> NDArray[np.int64]:
        """Training texts of each label. Shapes: → (K,)."""
        return np.asarray(self.y[self.train].sum(axis=0, dtype=np.int64))

    @property
    def digest(self) -> str:
        """Changes with any text, label or part."""
        digest = hashlib.sha256(json.dumps(self.label_keys, ensure_ascii=False).encode())
        for part in (self.train, self.valid, self.test):
            for n in part:
                digest.update(hashlib.sha256(self.texts[n].encode("utf-8", "surrogatepass")).digest())
                digest.update(self.y[n].tobytes())
            digest.update(b"|")
        return digest.hexdigest()[:24]

    def at(self, part: NDArray[np.int64]) -> list[str]:
        """The texts of a part."""
        return [self.texts[n] for n in part]


def by_frequency(
    sets: Sequence[frozenset[str]], counted: NDArray[np.int64]
) -> tuple[tuple[str, ...], NDArray[np.int8]]:
    """Label keys, the commonest among the texts ``counted`` first, and who has them. Shapes: → (K,), (N, K)."""
    keys = sorted(frozenset().union(*sets))
    y = np.array([[key in chosen for key in keys] for chosen in sets], dtype=np.int8).reshape(len(sets), len(keys))
    order = np.argsort(-y[counted].sum(axis=0, dtype=np.int64), kind="stable")
    return tuple(keys[k] for k in order), y[:, order]


def load(path: Path, *, columns: Columns | None = None) -> Parted:
    """Any labelled file: rows whose split is ``test`` are tested, or else a stratified fifth of all.

    Validation is a stratified 15 % of the rest. Parts depend on what the texts say alone, and are the same for every
    seed of an experiment. Of equal texts one is kept, a tested one first.
    Raises BadFile: unreadable, without labels, too few texts or too many labels. BadRows.
    """
    rows, silent = labelled_rows(path, columns)
    rows.sort(key=lambda row: row.split != "test")  # stable
    kept: dict[str, tuple[frozenset[str], bool]] = {}
    for row in rows:
        kept.setdefault(normalize(row.text), (frozenset(row.labels or ()), row.split == "test"))
    texts, sets = list(kept), [labels for labels, _ in kept.values()]
    tested = np.array([test for _, test in kept.values()], dtype=bool)
    if not any(sets):
        raise BadFile(name=path.name, why="no_labels")
    if len(texts) < MIN_TEXTS or (tested.any() and len(texts) - tested.sum() < MIN_TEXTS):
        detail = f"{int((~tested).sum())} labelled texts to learn from, {MIN_TEXTS} are needed"
        raise BadFile(name=path.name, why="unreadable", detail=detail)
    if (have := len(frozenset().union(*sets))) > MAX_LABELS:
        raise BadFile(name=path.name, why="too_many_labels", have=have, limit=MAX_LABELS)
    rule = "The test part is the file's own"
    _, y = by_frequency(sets, np.arange(len(texts)))
    if not tested.any():
        rule = "The file names no test part: it is a stratified fifth"
        tested = fold_numbers(texts, y, n_folds=TEST_FOLDS, seed=0) == 0
    rest = np.flatnonzero(~tested)
    train, valid = hold_out([texts[n] for n in rest], y[rest], share=VALID_SHARE, seed=0)
    train, valid = rest[train], rest[valid]
    keys, y = by_frequency(sets, train)
    notes = [f"{silent} rows say nothing of labels and were left out."] if silent else []
    if len(rows) > len(texts):
        notes.append(f"{len(rows) - len(texts)} rows repeat another text and were left out.")
    notes += [f"No training text carries “{key}”." for key, n in zip(keys, y[train].sum(axis=0), strict=True) if not n]
    return Parted(
        name=path.name,
        texts=tuple(texts),
        y=y,
        label_keys=keys,
        train=train,
        valid=valid,
        test=np.flatnonzero(tested),
        bands=bands(y[train].sum(axis=0)),
        rule=f"{rule}; validation is a stratified {100 * VALID_SHARE:.0f} % of the rest.",
        notes=tuple(notes),
    )
