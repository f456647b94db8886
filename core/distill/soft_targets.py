"""What the student learns from: the teachers' probabilities on the training texts.

In sample, as published: a teacher answers for the texts that it was trained on (lee2022kd). Out of fold: for each
text those answer that have not seen it, so that what they are unsure of stays unsure; so too for a text made of two
of one fold; on any other text all folds' teachers answer together. Both with networks, linear models, the better of
the two by label, or a stack of both.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from iterstrat.ml_stratifiers import MultilabelStratifiedKFold
from numpy.typing import NDArray
from scipy.special import expit

from core.config import HEAD_ARCHS, MAX_BATCH
from core.distill.heads import HeadTeacher, head_teacher
from core.distill.lessons import Lessons, encoding
from core.distill.mixing import mix
from core.distill.splicing import splice, splice_within
from core.distill.sweep import NeuralTeachers, SweepReport, networks, sweep
from core.distill.teachers import Member, Mixture, Teachers, linear_teachers
from core.models.engine import Rows
from core.seeds import derive, numbers
from core.steps import through


class Taught(NamedTuple):
    """Teachers, and their probabilities on the training texts.

    Shapes: soft (N, K), folds (N,) as ``held_out`` has them.
    """

    teachers: Teachers
    soft: NDArray[np.float32]
    folds: NDArray[np.int64] | None = None


@dataclass(frozen=True)
class Gathered:
    """What was trained, on which of the training texts, and what it answers where it may.

    Shapes: found (2, N, K), neural and linear logits on the training texts, folds (N,) as ``held_out`` has them.
    """

    members: tuple[Member, ...]
    parts: tuple[NDArray[np.int64], ...]
    found: NDArray[np.float64]
    folds: NDArray[np.int64] | None


def teach(lessons: Lessons) -> Generator[SweepReport, None, Taught]:
    """Train the round's teachers as its config asks; returns them with the student's targets."""
    config = lessons.config
    epochs = config.teacher_epochs(len(lessons.train_rows))
    lessons = lessons.with_config(replace(config.of_teachers, max_epochs=epochs))
    return combine(lessons, (yield from gather(lessons)))


def gather(lessons: Lessons) -> Generator[SweepReport, None, Gathered]:
    """Train the networks and linear models that a teacher's config asks for."""
    folds = held_out(lessons)
    parts = _parts(folds, len(lessons.train_rows), lessons.config.oof_folds)
    members: list[Member] = []
    total = 0
    for done, part in enumerate(parts):

        def said(report: SweepReport, done: int = done) -> SweepReport:
            nonlocal total
            total = report.total * len(parts)
            return SweepReport(report.done + report.total * done, total, report.detail)

        members.append((yield from through(_member(lessons.only(part)), said)))
    found = np.zeros((2, *np.asarray(lessons.train_y).shape))
    for member, part in zip(members, parts, strict=True):
        at = np.setdiff1d(np.arange(len(lessons.train_rows)), part) if len(parts) > 1 else part
        asked = lessons.only(at)
        answering = member.logit_steps(asked.train_rows, asked.train_texts)
        found[:, at] = yield from through(answering, lambda _: SweepReport(total, total))
    return Gathered(tuple(members), tuple(parts), found, folds)


def targets(soft: NDArray[np.float32], hard: NDArray, hard_share: float) -> NDArray[np.float32]:
    """(1-h)·soft + h·hard. Shapes: (N, K) each → (N, K)."""
    return ((1 - hard_share) * soft + hard_share * np.asarray(hard)).astype(np.float32)


class Spliced(NamedTuple):
    """Texts made of two training texts, and the fold that both are of. Shapes: folds (S,)."""

    texts: list[str]
    folds: NDArray[np.int64] | None


def spliced(lessons: Lessons, folds: NDArray[np.int64] | None) -> Spliced:
    """What the round's config asks to be spliced, within folds where there are any; the same each time."""
    texts, config = lessons.train_texts, lessons.config
    n = round(config.spliced * len(lessons.train_rows)) if lessons.encode is not None else 0
    if folds is None:
        return Spliced(splice(texts, n, config.seed), None)
    return Spliced(*splice_within(texts, folds, n, config.seed))


def syllabus(lessons: Lessons, taught: Taught) -> Generator[float, None, tuple[Lessons, NDArray[np.float32]]]:
    """What the student learns: (1-h)·soft + h·hard, and what the teachers say of spliced texts.

    Yields the share of these that is answered. Shapes: → lessons of N+S texts, targets (N+S, K).
    """
    mixed = targets(taught.soft, lessons.train_y, lessons.config.hard_share)
    texts, folds = spliced(lessons, taught.folds)
    if lessons.encode is None or not texts:
        return lessons, mixed
    rows = yield from through(encoding(lessons.encode, texts), lambda _: 0.0)
    if lessons.reading is not None and lessons.config.arch in HEAD_ARCHS:  # its student asks for them in each epoch
        yield from through(lessons.reading.keep(texts, passing=True), lambda share: 0.0)
    if folds is None:
        soft = yield from taught.teachers.probability_steps(rows, texts)
    else:
        soft = yield from taught.teachers.unseen_steps(rows, texts, folds)
    return with_more(lessons, mixed, rows, texts, soft)


