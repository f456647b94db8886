"""One label closer: its figures round by round, its curve and calibration, and the gold texts that were wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlite_utils import Database

from core.evaluate.curves import PrecisionRecall, Reliability, precision_recall, reliability
from core.services.dashboard import rarity
from core.services.dashboard.answered import MODELS, Answered, answered, figures_of
from core.services.standing import NONE, Standing, standing
from db import documents, figures, rounds
from db.connect import reading
from db.records import Metric

LISTED = 20  # texts of a kind


@dataclass(frozen=True, kw_only=True)
class Reading:
    """A gold text that the student was wrong about. Labels by key.

    ``given``: what the round took for true; ``now``: what the text counts with today, None where it counts nowhere;
    ``probabilities``: of every label of the round.
    """

    document_id: int
    text: str
    probability: float
    given: tuple[str, ...]
    now: tuple[str, ...] | None
    probabilities: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What a round's models said of one label on N gold texts. Shapes: truth, probs (N,), the student's.

    ``curves`` by model; there is none without a positive. ``thresholds``: the student's, of every label of the round.
    ``misses`` have the label and were not given it, ``alarms`` the reverse: the most confident first, at most LISTED
    of ``n_misses`` and ``n_alarms``.
    """

    threshold: float
    truth: NDArray[np.bool_]
    probs: NDArray[np.float32]
    curves: Mapping[str, PrecisionRecall]
    reliability: Reliability
    thresholds: Mapping[str, float]
    n_misses: int
    n_alarms: int
    misses: tuple[Reading, ...]
    alarms: tuple[Reading, ...]


@dataclass(frozen=True, kw_only=True)
class OneLabel:
    """One label or aggregate. ``history``: figures on gold, oldest round first; ``round``: the one in use.

    ``answers`` is None of an aggregate, of a label that the round did not know, and where answers were not kept.
    """

    scope: str
    round: int | None
    history: tuple[Metric, ...]
    answers: Answers | None


@dataclass(frozen=True, kw_only=True)
class Calibrated:
    """One label: texts that have it, the sum of the student's probabilities, and both in bins."""

    key: str
    positives: int
    expected: float
    reliability: Reliability


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """The student of ``round`` on ``n`` gold texts; ``labels`` from common to rare, none without its answers."""

    round: int | None
    n: int
    labels: tuple[Calibrated, ...]


def calibration(db: Database, project_id: int) -> Calibration:
    """Of every label of the round in use that is a label today. Raises NotFound."""
    with reading(db):
        today = standing(db, project_id)
        at = rounds.in_use(db, project_id)
        student = answered(db, project_id, at.number, "student", {}) if at else None
    if at is None or student is None:
        return Calibration(round=at.number if at else None, n=0, labels=())
    often = rarity.often(today)
    keys = [key for key in often if key in student.place]
    found = [_calibrated(student, keys[k]) for k in rarity.by_frequency([often[key] for key in keys])]
    return Calibration(round=at.number, n=len(student.documents), labels=tuple(found))


def _calibrated(student: Answered, key: str) -> Calibrated:
    k = student.place[key]
    truth, probs = student.truth[:, k], student.probs[:, k]
    return Calibrated(
        key=key, positives=int(truth.sum()), expected=float(probs.sum(dtype=np.float64)),
        reliability=reliability(truth, probs),
    )  # fmt: skip


def one_label(db: Database, project_id: int, scope: str) -> OneLabel:
    """By a label's key, also of one that is gone, or an aggregate's name. Raises NotFound."""
    with reading(db):
        at = rounds.in_use(db, project_id)
        history = tuple(figures.of_scope(db, project_id, scope))
        measured = figures_of(db, project_id, at.number) if at else {}
        asked = [answered(db, project_id, at.number, model, measured) for model in MODELS] if at else []
        known = {each.model: each for each in asked if each is not None and scope in each.keys}
        answers = _answers(db, project_id, known, scope) if "student" in known else None
    return OneLabel(scope=scope, round=at.number if at else None, history=history, answers=answers)


def _answers(db: Database, project_id: int, known: Mapping[str, Answered], scope: str) -> Answers | None:
    student = known["student"]
    k = student.place[scope]
    threshold, truth, probs = float(student.thresholds[k]), student.truth[:, k], student.probs[:, k]
    if not np.isfinite(threshold):
        return None
    misses, alarms = _confident(truth & (probs < threshold), probs), _confident(~truth & (probs >= threshold), -probs)
    listed = [*misses[:LISTED], *alarms[:LISTED]]
    texts = documents.texts(db, [int(student.documents[n]) for n in listed])
    today = standing(db, project_id)

    def read(positions: Sequence[int]) -> tuple[Reading, ...]:
        return tuple(_reading(student, n, k, texts, today) for n in positions[:LISTED])

    return Answers(
        threshold=threshold, truth=truth, probs=probs,
        curves={model: _curve(each, scope) for model, each in known.items()} if truth.any() else {},
        reliability=reliability(truth, probs),
        thresholds={key: float(cut) for key, cut in zip(student.keys, student.thresholds, strict=True)},
        n_misses=len(misses), n_alarms=len(alarms), misses=read(misses), alarms=read(alarms),
    )  # fmt: skip


def _curve(each: Answered, scope: str) -> PrecisionRecall:
    k = each.place[scope]
    return precision_recall(each.truth[:, k], each.probs[:, k])


def _confident(wrong: NDArray[np.bool_], doubt: NDArray) -> list[int]:
    """Positions of the texts that were wrong, those with the least ``doubt`` first."""
    at = np.flatnonzero(wrong)
    return [int(n) for n in at[np.argsort(doubt[at], kind="stable")]]


def _reading(student: Answered, n: int, k: int, texts: Mapping[int, str], today: Standing) -> Reading:
    document_id = int(student.documents[n])
    return Reading(
        document_id=document_id, text=texts.get(document_id, ""), probability=float(student.probs[n, k]),
        given=tuple(key for key, has in zip(student.keys, student.truth[n], strict=True) if has),
        now=_now(today, document_id),
        probabilities={key: float(p) for key, p in zip(student.keys, student.probs[n], strict=True)},
    )  # fmt: skip


def _now(today: Standing, document_id: int) -> tuple[str, ...] | None:
    at = int(np.searchsorted(today.documents, document_id))
    if at == len(today.documents) or today.documents[at] != document_id or today.counts_as[at] == NONE:
        return None
    return tuple(key for key, has in zip(today.label_set.keys, today.sets[today.counts_as[at]], strict=True) if has)
