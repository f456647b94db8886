"""When labelling may stop: what the rounds so far say, by rule, and what more labels would give.

What page, command line and report say comes from ``when_to_stop``. Only rounds that were measured on the labels of the
last one belong to a curve; of two rounds on as many texts the later counts.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Literal

import numpy as np
from sqlite_utils import Database

from core.active.stopping import WINDOWS, Gain, Ruling, Signals, gain, rulings
from core.evaluate.bands import tail
from core.evaluate.forecast import MIN_POINTS, Fitted, Point, Until, fit, mean_error, standard_error
from core.evaluate.metrics import AGGREGATES
from core.services import projects
from core.services.dashboard import answered, rarity
from core.services.dashboard.waiting import waiting
from core.services.standing import standing
from db import rounds
from db import signals as signal_rows
from db.connect import reading
from db.records import Metric, RoundRow

NEXT = 200  # labels: how far ahead the sentence looks
MIN_POSITIVES = 10  # in gold: a label with fewer has no forecast of its own
Z95 = 1.959963984540054
_DRAWN = 13  # points of the band
FITTED, LATEST = 40, 10  # points at most that a forecast is made from: the latest, and others evenly from those before
_KNOWN = {each.name for each in fields(Signals)}


@dataclass(frozen=True)
class Measured:
    """The student's F1 on gold in one round, at n labelled texts, with its 95 % interval."""

    round: int
    n: int
    f1: float
    low: float
    high: float
    error: float  # standard error, for the forecast


@dataclass(frozen=True, kw_only=True)
class Curve:
    """One scope's points and what is to come. ``scope``: macro, tail, or a label's key.

    ``next``: at ``NEXT`` more labels, or with all of them where fewer are left. ``band``: from the last point to twice
    its labels. Without a forecast these are empty, and ``why`` says it: too few rounds, too little gold, nothing left.
    """

    scope: str
    points: tuple[Measured, ...]
    band: tuple[Point, ...] = ()
    next: Point | None = None
    plateau: Until | None = None
    target: Until | None = None
    why: Literal["", "rounds", "gold", "done"] = ""


@dataclass(frozen=True, kw_only=True)
class WhenToStop:
    """A lead's look at whether more labels pay.

    ``total``: pool texts that count, and those that nobody has labelled: how far the curve can go. ``tail``: keys of
    the rarest labels. ``n_before``: rounds that do not belong to the curve, for they measured other labels.
    """

    n_rounds: int
    n_before: int
    n_labelled: int  # that the last round learned from
    total: int
    target: float  # F1
    keys: tuple[str, ...]
    tail: tuple[str, ...]
    signals: tuple[tuple[int, Signals], ...]
    rulings: tuple[Ruling, ...]
    macro: Curve
    rare: Curve
    labels: tuple[Curve, ...]  # forecasts of each label only where they were asked for

    @property
    def may_stop(self) -> int:
        """How many rules say so."""
        return sum(each.verdict == "may_stop" for each in self.rulings)

    @property
    def too_early(self) -> int:
        return sum(each.verdict == "too_early" for each in self.rulings)


@dataclass(frozen=True)
class _Round:
    row: RoundRow
    n: int
    figures: dict[str, Metric]


def when_to_stop(db: Database, project_id: int, *, labels: bool = False) -> WhenToStop:
    """``labels``: with a forecast of each label, some hundredths of a second each. Raises NotFound."""
    with reading(db):
        project = projects.project(db, project_id)
        used = rounds.in_use(db, project_id)  # what came after a round that was gone back to is put aside
        latest = used.number if used else 0
        published = [
            each for each in rounds.all_rounds(db, project_id) if each.state == "published" and each.number <= latest
        ][::-1]
        metrics = rounds.metrics(db, project_id)
        kept = signal_rows.everything(db, project_id)
        measured = _rounds(published, metrics, [label.key for label in project.label_set.every])
        known = [each for each in measured if set(_keys(each.figures)) == set(_keys(measured[-1].figures))]
        risen = _risen(db, project_id, known)
        now = standing(db, project_id)
        often, of_tail = rarity.often(now), rarity.rare(now)
        total = len(now.counting(gold=False)) + waiting(db, project_id, now).untouched
    keys = _keys(known[-1].figures) if known else ()
    rare = _rare(keys, often, of_tail)
    rows = _by_labels(known)
    total = max(total, rows[-1].n if rows else 0)
    target = project.settings.target_f1
    signals = tuple((each.row.number, _signals(kept[each.row.number])) for each in known if each.row.number in kept)
    return WhenToStop(
        n_rounds=len(known), n_before=len(measured) - len(known),
        n_labelled=rows[-1].n if rows else 0, total=total, target=target, keys=keys, tail=rare,
        signals=signals, rulings=rulings([each for _, each in signals], risen),
        macro=_carried_on("macro", [_macro(each, keys) for each in rows], keys, rows, total, target),
        rare=_carried_on("tail", [_mean(each, rare) for each in rows], rare, rows, total, target),
        labels=tuple(
            _carried_on(key, [_label(each, key) for each in rows], (key,), rows, total, target) for key in keys
        ) if labels else (),
    )  # fmt: skip


def about(n: int) -> int:
    """A number of labels as it is told: two digits, for more would pretend to know more."""
    step = 10 ** max(0, len(str(abs(n))) - 2)
    return round(n / step) * step