def with_more(
    lessons: Lessons, mixed: NDArray[np.float32], rows: Rows, texts: Sequence[str], soft: NDArray[np.float32]
) -> tuple[Lessons, NDArray[np.float32]]:
    """Lessons and targets with spliced texts behind the labelled ones. Shapes: mixed (N, K), soft (S, K).

    Batches grow by the root of what the texts do: four times the texts, twice the batch and twice the steps an epoch.
    """
    batch = round(lessons.config.batch_size * (1 + len(rows) / len(lessons.train_rows)) ** 0.5)
    more = replace(
        lessons,
        config=replace(lessons.config, batch_size=min(batch, MAX_BATCH)),
        train_rows=[*lessons.train_rows, *rows],
        train_texts=[*lessons.train_texts, *texts],
        train_y=np.concatenate([np.asarray(lessons.train_y), soft >= 0.5]),
        spliced=len(rows),
    )
    return more, np.concatenate([mixed, soft])


def held_out(lessons: Lessons) -> NDArray[np.int64] | None:
    """Which fold's teachers have not seen each training text; None in sample. Shapes: → (N,)."""
    n, config = len(lessons.train_rows), lessons.config
    if config.soft_targets == "in_sample" or n < 2 * config.oof_folds:
        return None
    y = np.asarray(lessons.train_y)
    used = y[:, y.any(axis=0)]
    seed = derive(config.seed, "out of fold")
    if used.shape[1] == 0:
        held = np.array_split(numbers(seed).permutation(n), config.oof_folds)
    else:
        used = np.hstack([used, used]) if used.shape[1] == 1 else used  # the stratifier wants two columns
        folds = MultilabelStratifiedKFold(config.oof_folds, shuffle=True, random_state=seed % 2**32)
        held = [test for _, test in folds.split(np.zeros((n, 1)), used)]
    out = np.zeros(n, dtype=np.int64)
    for number, at in enumerate(held):
        out[at] = number
    return out


def _parts(folds: NDArray[np.int64] | None, n: int, members: int) -> list[NDArray[np.int64]]:
    """The training texts of each member: all, or all but one fold."""
    if folds is None:
        return [np.arange(n)]
    return [np.flatnonzero(folds != number) for number in range(members)]


def _member(lessons: Lessons) -> Generator[SweepReport, None, Member]:
    kind, labels = lessons.config.teachers, len(lessons.label_keys)
    neural: NeuralTeachers | HeadTeacher | None = None
    linear = None
    if kind != "linear":
        neural = yield from (head_teacher(lessons) if lessons.config.arch in HEAD_ARCHS else sweep(lessons))
    if kind == "linear":
        linear = yield from through(linear_teachers(lessons), lambda done: SweepReport(done, labels))
    elif kind != "neural":  # beside networks they take no time to speak of
        total = lessons.config.encoder_epochs if lessons.config.arch in HEAD_ARCHS else networks(lessons)
        linear = yield from through(linear_teachers(lessons), lambda _: SweepReport(total, total))
    return Member(neural, linear)


def combine(lessons: Lessons, gathered: Gathered) -> Taught:
    """Teachers of the kind that the config names, from what was gathered for that kind or for a stack."""
    kind, members, found = lessons.config.teachers, gathered.members, gathered.found
    if len(gathered.parts) > 1:
        mixture, weights = mix(kind, found, np.asarray(lessons.train_y))
    elif kind == "neural" and members[0].neural is not None:
        mixture, weights = _as_published(members[0].neural), dict(members[0].neural.weights)
    else:
        unseen = members[0].logits(lessons.valid_rows, lessons.valid_texts)
        mixture, weights = mix(kind, unseen, np.asarray(lessons.valid_y))
    teachers = Teachers(
        members=members,
        mixture=mixture,
        weights=weights,
        warnings=(*_too_few(lessons, gathered), *_warnings(members)),
        epochs=sum(member.neural.epochs for member in members if member.neural is not None),
    )
    return Taught(teachers, expit(mixture(found)).astype(np.float32), gathered.folds)


def _as_published(neural: NeuralTeachers | HeadTeacher) -> Mixture:
    """The networks alone, each with its class weight."""
    labels = len(neural.constants)
    return Mixture(mix=np.stack([np.ones(labels), np.zeros(labels)]), offset=neural.log_weights)


def _too_few(lessons: Lessons, gathered: Gathered) -> tuple[tuple[str, dict[str, Any]], ...]:
    config = lessons.config
    if config.soft_targets == "in_sample" or len(gathered.parts) > 1:
        return ()
    return (("TooFewForFolds", {"have": len(lessons.train_rows), "need": 2 * config.oof_folds}),)


def _warnings(members: Sequence[Member]) -> tuple[tuple[str, dict[str, Any]], ...]:
    """Each once, however many folds it was met in."""
    met = {repr(one): one for member in members if member.neural is not None for one in member.neural.warnings}
    return tuple(met.values())
