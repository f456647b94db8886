"""Reuters-21578 (ModApte, 90 labels) in the parts of huang2021, found again by their numbers alone.

They draw 1,000 validation texts of 7,769 by scikit-learn's ``train_test_split(random_state=123)``, which is a
permutation of NumPy's; the texts stand in the order of their numbers. A file made from Reuters' own SGML has one
training text more. It is one of three, and each of them, left out, gives the published figures: the first is left out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.errors import BadFile
from core.evaluate.bands import Band
from core.experiments.corpus import labelled_rows
from core.experiments.parted import Parted, by_frequency
from core.export.datasets import Row

TRAINING, VALID, TEST, LABELS = 7_769, 1_000, 3_019, 90
SEED = 123
NAME = "reuters90"
EXTRA = (1656, 1675, 1680)  # all of them "trade" alone
HEAD, TAIL = 35, 8  # training texts: a head label has so many at least, a tail label at most
QUANTILES = {0.25: 5.0, 0.33: 9.0, 0.5: 17.5, 0.66: 33.74, 0.75: 59.75}  # of the labels' counts, as published
MEAN_R = 0.8118253777884384  # the mean rebalancing weight of a text and its label, as published
_ID = re.compile(r"(?:train|training|test)/(\d+)|(\d+)")


def load(path: Path) -> Parted:
    """6,769 training, 1,000 validation and 3,019 test texts; bands are the paper's 30, 31 and 29 labels.

    Texts that stand twice in the corpus stay: so they did in the paper.
    Raises BadFile: unreadable, or not that corpus (``detail`` says in what). BadRows.
    """
    rows, silent = labelled_rows(path)
    if silent:
        raise _other(path, f"{silent:,} rows have no labels")
    numbers = [_number(path, row) for row in rows]
    order = np.argsort(numbers, kind="stable")
    training = [int(n) for n in order if rows[n].split == "train"]
    test = [int(n) for n in order if rows[n].split == "test"]
    labels = len({label for row in rows for label in row.labels or ()})
    for have, need, what in (
        (len(training) + len(test), len(rows), "rows of the splits “train” and “test”"),
        (len(test), TEST, "test texts"),
        (labels, LABELS, "labels"),
        (len(set(zip((row.split for row in rows), numbers, strict=True))), len(rows), "distinct ids"),
    ):
        if have != need:
            raise _other(path, f"{have:,} {what}, not {need:,}")
    if len(training) == TRAINING:
        parts = [(0, training)]
    elif len(training) == TRAINING + 1:
        parts = [(extra, [n for n in training if numbers[n] != extra]) for extra in EXTRA]
    else:
        raise _other(path, f"{len(training):,} training texts, not {TRAINING:,}")
    found = [_parted(path, rows, kept, test, extra) for extra, kept in parts if len(kept) == TRAINING]
    same = [each for each in found if as_published(each.y[each.train])]
    if not same:
        raise _other(path, "the labels' frequencies are not the published ones")
    return same[0]


def as_published(y: NDArray) -> bool:
    """Whether training labels have the published quantiles of counts and mean weight r. Shapes: y (N, K)."""
    found = np.asarray(y, dtype=np.float64)
    counts = found.sum(axis=0)
    if not counts.all() or not found.any(axis=1).all():
        return False
    quantiles = np.quantile(counts, list(QUANTILES))
    return bool(np.allclose(quantiles, list(QUANTILES.values())) and abs(mean_r(found) - MEAN_R) < 1e-12)


def mean_r(y: NDArray) -> float:
    """Mean over all pairs of a text and its label of (1/n_i) / Σ_j (1/n_j), j being the text's labels.

    Shapes: y (N, K), a label or more in each row and column.
    """
    found = np.asarray(y, dtype=np.float64)
    text, label = np.nonzero(found)
    inverse = 1 / found.sum(axis=0)
    return float((inverse[label] / (found @ inverse)[text]).mean())


def bands_of(counts: NDArray) -> tuple[Band, ...]:
    """The paper's groups by training texts. Shapes: (K,) → K names."""
    return tuple("head" if n >= HEAD else "tail" if n <= TAIL else "medium" for n in counts)


def _number(path: Path, row: Row) -> int:
    found = _ID.fullmatch(row.id)
    if found is None:
        raise _other(path, f"row {row.line} has the id “{row.id}”, not one like train/1")
    return int(found[1] or found[2])


def _parted(path: Path, rows: Sequence[Row], training: list[int], test: list[int], extra: int) -> Parted:
    places = [*training, *test]
    sets = [frozenset(rows[n].labels or ()) for n in places]
    drawn = np.random.RandomState(SEED).permutation(TRAINING).astype(np.int64)
    keys, y = by_frequency(sets, drawn[VALID:])
    note = (
        f"One training text more than the {TRAINING:,} published: number {extra} was left out. "
        f"{', '.join(map(str, EXTRA))} all give the published figures, so which of them it is cannot be told."
    )
    return Parted(
        name=path.name,
        texts=tuple(rows[n].text for n in places),
        y=y,
        label_keys=keys,
        train=drawn[VALID:],
        valid=drawn[:VALID],
        test=np.arange(TRAINING, TRAINING + TEST, dtype=np.int64),
        bands=bands_of(y[drawn[VALID:]].sum(axis=0, dtype=np.int64)),
        rule="The parts are those of the paper, found again by the texts' numbers.",
        notes=(note,) if extra else (),
        benchmark=NAME,
    )


def _other(path: Path, detail: str) -> BadFile:
    return BadFile(name=path.name, why="not_reuters", detail=detail)
