"""Past rounds: when they ran, what they cost, and how the students of two of them differ on the same gold texts."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from sqlite_utils import Database

from core.evaluate.metrics import per_label
from core.evaluate.paired import Gain
from core.labels import Label
from core.services import going_back
from core.services.dashboard import rarity
from core.services.dashboard.answered import answered, compared, figures_of
from core.services.dashboard.relabelled import learnt
from core.services.going_back import Earlier
from core.services.standing import Standing, standing
from db import places
from db import rounds as round_rows
from db.connect import reading
from db.records import Metric, Place, RoundRow

Why = Literal["", "no_answers", "no_common"]


@dataclass(frozen=True, kw_only=True)
class Past:
    """One round. ``labelled``: pool texts it trained and validated on, None where it did not come so far."""

    row: RoundRow
    labelled: int | None
    figures: tuple[Metric, ...]  # each model's macro-F1 on gold
    places: tuple[Place, ...] = ()  # of a tree: figures of the first places of each text's labels

    @property
    def macro(self) -> Metric | None:
        """The student's."""
        return next((each for each in self.figures if each.model == "student"), None)

    @property
    def seconds(self) -> float | None:
        """From its start to its end, by the clock."""
        return self.row.finished_at - self.row.started_at if self.row.finished_at else None


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """All rounds, oldest first; the one in use; and what can come back, newest first."""

    rounds: tuple[Past, ...]
    in_use: int | None
    students: tuple[Earlier, ...]

    def of(self, number: int) -> Past | None:
        return next((each for each in self.rounds if each.row.number == number), None)

    @property
    def published(self) -> tuple[int, ...]:
        """Numbers, newest first."""
        return tuple(each.row.number for each in reversed(self.rounds) if each.row.state == "published")


@dataclass(frozen=True, kw_only=True)
class Side:
    """A label with both students' F1 on the common texts, and how far the later is above the earlier."""

    label: Label
    support: int  # of the common texts
    later: float
    earlier: float
    gain: Gain


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two rounds' students on the ``n`` gold texts that both were measured on, over the labels that both know.

    ``labels`` from the commonest to the rarest, by what the later round took for true; ``only_later`` and
    ``only_earlier`` are those that one of them knows alone. ``changed``: texts of which people's labels are others than
    when the earlier round was measured. ``why`` says what is missing where there is nothing to compare: no_answers (one
    of them kept none), no_common (no text or label that both answered).
    """

    later: int
    earlier: int
    why: Why = ""
    n: int = 0
    n_later: int = 0
    n_earlier: int = 0
    changed: int = 0
    labels: tuple[Side, ...] = ()
    macro: Gain | None = None
    tail: Gain | None = None
    tail_labels: int = 0
    only_later: tuple[Label, ...] = ()
    only_earlier: tuple[Label, ...] = ()

    @property
    def risen(self) -> tuple[Side, ...]:
        return tuple(each for each in self.labels if each.gain.low > 0)

    @property
    def fallen(self) -> tuple[Side, ...]:
        return tuple(each for each in self.labels if each.gain.high < 0)


def timeline(db: Database, project_id: int) -> Timeline:
    """Raises NotFound."""
    with reading(db):
        students = going_back.earlier(db, project_id)
        rows = round_rows.all_rounds(db, project_id)
        present = round_rows.in_use(db, project_id)
        figures = round_rows.headline(db, project_id)
        listed = places.of_rounds(db, project_id)
    of: dict[int, list[Metric]] = {}
    for each in figures:
        of.setdefault(each.round, []).append(each)
    return Timeline(
        rounds=tuple(
            Past(
                row=row, labelled=_labelled(row), figures=tuple(of.get(row.number, ())),
                places=tuple(listed.get(row.number, ())),
            )
            for row in reversed(rows)
        ),
        in_use=present.number if present else None,
        students=students,
    )  # fmt: skip


def _labelled(row: RoundRow) -> int | None:
    return None if row.n_train is None else row.n_train + (row.n_valid or 0)


def compare(db: Database, project_id: int, later: int, earlier: int) -> Comparison:
    """How much better the later round's student is. Raises NotFound (the project)."""
    with reading(db):
        now = standing(db, project_id)
        figures = [figures_of(db, project_id, number) for number in (later, earlier)]
        new, old = (
            answered(db, project_id, number, "student", each)
            for number, each in zip((later, earlier), figures, strict=True)
        )
    after, before = (learnt(each) for each in figures)
    both = bool(after and before)  # of a round without figures nothing is known
    bare = Comparison(
        later=later, earlier=earlier, only_later=_labels(now, after - before if both else ()),
        only_earlier=_labels(now, before - after if both else ()),
    )  # fmt: skip
    if new is None or old is None:
        return replace(bare, why="no_answers")
    often, of_tail = rarity.often(now), rarity.rare(now)
    found = compared(new, old, of_tail)
    if found is None:
        return replace(bare, why="no_common")
    _, a, b = np.intersect1d(new.documents, old.documents, return_indices=True)
    mine, theirs = (np.array([each.place[key] for key in found.keys]) for each in (new, old))
    truth, then = new.truth[np.ix_(a, mine)], old.truth[np.ix_(b, theirs)]
    f1 = [per_label(said, truth)[2] for said in (new.named[np.ix_(a, mine)], old.named[np.ix_(b, theirs)])]
    known = {label.key: label for label in now.label_set.every}
    sides = [
        Side(
            label=known.get(key) or Label(key=key, zh=key), support=int(truth[:, k].sum()), later=float(f1[0][k]),
            earlier=float(f1[1][k]), gain=found.paired.labels[k],
        )
        for k, key in enumerate(found.keys)
    ]  # fmt: skip
    order = rarity.by_frequency([often.get(key, 0) for key in found.keys])
    return replace(
        bare, n=len(a), n_later=len(new.documents), n_earlier=len(old.documents),
        changed=int((truth != then).any(axis=1).sum()), labels=tuple(sides[k] for k in order),
        macro=found.paired.macro, tail=found.paired.tail, tail_labels=len(of_tail & set(found.keys)),
    )  # fmt: skip


def _labels(now: Standing, keys: Collection[str]) -> tuple[Label, ...]:
    """In the label set's order, those that are gone last."""
    known = {label.key: label for label in now.label_set.every}
    return tuple(known.get(key) or Label(key=key, zh=key) for key in sorted(keys, key=[*known, *keys].index))
