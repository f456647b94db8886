"""How rare each label is, what that does to its F1, what the queue spends on it, and what distillation gains it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sqlite_utils import Database

from core.active.need import need
from core.active.queue import looks_at
from core.evaluate.bands import Band
from core.evaluate.paired import Gain
from core.evaluate.proportion import Share, share
from core.services import projects
from core.services.dashboard import queued, rarity
from core.services.dashboard.answered import Answered, Figures, answered, compared, figures_of, mean_bounds
from core.services.dashboard.queued import Reason
from core.services.dashboard.relabelled import Relabelled, relabelled
from core.services.projects import Project
from core.services.standing import standing
from db import rounds
from db.connect import reading
from db.records import Metric

BANDS: tuple[Band, ...] = ("head", "medium", "tail")


@dataclass(frozen=True, kw_only=True)
class TailLine:
    """One label. ``pool`` and ``gold``: labelled texts that have it now; ``share``: of gold texts, or None without any.

    ``metric`` is the student's on gold. ``asked``: waiting texts that the queue holds for this label by a model's
    probability, ``sought``: by the label's words; ``need``: its due share of the places that chance does not fill.
    ``gain``: F1 of the student less that of its twin without distillation.
    """

    key: str
    band: Band
    pool: int
    gold: int
    share: Share | None
    metric: Metric | None
    asked: int
    sought: int
    need: float
    gain: Gain | None


@dataclass(frozen=True, kw_only=True)
class BandLine:
    """A band's n labels together. ``f1``: the student's mean over those measured, with its 95 % interval.

    ``marks``: how often gold texts have one of these labels, all counted.
    """

    band: Band
    n: int
    marks: int
    f1: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, kw_only=True)
class Spending:
    """The queue's texts that still wait. ``others``: for labels that are no more; ``by_need``: need has a say here."""

    n: int
    random: int
    others: int
    sources: tuple[str, ...]
    strategy: str
    by_need: bool
    explore_share: float


@dataclass(frozen=True, kw_only=True)
class LongTail:
    """``labels`` from the commonest to the rarest, pool and gold together, so that bands follow each other.

    ``n``: gold texts of the round; ``n_pool``, ``n_gold``: labelled texts now. ``macro``, ``tail``: what distillation
    gained together, over ``compared`` gold texts; None where either model's answers are not there.
    """

    labels: tuple[TailLine, ...]
    bands: tuple[BandLine, ...]
    queue: Spending
    round: int | None
    n: int | None
    n_pool: int
    n_gold: int
    macro: Gain | None
    tail: Gain | None
    compared: int | None
    relabelled: Relabelled | None


def long_tail(db: Database, project_id: int) -> LongTail:
    """As of now, with the figures of the round in use. Raises NotFound."""
    with reading(db):
        project = projects.project(db, project_id)
        found = standing(db, project_id)
        at = rounds.in_use(db, project_id)
        measured = figures_of(db, project_id, at.number) if at else {}
        student, twin = (
            answered(db, project_id, at.number, model, measured) if at else None for model in ("student", "standalone")
        )
        reasons = queued.reasons(db, project_id)
        model = rounds.current_model(db, project_id, "student")
    keys, n_gold = project.label_set.keys, len(found.counting(gold=True))
    pool, gold = found.support(gold=False).tolist(), found.support(gold=True).tolist()
    bands = rarity.banded(found)
    gain = compared(student, twin, rarity.rare(found))
    serves = model is not None and model["fingerprint"] == project.label_set.fingerprint
    due = _need(project, pool, measured if serves else {})
    asked, sought = (_counts(reasons, words=words) for words in (False, True))
    lines = [
        TailLine(
            key=key, band=bands[key], pool=pool[k], gold=gold[k], share=share(gold[k], n_gold) if n_gold else None,
            metric=measured.get(("student", key)), asked=asked[key], sought=sought[key], need=due[k],
            gain=gain.of(key) if gain else None,
        )
        for k, key in enumerate(keys)
    ]  # fmt: skip
    return LongTail(
        labels=tuple(lines[k] for k in rarity.by_frequency([a + b for a, b in zip(pool, gold, strict=True)])),
        bands=tuple(_band(band, lines, student) for band in BANDS if band in bands.values()),
        queue=_spending(project, reasons), round=at.number if at else None,
        n=max((each.n for each in measured.values()), default=None), n_pool=len(found.counting(gold=False)),
        n_gold=n_gold, macro=gain.of("macro") if gain else None, tail=gain.of("tail") if gain else None,
        compared=gain.paired.n if gain else None, relabelled=relabelled(project.label_set, at, measured),
    )  # fmt: skip


def _need(project: Project, pool: Sequence[int], measured: Figures) -> list[float]:
    """As the queue is told it: a label without a gold positive counts as not measured."""
    lower = [measured.get(("student", key)) for key in project.label_set.keys]
    known = [np.nan if each is None or not each.support or each.low is None else each.low for each in lower]
    return [float(each) for each in need(pool, known, target=project.settings.target_f1)]


def _counts(reasons: Sequence[Reason], *, words: bool) -> Counter[str]:
    """Texts of the queue that are there for each label's sake."""
    found: Counter[str] = Counter()
    for each in reasons:
        if each.words == words and not each.random and each.label:
            found[each.label] += each.n
    return found


def _band(band: Band, lines: Sequence[TailLine], student: Answered | None) -> BandLine:
    own = [line for line in lines if line.band == band]
    f1 = [line.metric.f1 for line in own if line.metric]
    bounds: tuple[float, float] | None = None
    keys = [line.key for line in own if student and line.metric and line.key in student.place]
    if student and keys and len(keys) == len(f1):
        bounds = mean_bounds(student, keys)
    return BandLine(
        band=band, n=len(own), marks=sum(line.gold for line in own), f1=float(np.mean(f1)) if f1 else None,
        low=bounds[0] if bounds else None, high=bounds[1] if bounds else None,
    )  # fmt: skip


def _spending(project: Project, reasons: Sequence[Reason]) -> Spending:
    settings, keys = project.settings, project.label_set.keys
    return Spending(
        n=sum(each.n for each in reasons),
        random=sum(each.n for each in reasons if each.random or not each.label),
        others=sum(each.n for each in reasons if not each.random and each.label and each.label not in keys),
        sources=tuple(sorted({each.source for each in reasons})),
        strategy=settings.acquisition,
        by_need="need" in looks_at(settings.acquisition),
        explore_share=settings.explore_share,
    )
