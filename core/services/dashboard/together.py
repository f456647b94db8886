"""Which labels come together among people's decisions and the student's, and the texts behind each number."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from sqlite_utils import Database

from core.evaluate.cooccurrence import Confusion, Held, Together, confusions, held
from core.labels import Label
from core.services.dashboard.answered import Answered, answered, figures_of
from core.services.dashboard.rarity import by_frequency
from core.services.standing import Standing, standing
from db import documents
from db import rounds as round_rows
from db.connect import reading

Source = Literal["pool", "gold", "truth", "student"]
SOURCES: tuple[Source, ...] = ("pool", "gold", "truth", "student")
PAGE = 20  # texts


@dataclass(frozen=True, kw_only=True)
class Answers:
    """The student of ``round`` on the gold texts that it was measured on: ``truth`` then, and what it named.

    Positions in both, and in ``confused``, are those of ``labels``, some of the view's.
    """

    round: int
    n: int
    labels: tuple[Label, ...]
    truth: Held
    student: Held
    confused: tuple[Confusion, ...]
    missed: tuple[int, ...]  # texts a label
    false: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class View:
    """Labels from the commonest to the rarest by pool and gold; ``pool`` and ``gold`` as they count now."""

    labels: tuple[Label, ...]
    support: tuple[int, ...]  # pool and gold together
    pool: Held
    gold: Held
    answers: Answers | None  # None before a round, or where it kept none of these labels

    def has(self, source: Source) -> bool:
        return source in ("pool", "gold") or self.answers is not None

    def of(self, source: Source, keys: Container[str] | None = None) -> tuple[tuple[Label, ...], Together] | None:
        """One of the sources with its own labels, all or those of these keys; None where there is no such source."""
        if source in ("pool", "gold"):
            labels, counted = self.labels, self.pool if source == "pool" else self.gold
        elif self.answers is None:
            return None
        else:
            labels, counted = self.answers.labels, self.answers.truth if source == "truth" else self.answers.student
        at = [n for n, label in enumerate(labels) if keys is None or label.key in keys]
        return tuple(labels[n] for n in at), counted.of(at)


@dataclass(frozen=True, kw_only=True)
class Text:
    document_id: int
    text: str
    labels: tuple[str, ...]  # keys: by people
    named: tuple[str, ...] | None  # by the student, where that was asked for


@dataclass(frozen=True, kw_only=True)
class Texts:
    """One page of the ``n`` texts behind a number; those that came into the project last come first."""

    n: int
    page: int
    texts: tuple[Text, ...]

    @property
    def pages(self) -> int:
        return max(1, -(-self.n // PAGE))


def view(db: Database, project_id: int) -> View:
    """Everything that the tab shows but texts. Raises NotFound."""
    with reading(db):
        found = standing(db, project_id)
        said = _said(db, project_id, found)
    support = found.support(gold=False) + found.support(gold=True)
    order = by_frequency([int(n) for n in support])
    return View(
        labels=tuple(found.label_set.labels[k] for k in order),
        support=tuple(int(support[k]) for k in order),
        pool=_ordered(found, order, gold=False),
        gold=_ordered(found, order, gold=True),
        answers=_answers(said, found, order) if said else None,
    )


def texts(db: Database, project_id: int, source: Source, row: str, column: str, *, page: int = 0) -> Texts:
    """Those with both labels (keys; the same one twice asks for one). An unknown label has no text. Raises NotFound."""
    with reading(db):
        found = standing(db, project_id)
        if source in ("pool", "gold"):
            keys = found.label_set.keys
            if row not in keys or column not in keys:
                return Texts(n=0, page=0, texts=())
            wanted = found.sets[:, found.label_set.position[row]] & found.sets[:, found.label_set.position[column]]
            at = found.counting(gold=source == "gold")
            ids = found.documents[at[wanted[found.counts_as[at]]]]
            return _page(db, found, ids, None, page)
        said = _said(db, project_id, found)
        if said is None or row not in said.keys or column not in said.keys:
            return Texts(n=0, page=0, texts=())
        y = said.truth if source == "truth" else said.named
        both = y[:, said.place[row]] & y[:, said.place[column]]
        return _page(db, found, said.documents[both], said, page)


def confused_texts(db: Database, project_id: int, missed: str, named: str, *, page: int = 0) -> Texts:
    """Gold texts on which the student missed the one label and wrongly named the other. Raises NotFound."""
    with reading(db):
        found = standing(db, project_id)
        said = _said(db, project_id, found)
        if said is None or missed not in said.keys or named not in said.keys:
            return Texts(n=0, page=0, texts=())
        i, j = said.place[missed], said.place[named]
        wrong = said.truth[:, i] & ~said.named[:, i] & said.named[:, j] & ~said.truth[:, j]
        return _page(db, found, said.documents[wrong], said, page)


def _said(db: Database, project_id: int, found: Standing) -> Answered | None:
    """What the student in use said of gold, as far as it is of labels that there are."""
    present = round_rows.in_use(db, project_id)
    if present is None:
        return None
    said = answered(db, project_id, present.number, "student", figures_of(db, project_id, present.number))
    return said if said and set(said.keys) & set(found.label_set.keys) else None


def _ordered(found: Standing, order: list[int], *, gold: bool) -> Held:
    counted, place = found.held(gold=gold), np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    return replace(counted, labels=place[counted.labels])


def _answers(said: Answered, found: Standing, order: list[int]) -> Answers:
    labels = tuple(found.label_set.labels[k] for k in order if found.label_set.keys[k] in said.place)
    at = [said.place[label.key] for label in labels]
    truth, named = said.truth[:, at], said.named[:, at]
    return Answers(
        round=said.round, n=len(said.documents), labels=labels, truth=held(truth), student=held(named),
        confused=tuple(confusions(truth, named)),
        missed=_counts(truth & ~named), false=_counts(named & ~truth),
    )  # fmt: skip


def _counts(found: NDArray[np.bool_]) -> tuple[int, ...]:
    return tuple(int(n) for n in found.sum(axis=0))


def _page(db: Database, found: Standing, ids: NDArray[np.int64], said: Answered | None, page: int) -> Texts:
    """The texts themselves are read for one page alone."""
    page = min(max(page, 0), max(0, -(-len(ids) // PAGE) - 1))
    chosen = [int(each) for each in ids[::-1][page * PAGE : (page + 1) * PAGE]]
    read = documents.texts(db, chosen)
    rows = {int(each): n for n, each in enumerate(said.documents)} if said else {}

    def one(document_id: int) -> Text:
        n = rows.get(document_id)
        if said is None or n is None:
            return Text(document_id=document_id, text=read[document_id], labels=_now(found, document_id), named=None)
        return Text(
            document_id=document_id, text=read[document_id],
            labels=tuple(key for key, has in zip(said.keys, said.truth[n], strict=True) if has),
            named=tuple(key for key, has in zip(said.keys, said.named[n], strict=True) if has),
        )  # fmt: skip

    return Texts(n=len(ids), page=page, texts=tuple(one(each) for each in chosen if each in read))


def _now(found: Standing, document_id: int) -> tuple[str, ...]:
    place = int(np.searchsorted(found.documents, document_id))
    has = found.sets[found.counts_as[place]]
    return tuple(key for key, one in zip(found.label_set.keys, has, strict=True) if one)
