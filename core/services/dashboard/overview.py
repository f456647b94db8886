"""Where a project stands: how good the student is on gold, how sure that is, and what is going on now.

``glance`` follows from the tables alone, so it can be kept until something happens in the project; ``live`` goes by the
clock as well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from sqlite_utils import Database

from core.evaluate import gold_needed
from core.evaluate.gold_needed import Needed
from core.evaluate.paired import Gain
from core.labels import Label
from core.services import projects, scheduling
from core.services.dashboard import agreed, rarity
from core.services.dashboard.agreed import Agreed
from core.services.dashboard.answered import Answered, Compared, answered, compared, figures_of, mean_bounds
from core.services.dashboard.relabelled import Relabelled, relabelled
from core.services.dashboard.waiting import Waiting, n_open, waiting
from core.services.per_project import PerProject
from core.services.projects import Project
from core.services.scheduling import RoundStatus
from core.services.standing import standing
from db import documents, figures, glances, jobs, rounds
from db.connect import reading
from db.records import Metric

AT_WORK_S = 300.0  # since somebody's last decision
DAY_S = 86_400.0


@dataclass(frozen=True, kw_only=True)
class Change:
    """Against the last round before whose answers were kept, on the ``n`` gold texts that both were measured on.

    ``gain`` is None where ``why`` says it: first (there is no round before), no_answers (none were kept), other_labels
    (a label is new since), no_common (no text is). ``all_texts``: those are all gold texts of ``Score.round``.
    """

    since: int | None = None
    gain: Gain | None = None
    n: int = 0
    all_texts: bool = True
    why: str = ""


@dataclass(frozen=True, kw_only=True)
class Score:
    """The student's mean F1 over ``keys`` on the ``n`` gold texts of ``round``, with its 95 % interval if one is known.

    ``positives``: of these labels among those texts, all together. ``history``: (round, F1), oldest first.
    """

    value: float
    low: float | None
    high: float | None
    round: int
    n: int
    keys: tuple[str, ...]
    positives: int
    change: Change
    history: tuple[tuple[int, float], ...]


@dataclass(frozen=True, kw_only=True)
class LabelState:
    """One label. ``pool`` and ``gold``: labelled texts with it, now; ``metric``: the student's, of the last round.

    ``needed``: gold texts until it has enough positives, None where it has; ``wider``: further gold texts until the
    interval is narrow, where it has enough and is not. ``change`` is None where rounds cannot be compared.
    """

    label: Label
    pool: int
    gold: int
    metric: Metric | None
    needed: Needed | None
    wider: int
    change: Gain | None

    @property
    def stable(self) -> bool:
        """Whether its figure, or the one that the next round would give, is measured on enough positives."""
        return (self.metric.support if self.metric else self.gold) >= gold_needed.POSITIVES

    @property
    def missed(self) -> bool:
        """Whether the last round's student found none of its gold positives."""
        return self.metric is not None and self.metric.support > 0 and self.metric.recall == 0


@dataclass(frozen=True, kw_only=True)
class Glance:
    """A project, counted in texts; ``labels`` from the commonest to the rarest. Scores are None before a round."""

    project: Project
    n_pool: int
    n_labelled: int
    waiting: Waiting
    n_gold: int
    n_gold_labelled: int
    n_skipped: int
    n_flagged: int
    round: int | None
    outdated: bool  # the student was trained for another label set
    macro: Score | None
    tail: Score | None
    labels: tuple[LabelState, ...]
    agreement: Agreed
    relabelled: Relabelled | None


@dataclass(frozen=True, kw_only=True)
class Live:
    """What is going on. ``silent_s``: since the worker was last heard of, None if it never was. ``n_left``: open texts.

    ``people``: names of those at work; ``decided``: decisions of the last 24 hours; ``ranked``: whether the queue has
    an open text.
    """

    status: RoundStatus
    silent_s: float | None
    people: tuple[str, ...]
    decided: int
    n_left: int
    ranked: bool


def live(db: Database, project_id: int, *, now: float) -> Live:
    """As of now. Raises NotFound."""
    status = scheduling.status(db, project_id, now=now)
    with reading(db):
        worker = jobs.worker(db)
        return Live(
            status=status,
            silent_s=max(0.0, now - worker["beat_at"]) if worker else None,
            people=tuple(each["who"] for each in glances.at_work(db, project_id, since=now - AT_WORK_S, now=now)),
            decided=glances.n_decided(db, project_id, since=now - DAY_S),
            n_left=n_open(db, project_id),
            ranked=glances.is_ranked(db, project_id),
        )