def _keys(figures: dict[str, Metric]) -> tuple[str, ...]:
    return tuple(scope for scope in figures if scope not in AGGREGATES)


def _rare(keys: Sequence[str], often: Mapping[str, int], of_tail: Collection[str]) -> tuple[str, ...]:
    """Of the labels that the last round measured, those of today's tail; where it knew none of them, its own rarest."""
    return tuple(key for key in keys if key in of_tail) or tuple(
        keys[k] for k in (tail([often.get(key, 0) for key in keys]) if keys else ())
    )


def _rounds(published: Sequence[RoundRow], metrics: Sequence[Metric], order: Sequence[str]) -> list[_Round]:
    """Rounds with figures of the student on gold, oldest first; labels in ``order``."""
    found: dict[int, dict[str, Metric]] = {}
    for each in metrics:
        if (each.model, each.split) == ("student", "gold"):
            found.setdefault(each.round, {})[each.scope] = each
    place = {key: n for n, key in enumerate(order)}
    whole = []
    for row in published:
        figures = found.get(row.number, {})
        n = (row.n_train or 0) + (row.n_valid or 0)
        if "macro" in figures and n and _keys(figures):
            whole.append(_Round(row, n, dict(sorted(figures.items(), key=lambda item: place.get(item[0], len(place))))))
    return whole


def _by_labels(known: Sequence[_Round]) -> list[_Round]:
    """One round for each number of texts, the latest, in their order; none after the last round's number."""
    latest = {each.n: each for each in known if each.n <= known[-1].n}
    return [latest[n] for n in sorted(latest)]


def _signals(kept: dict) -> Signals:
    return Signals(**{name: value for name, value in kept.items() if name in _KNOWN})


def _risen(db: Database, project_id: int, known: Sequence[_Round]) -> Gain | None:
    """Over the last rounds, on gold texts that both ends answered; None where one of them kept no answers."""
    if len(known) <= WINDOWS["f1"]:
        return None
    ends = []
    for each in (known[-1 - WINDOWS["f1"]], known[-1]):
        figures = {("student", scope): metric for scope, metric in each.figures.items()}
        ends.append(answered.answered(db, project_id, each.row.number, "student", figures))
    before, after = ends
    if before is None or after is None or set(before.keys) != set(after.keys):
        return None
    _, a, b = np.intersect1d(before.documents, after.documents, return_indices=True)
    if not len(a):
        return None
    same = [before.place[key] for key in after.keys]
    return gain(before.named[a][:, same], after.named[b], after.truth[b])


def _errors(found: _Round, keys: Sequence[str]) -> np.ndarray:
    figures = [found.figures[key] for key in keys]
    return standard_error([each.f1 for each in figures], [each.support for each in figures])


def _macro(found: _Round, keys: Sequence[str]) -> Measured:
    """As it was measured and kept; where no interval was, one by the labels' errors."""
    metric, mean = found.figures["macro"], _mean(found, keys)
    low, high = (mean.low if metric.low is None else metric.low), (mean.high if metric.high is None else metric.high)
    return Measured(found.row.number, found.n, metric.f1, low, high, mean.error)


def _mean(found: _Round, keys: Sequence[str]) -> Measured:
    f1 = float(np.mean([found.figures[key].f1 for key in keys]))
    error = float(mean_error(_errors(found, keys)))
    return Measured(
        found.row.number, found.n, f1, max(0.0, f1 - Z95 * error), min(1.0, f1 + Z95 * error), error
    )  # fmt: skip


def _label(found: _Round, key: str) -> Measured:
    metric, mean = found.figures[key], _mean(found, [key])
    low, high = (mean.low if metric.low is None else metric.low), (mean.high if metric.high is None else metric.high)
    return Measured(found.row.number, found.n, metric.f1, low, high, mean.error)


def _carried_on(
    scope: str, points: Sequence[Measured], keys: Sequence[str], known: Sequence[_Round], total: int, target: float
) -> Curve:
    """A curve with its forecast, or with the reason why there is none."""
    if len(points) < MIN_POINTS:
        return Curve(scope=scope, points=tuple(points), why="rounds")
    gold = [known[-1].figures[key] for key in keys]
    if max(each.support for each in gold) < MIN_POSITIVES:
        return Curve(scope=scope, points=tuple(points), why="gold")
    last = points[-1].n
    if last >= total:
        return Curve(scope=scope, points=tuple(points), why="done")
    some = _thinned(points)
    made: Fitted = fit(
        [each.n for each in some], [each.f1 for each in some], [each.error for each in some],
        total=total, positives=[last * each.support / max(each.n, 1) for each in gold],
    )  # fmt: skip
    end = min(total, max(2 * last, last + NEXT))
    ahead = min(total, last + NEXT)
    at = sorted({*np.linspace(last, end, _DRAWN).round().astype(int).tolist(), ahead})
    band = made.points(at)
    return Curve(
        scope=scope, points=tuple(points), band=tuple(band), next=next(each for each in band if each.n == ahead),
        plateau=made.until_plateau(), target=made.until(target),
    )  # fmt: skip


def _thinned(points: Sequence[Measured]) -> list[Measured]:
    """What a forecast is made from: two hundred rounds say little more than forty, and cost seconds and memory."""
    if len(points) <= FITTED:
        return list(points)
    before = np.linspace(0, len(points) - LATEST - 1, FITTED - LATEST).round().astype(int)
    return [*(points[n] for n in before), *points[-LATEST:]]
