"""How far a project's people agree, before anything was settled and with what has been settled since."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from sqlite_utils import Database

from core.evaluate.agreement import LabelSet, as_votes, cohen_kappa, krippendorff_alpha, set_alpha
from core.services import membership, projects
from db import adjudications
from db.connect import reading


@dataclass(frozen=True, kw_only=True)
class LabelAgreement:
    """A label's alpha; None where nothing can be said."""

    key: str
    before: float | None
    after: float | None


@dataclass(frozen=True, kw_only=True)
class PairAgreement:
    """Two people: how many texts both have labelled, and their kappa on each label, in the labels' order."""

    people: tuple[int, int]
    names: tuple[str, str]
    n: int
    kappa: tuple[float | None, ...]

    @property
    def mean(self) -> float | None:
        known = [each for each in self.kappa if each is not None]
        return sum(known) / len(known) if known else None


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """Over the ``n`` texts that two or more have labelled, ``settled`` of them adjudicated.

    ``after``: as ``before``, with what is settled counting as agreed upon.
    """

    n: int
    settled: int
    before: float | None
    after: float | None
    labels: tuple[LabelAgreement, ...]
    pairs: tuple[PairAgreement, ...]


def agreement(db: Database, project_id: int, *, by: int) -> Agreement:
    """Alpha of whole label sets (MASI) and of each label, and kappa of each pair. Raises NotAllowed, NotFound."""
    with reading(db):
        membership.require_member(db, project_id, by, "reviewer")
        label_set = projects.project(db, project_id).label_set
        found = adjudications.read_twice(db, project_id)
    names = {each["user_id"]: each["who"] for each in found}
    before: dict[int, dict[int, LabelSet]] = {}
    after: dict[int, dict[int, LabelSet]] = {}
    settled = set()
    for each in found:
        document_id, mine = each["document_id"], frozenset(label_set.present(each["labels"]))
        before.setdefault(document_id, {})[each["user_id"]] = mine
        if each["settled"] is not None:
            settled.add(document_id)
            mine = frozenset(label_set.present(each["settled"]))
        after.setdefault(document_id, {})[each["user_id"]] = mine
    people = sorted(names)
    votes = [
        as_votes([list(text.items()) for text in each.values()], people, label_set.keys) for each in (before, after)
    ]
    alphas = [_known(krippendorff_alpha(each)) for each in votes]
    return Agreement(
        n=len(before),
        settled=len(settled),
        before=_one(set_alpha([list(text.values()) for text in before.values()])),
        after=_one(set_alpha([list(text.values()) for text in after.values()])),
        labels=tuple(
            LabelAgreement(key=key, before=alphas[0][k], after=alphas[1][k]) for k, key in enumerate(label_set.keys)
        ),
        pairs=tuple(_pairs(before, people, names, votes[0])),
    )


def _pairs(
    texts: dict[int, dict[int, LabelSet]], people: list[int], names: dict[int, str], votes: np.ndarray
) -> Iterable[PairAgreement]:
    for (a, first), (b, second) in combinations(enumerate(people), 2):
        n = sum(first in text and second in text for text in texts.values())
        if n:
            kappa = _known(cohen_kappa(votes[a], votes[b]))
            yield PairAgreement(people=(first, second), names=(names[first], names[second]), n=n, kappa=kappa)


def _known(values: np.ndarray) -> tuple[float | None, ...]:
    return tuple(_one(float(each)) for each in values)


def _one(value: float) -> float | None:
    return None if np.isnan(value) else value
