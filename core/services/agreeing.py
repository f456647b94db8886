"""How far a project's people agree, before anything was settled and with what has been settled since."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from sqlite_utils import Database

from core.evaluate.pairs import pairs
from core.evaluate.resampled import Estimate, Readings, label_alphas, read_twice, set_alpha
from core.services import membership
from core.services.standing import NONE, Standing, standing
from db import users
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
        found = standing(db, project_id)
        names = names_of(db, np.unique(found.votes.people).tolist())
    before, after, settled = _before_and_after(found)
    alphas = [label_alphas(each, resamples=0) for each in (before, after)]
    table = pairs(before)
    return Agreement(
        n=before.n,
        settled=settled,
        before=_one(set_alpha(before, resamples=0)),
        after=_one(set_alpha(after, resamples=0)),
        labels=tuple(
            LabelAgreement(key=key, before=_one(first), after=_one(second))
            for key, first, second in zip(found.label_set.keys, *alphas, strict=True)
        ),
        pairs=tuple(
            PairAgreement(
                people=(int(a), int(b)), names=(names[int(a)], names[int(b)]), n=int(n),
                kappa=tuple(None if np.isnan(each) else float(each) for each in kappa),
            )
            for (a, b), n, kappa in zip(table.people, table.n, table.kappas(), strict=True)
        ),
    )  # fmt: skip


def _before_and_after(found: Standing) -> tuple[Readings, Readings, int]:
    """Votes as they were given and as they count since, on texts read twice; and how many of these are settled.

    A text that was settled with labels of which none is left has nobody's vote afterwards.
    """
    votes = found.votes
    place = np.searchsorted(found.documents, votes.documents)
    settled, counts_as = found.settled[place], found.counts_as[place]
    sets = np.where(settled, counts_as, votes.sets)
    counts = ~found.left_out[place]
    before = read_twice(votes.documents[counts], votes.people[counts], votes.sets[counts], found.sets)
    still = counts & (sets != NONE)
    after = read_twice(votes.documents[still], votes.people[still], sets[still], found.sets)
    twice = np.bincount(place[counts], minlength=len(found.documents)) >= 2
    return before, after, int((twice & found.settled).sum())


def names_of(db: Database, ids: Iterable[int]) -> dict[int, str]:
    """Whose votes these are; labels that came with a file are the system user's."""
    names = {each.id: each.name for each in users.all_people(db)}
    others = {each: users.peek(db, each) for each in set(ids) - names.keys()}
    return names | {each: user.name for each, user in others.items() if user is not None}


def _one(found: Estimate | None) -> float | None:
    return None if found is None else found.value
