"""Each label's figures in the round in use, model beside model, and how the student's changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlite_utils import Database

from core.evaluate.bands import Band
from core.evaluate.paired import Gain
from core.services.dashboard import rarity
from core.services.dashboard.answered import MODELS, answered, compared, figures_of
from core.services.dashboard.relabelled import Relabelled, relabelled
from core.services.standing import standing
from db import figures, rounds
from db.connect import reading
from db.records import Metric

TOGETHER = ("macro", "micro", "weighted")


@dataclass(frozen=True, kw_only=True)
class Line:
    """One label or aggregate. ``models``: its figures on gold. ``pool``, ``gold``: texts that have the label now."""

    scope: str
    band: Band | None  # None of an aggregate
    pool: int
    gold: int
    models: Mapping[str, Metric]
    change: Gain | None

    @property
    def support(self) -> int:
        """Gold positives that the figures were measured on; before a round, those there are."""
        first = next(iter(self.models.values()), None)
        return first.support if first else self.gold


@dataclass(frozen=True, kw_only=True)
class Labels:
    """``labels`` from the commonest to the rarest, then ``together``. Round and n are None before the first round.

    Changes are those of the student since the round ``before``, over the ``common`` gold texts that both were asked
    about; without such a round both are None. ``gone``: labels that are no more, of which rounds have figures.
    """

    labels: tuple[Line, ...]
    together: tuple[Line, ...]
    n_pool: int
    n_gold: int
    round: int | None
    n: int | None
    before: int | None
    common: int | None
    gone: tuple[str, ...]
    relabelled: Relabelled | None


def labels(db: Database, project_id: int) -> Labels:
    """The figures of every label, of the round in use. Raises NotFound."""
    with reading(db):
        found = standing(db, project_id)
        label_set = found.label_set
        pool, gold = found.support(gold=False).tolist(), found.support(gold=True).tolist()
        at = rounds.in_use(db, project_id)
        measured = figures_of(db, project_id, at.number) if at else {}
        gone = [label.key for label in label_set.gone]
        past = figures.measured(db, project_id, gone) if gone else set()
        bands = rarity.banded(found)
        now = answered(db, project_id, at.number, "student", measured) if at else None
        before = figures.answered_before(db, project_id, now.round, "student") if now else None
        earlier = figures_of(db, project_id, before) if before else {}
        then = answered(db, project_id, before, "student", earlier) if before else None
    change = compared(now, then, rarity.rare(found))

    def line(scope: str, band: Band | None = None, pool: int = 0, gold: int = 0) -> Line:
        models = {model: measured[model, scope] for model in MODELS if (model, scope) in measured}
        return Line(
            scope=scope, band=band, pool=pool, gold=gold, models=models, change=change.of(scope) if change else None
        )

    lines = [line(key, bands[key], pool[k], gold[k]) for k, key in enumerate(label_set.keys)]
    return Labels(
        labels=tuple(lines[k] for k in rarity.by_frequency([a + b for a, b in zip(pool, gold, strict=True)])),
        together=tuple(line(scope) for scope in TOGETHER if ("student", scope) in measured),
        n_pool=len(found.counting(gold=False)),
        n_gold=len(found.counting(gold=True)),
        round=at.number if at else None,
        n=max((each.n for each in measured.values()), default=None),
        before=before if change else None,
        common=change.paired.n if change else None,
        gone=tuple(key for key in gone if key in past),
        relabelled=relabelled(label_set, at, measured),
    )
