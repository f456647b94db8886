"""What the student learns from: the teachers' probabilities on the training texts.

In sample, as published: a teacher answers for the texts that it was trained on (lee2022kd). Out of fold: for each
text those answer that have not seen it, so that what they are unsure of stays unsure; on other texts all folds'
teachers answer together. Both with networks, linear models, the better of the two by label, or their mean.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any, NamedTuple

import numpy as np
from iterstrat.ml_stratifiers import MultilabelStratifiedKFold
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.metrics import average_precision_score

from core.distill.lessons import Lessons
from core.distill.sweep import NeuralTeachers, SweepReport, sweep
from core.distill.teachers import Member, Teachers, linear_teachers, logit
from core.evaluate.thresholds import choose
from core.seeds import derive, numbers


class Taught(NamedTuple):
    """Teachers, and their probabilities on the training texts. Shapes: soft (N, K)."""

    teachers: Teachers
    soft: NDArray[np.float32]


def teach(lessons: Lessons) -> Generator[SweepReport, None, Taught]:
    """Train the round's teachers as its config asks; returns them with the student's targets."""
    lessons = lessons.with_config(lessons.config.of_teachers)
    parts = _parts(lessons)
    members: list[Member] = []
    for done, part in enumerate(parts):
        steps = _member(lessons.only(part))
        while True:
            try:
                report = next(steps)
            except StopIteration as finished:
                members.append(finished.value)
                break
            total = report.total * len(parts)
            yield SweepReport(report.done + report.total * done, total, report.detail)
    return _taught(lessons, members, parts)


def targets(soft: NDArray[np.float32], hard: NDArray, hard_share: float) -> NDArray[np.float32]:
    """(1-h)·soft + h·hard. Shapes: (N, K) each → (N, K)."""
    return ((1 - hard_share) * soft + hard_share * np.asarray(hard)).astype(np.float32)


def _parts(lessons: Lessons) -> list[NDArray[np.int64]]:
    """The training texts of each member: all, or all but one fold."""
    n, config = len(lessons.train_rows), lessons.config
    everything = np.arange(n)
    if config.soft_targets == "in_sample" or n < 2 * config.oof_folds:
        return [everything]
    y = np.asarray(lessons.train_y)
    used = y[:, y.any(axis=0)]
    seed = derive(config.seed, "out of fold")
    if used.shape[1] == 0:
        held = np.array_split(numbers(seed).permutation(n), config.oof_folds)
    else:
        folds = MultilabelStratifiedKFold(config.oof_folds, shuffle=True, random_state=seed % 2**32)
        held = [test for _, test in folds.split(np.zeros((n, 1)), used)]
    return [np.setdiff1d(everything, fold) for fold in held]


def _member(lessons: Lessons) -> Generator[SweepReport, None, Member]:
    kind = lessons.config.teachers
    neural: NeuralTeachers | None = None
    if kind != "linear":
        neural = yield from sweep(lessons)
    linear = None if kind == "neural" else linear_teachers(lessons)
    return Member(neural, linear)


def _share(
    lessons: Lessons, members: Sequence[Member], found: NDArray[np.float64], out_of_fold: bool
) -> NDArray[np.float64]:
    """How much of each label's answer is neural: all, none, half, or whichever ranks better. Shapes: → (K,).

    Ranking is measured where the teachers have not learned: out of fold, or else on the validation texts.
    """
    labels, kind = found.shape[2], lessons.config.teachers
    if kind in ("neural", "linear", "blend"):
        return np.full(labels, {"neural": 1.0, "linear": 0.0, "blend": 0.5}[kind])
    y = np.asarray(lessons.train_y if out_of_fold else lessons.valid_y) > 0
    if not out_of_fold:
        (member,) = members
        ask = lessons.valid_rows, lessons.valid_texts
        found = np.stack([member.logits(*ask, np.full(labels, share)) for share in (1.0, 0.0)])
    mixable = [k for k in range(labels) if y[:, k].any()]
    share = np.ones(labels)
    for k in mixable:
        neural, linear = (average_precision_score(y[:, k], logits[:, k]) for logits in found)
        share[k] = float(neural >= linear)
    return share


def _taught(lessons: Lessons, members: Sequence[Member], parts: Sequence[NDArray[np.int64]]) -> Taught:
    rows, texts = lessons.train_rows, lessons.train_texts
    n, labels = np.asarray(lessons.train_y).shape
    out_of_fold = len(parts) > 1
    found = np.zeros((2, n, labels))  # neural, linear
    for member, part in zip(members, parts, strict=True):
        at = np.setdiff1d(np.arange(n), part) if out_of_fold else part
        asked, read = [rows[i] for i in at], [texts[i] for i in at] if texts else ()
        for kind in (0, 1):
            found[kind, at] = member.logits(asked, read, np.full(labels, 1.0 - kind))
    share = _share(lessons, members, found, out_of_fold)
    mixed = share * found[0] + (1 - share) * found[1]
    shifts, weights = np.zeros(labels), _weights(members, share)
    if out_of_fold:
        y = np.asarray(lessons.train_y)
        shifts = -logit(choose(expit(mixed), y, y.mean(axis=0)))
        weights = {k: float(np.exp(shifts[k])) for k in range(labels)}
    teachers = Teachers(
        members=tuple(members),
        share=share,
        shifts=shifts,
        weights=weights,
        warnings=_warnings(members),
        epochs=sum(member.neural.epochs for member in members if member.neural is not None),
    )
    return Taught(teachers, expit(mixed + shifts).astype(np.float32))


def _warnings(members: Sequence[Member]) -> tuple[tuple[str, dict[str, Any]], ...]:
    """Each once, however many folds it was met in."""
    met = {repr(one): one for member in members if member.neural is not None for one in member.neural.warnings}
    return tuple(met.values())


def _weights(members: Sequence[Member], share: NDArray[np.float64]) -> dict[int, float]:
    """The class weights of the networks that answer; 1 for a linear model, which weighs classes by itself."""
    neural = members[0].neural
    chosen = {} if neural is None else neural.weights
    return {k: chosen.get(k, 1.0) if share[k] else 1.0 for k in range(len(share)) if k in chosen or not share[k]}