def glance(db: Database, project_id: int) -> Glance:
    """All that does not go by the clock. Raises NotFound."""
    with reading(db):
        project = projects.project(db, project_id)
        found = standing(db, project_id)
        counts = documents.counts(db, project_id)
        waits = waiting(db, project_id, found)
        history = _histories(db, project_id)
        present = rounds.in_use(db, project_id)
        measured = figures_of(db, project_id, present.number) if present else {}
        now = answered(db, project_id, present.number, "student", measured) if present else None
        before = figures.answered_before(db, project_id, now.round, "student") if now else None
        earlier = figures_of(db, project_id, before) if before else {}
        then = answered(db, project_id, before, "student", earlier) if before else None
        outdated = scheduling.is_outdated(db, project)
        n_skipped, n_flagged = (glances.n_texts(db, project_id, one) for one in ("skipped", "flagged"))
        latest = glances.latest_documents(db, project_id, n=(1 + agreed.EARLIER) * agreed.window(found))
    pool, gold = (found.support(gold=one).tolist() for one in (False, True))
    of_tail = rarity.rare(found)
    common = compared(now, then, of_tail)
    student = {scope: metric for (model, scope), metric in measured.items() if model == "student"}
    macro, tail = _scores(student, of_tail, now, common, history, before)
    n_gold = len(found.counting(gold=True))
    states = [
        _state(label, pool[k], gold[k], n_gold, student.get(label.key), common)
        for k, label in enumerate(found.label_set.labels)
    ]
    return Glance(
        project=project,
        n_pool=counts["pool"]["documents"],
        n_labelled=len(found.counting(gold=False)),
        waiting=waits,
        n_gold=counts["gold"]["documents"],
        n_gold_labelled=n_gold,
        n_skipped=n_skipped,
        n_flagged=n_flagged,
        round=present.number if present else None,
        outdated=outdated,
        macro=macro,
        tail=tail,
        labels=tuple(states[k] for k in rarity.by_frequency([a + b for a, b in zip(pool, gold, strict=True)])),
        agreement=agreed.agreed(found, latest),
        relabelled=relabelled(found.label_set, present, measured),
    )


@dataclass
class _Past:
    """What all rounds measured, as long as no other one is published: nothing else changes it."""

    found: tuple[tuple[int, int], dict[int, dict[str, float]]] | None = None


_past = PerProject(_Past)


def _histories(db: Database, project_id: int) -> dict[int, dict[str, float]]:
    """The student's F1 by round and scope."""
    kept, mark = _past.of(db, project_id), rounds.published(db, project_id)
    if kept.found is not None and kept.found[0] == mark:
        return kept.found[1]
    found: dict[int, dict[str, float]] = {}
    for each in glances.student_f1(db, project_id):
        found.setdefault(each["round"], {})[each["scope"]] = each["f1"]
    kept.found = mark, found
    return found


def _scores(
    student: Mapping[str, Metric], of_tail: set[str], now: Answered | None, common: Compared | None,
    history: Mapping[int, Mapping[str, float]], before: int | None,
) -> tuple[Score | None, Score | None]:  # fmt: skip
    """Macro-F1 and tail macro-F1; ``student``: its figures by scope."""
    macro = student.get("macro")
    if macro is None:
        return None, None
    if now is not None:
        keys = now.keys
    else:
        keys = tuple(scope for scope, each in student.items() if each.threshold is not None)
    change = _change(macro.round, now, common, before, any(number < macro.round for number in history))

    def score(of: str, over: Sequence[str], value: float, low: float | None, high: float | None) -> Score:
        told = [(n, _point(points, over, of)) for n, points in history.items() if n <= macro.round]
        return Score(
            value=value, low=low, high=high, round=macro.round, n=macro.n, keys=tuple(over),
            positives=sum(student[key].support for key in over),
            change=replace(change, gain=common.of(of) if common and not change.why else None),
            history=tuple((n, f1) for n, f1 in told if f1 is not None),
        )  # fmt: skip

    of_all = score("macro", keys, macro.f1, macro.low, macro.high)
    over = [key for key in keys if key in of_tail]
    if not over:
        return of_all, None
    low = high = None
    if now is not None:
        low, high = mean_bounds(now, over)
    return of_all, score("tail", over, float(np.mean([student[key].f1 for key in over])), low, high)


def _point(points: Mapping[str, float], over: Sequence[str], of: str) -> float | None:
    """One round's F1; None where it did not measure all of these labels."""
    if of in points:
        return points[of]
    return float(np.mean([points[key] for key in over])) if all(key in points for key in over) else None


def _change(
    number: int, now: Answered | None, common: Compared | None, before: int | None, has_earlier: bool
) -> Change:
    """What the present round can be compared with, and on what."""
    if not has_earlier:
        return Change(why="first")
    if now is None or before is None:
        return Change(since=before or number - 1, why="no_answers")
    if common is None:
        return Change(since=before, why="no_common")
    if common.keys != now.keys:
        return Change(since=before, why="other_labels")
    return Change(since=before, n=common.paired.n, all_texts=common.paired.n == len(now.documents))


def _state(
    label: Label, pool: int, gold: int, n_gold: int, metric: Metric | None, common: Compared | None
) -> LabelState:
    enough = metric is not None and metric.support >= gold_needed.POSITIVES
    return LabelState(
        label=label, pool=pool, gold=gold, metric=metric, needed=gold_needed.for_positives(gold, n_gold),
        wider=gold_needed.for_half_width(metric.low, metric.high, metric.n) if metric and enough else 0,
        change=common.of(label.key) if common else None,
    )  # fmt: skip
