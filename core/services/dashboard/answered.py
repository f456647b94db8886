"""A round's answers on gold as arrays, cut as the round cut them, and two models' or rounds' answers side by side."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from sqlite_utils import Database

from core.evaluate.metrics import macro_bounds
from core.evaluate.paired import Gain, Paired, paired_f1
from db import answers, rounds
from db.records import Metric

MODELS = ("student", "standalone", "teacher", "linear", "svm")
Figures = Mapping[tuple[str, str], Metric]  # by model and scope
T = TypeVar("T")
_MOST = 64  # results that are kept; each is a few numbers a label
_drawn: OrderedDict[tuple[object, ...], object] = OrderedDict()
_guard = threading.Lock()


@dataclass(frozen=True, kw_only=True)
class Answered:
    """What one model said of N gold texts. Shapes: documents (N,); truth, probs (N, K); thresholds (K,)."""

    round: int
    model: str
    keys: tuple[str, ...]
    documents: NDArray[np.int64]
    truth: NDArray[np.bool_]
    probs: NDArray[np.float32]
    thresholds: NDArray[np.float64]  # NaN for a label that the round gave none

    @cached_property
    def place(self) -> dict[str, int]:
        """Key → position among the labels."""
        return {key: k for k, key in enumerate(self.keys)}

    @property
    def named(self) -> NDArray[np.bool_]:
        """Its decisions. Shapes: → (N, K)."""
        return np.asarray(self.probs >= self.thresholds)


@dataclass(frozen=True, kw_only=True)
class Compared:
    """``paired`` over ``keys`` in that order: those labels which both answered."""

    keys: tuple[str, ...]
    paired: Paired

    @cached_property
    def place(self) -> dict[str, int]:
        """Key → position among the labels."""
        return {key: k for k, key in enumerate(self.keys)}

    def of(self, scope: str) -> Gain | None:
        """Of a label, of macro or of tail; None where it was not compared."""
        if scope in self.place:
            return self.paired.labels[self.place[scope]]
        return {"macro": self.paired.macro, "tail": self.paired.tail}.get(scope)


def figures_of(db: Database, project_id: int, number: int) -> Figures:
    """A round's figures on gold."""
    found = rounds.metrics(db, project_id, number=number)
    return {(each.model, each.scope): each for each in found if each.split == "gold"}


def answered(db: Database, project_id: int, number: int, model: str, figures: Figures) -> Answered | None:
    """One model's answers of a published round; None where none were kept, or no text or label was answered."""
    found = answers.peek(db, project_id, number, model)
    if found is None or not found["documents"] or not found["keys"]:
        return None
    keys = found["keys"]
    cuts = [figures[model, key].threshold if (model, key) in figures else None for key in keys]
    documents = np.frombuffer(found["documents"], dtype="<i8").astype(np.int64)
    shape = (len(documents), len(keys))
    return Answered(
        round=number, model=model, keys=keys, documents=documents,
        truth=np.frombuffer(found["truth"], dtype="u1").reshape(shape) > 0,
        probs=np.frombuffer(found["probabilities"], dtype="<f4").reshape(shape),
        thresholds=np.array([np.nan if cut is None else cut for cut in cuts], dtype=np.float64),
    )  # fmt: skip


def compared(first: Answered | None, second: Answered | None, rare: Collection[str]) -> Compared | None:
    """How much better the first is on the texts and labels that both answered, by the first's truth.

    ``rare``: keys of the tail. None where there is nothing in common.
    """
    if first is None or second is None:
        return None
    keys = [key for key in first.keys if key in second.place and _cut(first, key) and _cut(second, key)]
    _, a, b = np.intersect1d(first.documents, second.documents, return_indices=True)
    if not keys or not len(a):
        return None
    mine, theirs = (np.array([each.place[key] for key in keys]) for each in (first, second))
    at, other = np.ix_(a, mine), np.ix_(b, theirs)
    tail = [n for n, key in enumerate(keys) if key in rare]
    of = first.truth[at], first.named[at], second.named[other]
    return Compared(keys=tuple(keys), paired=_once(lambda: paired_f1(*of, tail=tail), "paired", tuple(tail), *of))


def mean_bounds(found: Answered, keys: Sequence[str]) -> tuple[float, float]:
    """The interval of these labels' mean F1; there is a label, and a text."""
    places = [found.place[key] for key in keys]
    of = found.named[:, places], found.truth[:, places]
    return _once(lambda: macro_bounds(*of), "mean", *of)


def _once(make: Callable[[], T], what: str, *given: NDArray | tuple[int, ...]) -> T:
    """Drawn anew, the same answers give the same: no decision between two rounds changes any of them."""
    told = (
        each if isinstance(each, tuple) else (each.shape, hashlib.sha256(each.tobytes()).digest()) for each in given
    )
    key = (what, *told)
    with _guard:
        if key in _drawn:
            _drawn.move_to_end(key)
            return _drawn[key]  # type: ignore[return-value]  # what ``make`` gave for this key
    made = make()
    with _guard:
        _drawn[key] = made
        while len(_drawn) > _MOST:
            _drawn.popitem(last=False)
    return made


def _cut(answers: Answered, key: str) -> bool:
    return bool(np.isfinite(answers.thresholds[answers.place[key]]))
