"""A whole round on arrays: texts and labels in, a published student and its figures out.

A generator, so that the caller can show progress, keep its lease alive, and stop it by closing it.
"""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Generator, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import expit

from core.config import HEAD_ARCHS, RoundConfig
from core.distill.lessons import Lessons, encoding, threads_of
from core.distill.reading import Reading, reading_of
from core.distill.soft_targets import Taught, syllabus, teach
from core.distill.student import Pair, train_pair
from core.distill.sweep import SweepReport
from core.distill.teachers import Teachers, logit
from core.encoders.classifier import Classifier
from core.encoders.saving import save_head
from core.encoders.scoring import Reader
from core.errors import LabelWithoutPositives, NoGold, TooFewLabels
from core.evaluate import threshold_rules
from core.evaluate.calibration import Quality
from core.evaluate.metrics import MetricRow, rows
from core.evaluate.thresholds import choose
from core.models.base import TextModel
from core.splits import hold_out
from core.steps import through
from core.text.encode import Encoder, encoder
from core.text.normalize import normalize
from core.text.tokenize import read_all
from core.text.vectors import SAMPLE_TOKENS, vector_steps
from core.text.vocab import Vocab
from core.train.checkpoint import published, save_model
from core.train.loop import StepReport
from core.train.revising import Revision, Said, fitted, revised, said_steps
from core.train.scoring import score_texts, scorer

MIN_LABELLED = 8  # with fewer there is neither something to learn nor something to validate on
_SMALL_CORPUS = 20_000  # tokens; below, a token seen once is kept as well
_REPORT_EVERY = 2_000  # texts
_ASKED = 1_000  # pool texts that teachers read at once


@dataclass(frozen=True, kw_only=True)
class RoundData:
    """What a round is made from. Gold texts are measured on and nothing else.

    Shapes: train_y (N, K), gold_y (G, K), pool_ids (P,).
    """

    label_keys: Sequence[str]
    train_texts: Sequence[str]
    train_y: NDArray
    gold_texts: Sequence[str]
    gold_y: NDArray
    pool_ids: Sequence[int] | NDArray
    pool_texts: Sequence[str]


@dataclass(frozen=True)
class RoundReport:
    """Where a round stands: text, vectors, teachers, student and standalone (side by side), evaluate, score, save."""

    stage: str
    done: int
    total: int
    detail: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class RoundResult:
    """What a round found. Probabilities are dense; shapes (G, K) and (P, K).

    ``opinions``: what the teachers together and each of them say of the pool, where they were asked (M+1, P, K).
    """

    metrics: list[MetricRow]
    thresholds: dict[str, NDArray[np.float64]]
    gold_probs: dict[str, NDArray[np.float32]]
    pool_probs: NDArray[np.float32]
    teacher_weights: dict[str, float]
    n_train: int
    n_valid: int
    student_dir: Path
    timings: dict[str, float]
    warnings: list[tuple[str, dict[str, Any]]]
    opinions: NDArray[np.float32] | None = None
    revisions: dict[str, Revision] = field(default_factory=dict)  # by model: what was done to its logits
    quality: dict[str, Any] = field(default_factory=dict)  # of each model's gold probabilities, before it and after


Steps = Generator[RoundReport, None, Any]


def run_round(
    data: RoundData, config: RoundConfig, out_dir: Path, cache_dir: Path, *, ask_teachers: bool = False
) -> Generator[RoundReport, None, RoundResult]:
    """Train teachers and student, measure on gold, score the pool (by the teachers too, if asked), publish ``out_dir``.

    Closing the generator stops at once and leaves no directory. Raises TooFewLabels, NoGold, LabelWithoutPositives.
    """
    _check(data)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # what runs in parallel does so in lanes
    course = _Round(data, config, Path(out_dir), Path(cache_dir))
    try:
        return (yield from course.run(ask_teachers))
    finally:
        if course.reading is not None:
            course.reading.close()
        torch.set_num_threads(threads)


def _check(data: RoundData) -> None:
    if len(data.train_texts) < MIN_LABELLED:
        raise TooFewLabels(have=len(data.train_texts), need=MIN_LABELLED)
    if not len(data.gold_texts):
        raise NoGold()
    if not np.asarray(data.train_y).any():
        raise LabelWithoutPositives(labels=", ".join(data.label_keys))


class _Round:
    """The stages in order; what one finds is kept for the next."""

    def __init__(self, data: RoundData, config: RoundConfig, out_dir: Path, cache_dir: Path) -> None:
        self.data, self.config, self.out_dir, self.cache_dir = data, config, out_dir, cache_dir
        self.timings: dict[str, float] = {}
        self.networks = 0  # of all teachers
        self.reading: Reading | None = None
        self.revisions: dict[str, Revision] = {}
        self.quality: dict[str, dict[str, dict[str, float | None]]] = {}  # of probabilities on gold, before and after

    def run(self, ask_teachers: bool) -> Generator[RoundReport, None, RoundResult]:
        yield from self._timed("text", self._encoder())
        yield from self._timed("text", self._text())
        vectors = yield from self._timed("vectors", self._vectors())
        lessons: Lessons = yield from self._timed("vectors", self._lessons(vectors))
        taught: Taught = yield from self._timed("teachers", self._teachers(lessons))
        learned = yield from self._timed("teachers", self._answers(lessons, taught))
        pair: Pair = yield from self._timed("student", self._students(lessons, *learned))
        teachers = taught.teachers
        metrics, thresholds, gold = yield from self._timed("evaluate", self._evaluate(lessons, teachers, pair))
        pool = yield from self._timed("score", self._score(pair.student))
        opinions = (yield from self._timed("score", self._opinions(teachers))) if ask_teachers else None
        yield from self._timed("save", self._save(pair.student, thresholds["student"]))
        return RoundResult(
            metrics=metrics,
            thresholds=thresholds,
            gold_probs=gold,
            pool_probs=pool,
            teacher_weights={self.data.label_keys[k]: w for k, w in teachers.weights.items()},
            n_train=len(lessons.train_rows),
            n_valid=len(lessons.valid_rows),
            student_dir=self.out_dir,
            timings=self.timings,
            warnings=[*teachers.warnings, *([] if pair.standalone is not None else [("TwinDiverged", {})])],
            opinions=opinions,
            revisions=self.revisions,
            quality=self.quality,
        )

    def _timed(self, stage: str, steps: Steps) -> Steps:
        started = time.perf_counter()
        found = yield from steps
        self.timings[stage] = round(self.timings.get(stage, 0.0) + time.perf_counter() - started, 3)
        return found

    def _encoder(self) -> Steps:
        """Before anything else: one that cannot be had ends the round before it has taken any time."""
        yield RoundReport("text", 0, 1)
        self.reading = reading_of(self.config, self.cache_dir)

    def _text(self) -> Steps:
        """Read every training and pool text once, for the vocabulary and for what word vectors learn from.

        In the order of their hashes: a text that moves from pool to training changes nothing, so the cache holds.
        A gold text is not read here, nor one that repeats it. Of the tokens only the sample is kept.
        """
        data, config = self.data, self.config
        self.sample: list[list[str]] = []
        if not config.uses_vectors:  # heads read texts by their encoder's own tokens
            self.vocab = Vocab.of_counts(Counter(), 1)
            self.encode: Encoder = _unread
            return
        gold = {_digest(text) for text in data.gold_texts}
        union = {_digest(text): text for part in (data.train_texts, data.pool_texts) for text in part}
        texts = [union[digest] for digest in sorted(union) if digest not in gold]
        counts: Counter[str] = Counter()
        sampled = 0
        one: dict[str, str] = {}  # equal tokens are one string: half the memory
        for n, tokens in enumerate(read_all(config.segmenter, config.conversion, texts)):
            if n % _REPORT_EVERY == 0:
                yield RoundReport("text", n, len(texts))
            counts.update(tokens)
            if sampled < SAMPLE_TOKENS:
                self.sample.append([one.setdefault(token, token) for token in tokens])
                sampled += len(tokens)
        self.vocab = Vocab.of_counts(counts, min_count=1 if counts.total() < _SMALL_CORPUS else 2)
        self.encode = encoder(self.vocab, config)

    def _vectors(self) -> Steps:
        yield RoundReport("vectors", 0, 1, {"tokens": len(self.vocab)})
        config = self.config
        if not config.uses_vectors:
            return np.zeros((len(self.vocab), config.vector_size), dtype=np.float32)
        steps = vector_steps(
            self.sample, self.vocab, size=config.vector_size, seed=config.seed, cache_dir=self.cache_dir,
            user_file=config.vectors_file,
        )  # fmt: skip
        vectors = yield from through(steps, lambda at: RoundReport("vectors", *at))
        self.sample.clear()
        return vectors

    def _lessons(self, vectors: NDArray[np.float32]) -> Steps:
        texts, y = self.data.train_texts, np.asarray(self.data.train_y)
        train, valid = hold_out(texts, y, share=self.config.valid_share, seed=self.config.seed)
        train_texts, valid_texts = ([normalize(texts[n]) for n in at] for at in (train, valid))
        steps = encoding(self.encode, [*train_texts, *valid_texts])
        rows = yield from through(steps, lambda _: RoundReport("vectors", 1, 1))
        if self.reading is not None:
            kept = self.reading.keep([*train_texts, *valid_texts, *self.data.gold_texts])
            yield from through(kept, lambda share: RoundReport("vectors", round(100 * share), 100))
        return Lessons(
            vectors=vectors,
            breaks=self.vocab.breaks,
            train_rows=rows[: len(train)],
            train_texts=train_texts,
            train_y=y[train],
            valid_rows=rows[len(train) :],
            valid_texts=valid_texts,
            valid_y=y[valid],
            label_keys=list(self.data.label_keys),
            config=self.config,
            encode=self.encode,
            reading=self.reading,
        )

    def _teachers(self, lessons: Lessons) -> Steps:
        def said(report: SweepReport) -> RoundReport:
            self.networks = report.total
            return RoundReport("teachers", report.done, report.total, report.detail)

        return (yield from through(teach(lessons), said))

    def _answers(self, lessons: Lessons, taught: Taught) -> Steps:
        """What the student is to learn; the teachers' own time, for they answer for spliced texts."""
        done = RoundReport("teachers", self.networks, self.networks)
        return (yield from through(syllabus(lessons, taught), lambda _: done))

    def _students(self, lessons: Lessons, taught: Lessons, aims: NDArray) -> Steps:
        def said(told: tuple[str, StepReport]) -> RoundReport:
            name, report = told
            done = (report.epoch - 1) * report.steps + report.step
            judged = {"valid_f1": round(max(0.0, float(report.best[0])), 4)} if len(report.best) else {}
            return RoundReport(name, done, report.steps * epochs, {"epoch": report.epoch, **judged})

        config = self.config
        epochs = config.encoder_epochs if config.arch in HEAD_ARCHS else config.max_epochs

        return (yield from through(train_pair(lessons, taught, aims), said))

    def _evaluate(self, lessons: Lessons, teachers: Teachers, pair: Pair) -> Steps:
        metrics: list[MetricRow] = []
        thresholds: dict[str, NDArray[np.float64]] = {}
        gold: dict[str, NDArray[np.float32]] = {}
        gold_y = np.asarray(self.data.gold_y)
        asked = [*lessons.valid_texts, *self.data.gold_texts]
        rows_asked = yield from through(encoding(self.encode, asked), lambda _: RoundReport("evaluate", 0, 3))
        near = self.config.neighbours != "off"
        known = lessons.train_rows if near else ()  # what networks look for neighbours in
        answers: dict[str, Generator[float, None, Said]] = {"teacher": _told(teachers.logit_steps(rows_asked, asked))}
        for name, model in (("standalone", pair.standalone), ("student", pair.student)):
            if isinstance(model, Classifier) and self.reading is not None:
                answers[name] = _told(self.reading.logit_steps(model, asked))
            elif isinstance(model, TextModel):
                answers[name] = said_steps(scorer(model, self.config), [*known, *rows_asked], places=near)
        for done, (name, steps) in enumerate(answers.items()):
            report = RoundReport("evaluate", done, len(answers), {"model": name})
            yield report
            said = yield from through(steps, partial(_same, report))
            probs = self._revise(name, lessons, said)
            valid, gold[name] = probs[: len(lessons.valid_rows)], probs[len(lessons.valid_rows) :]
            thresholds[name] = self._thresholds(name, lessons, valid)
            for split, p, y in (("valid", valid, lessons.valid_y), ("gold", gold[name], gold_y)):
                metrics += rows(
                    p, y, thresholds[name], keys=self.data.label_keys, model=name, split=split, seed=self.config.seed
                )  # fmt: skip
        return metrics, thresholds, gold

    def _revise(self, name: str, lessons: Lessons, said: Said) -> NDArray[np.float32]:
        """Neighbours and calibration as validation asks for them. Shapes: → (V+G, K), without the training texts."""
        n, v = len(lessons.train_rows), len(lessons.valid_rows)
        train = said.part(slice(n)) if name != "teacher" and self.config.neighbours != "off" else None
        asked = said if train is None else said.part(slice(n, None))
        found = fitted(self.config, asked.part(slice(v)), lessons.valid_y, train, lessons.train_y)
        probs = expit(found(asked)).astype(np.float32)
        self.revisions[name] = found
        raw = expit(asked.logits[v:]).astype(np.float32)
        self.quality[name] = {
            part: asdict(Quality.of(p, self.data.gold_y)) for part, p in (("before", raw), ("after", probs[v:]))
        }
        return probs

    def _thresholds(self, name: str, lessons: Lessons, valid: NDArray[np.float32]) -> NDArray[np.float64]:
        if self.config.thresholds != "auto":
            return threshold_rules.of_probabilities(self.config.thresholds, valid, lessons.valid_y)
        found = self.revisions[name]
        if self.config.half_cuts and name != "standalone" and found.neighbours is None:
            return found.cuts_of_half(lessons.valid_y.shape[1])  # validation, which is small, would only spoil it
        return choose(valid, lessons.valid_y, np.asarray(lessons.train_y).mean(axis=0))

    def _score(self, student: TextModel | Classifier) -> Steps:
        """The pool, read again chunk by chunk, so that its tokens are never all in memory."""
        texts = self.data.pool_texts
        by = revised(scorer(student, self.config), self.revisions["student"])
        encode = Reader(student) if isinstance(student, Classifier) else self.encode
        steps = score_texts(by, encode, texts, threads_of(self.config))
        return (yield from through(steps, lambda done: RoundReport("score", done, len(texts))))

    def _opinions(self, teachers: Teachers) -> Steps:
        """The pool once more, for all networks of the teachers: several times what the student takes."""
        texts = self.data.pool_texts
        report = RoundReport("score", 0, len(texts))
        parts = [(yield from through(teachers.opinion_steps([], []), partial(_same, report)))]
        for start in range(0, len(texts), _ASKED):
            report = RoundReport("score", start, len(texts))
            part = texts[start : start + _ASKED]
            parts.append((yield from through(teachers.opinion_steps(self.encode(part), part), partial(_same, report))))
        said, calibration = np.concatenate(parts, axis=1), self.revisions["teacher"].calibration
        return said if calibration is None else expit(calibration(logit(said))).astype(np.float32)

    def _save(self, student: TextModel | Classifier, thresholds: NDArray[np.float64]) -> Steps:
        meta = {
            "config": asdict(self.config),
            "label_keys": list(self.data.label_keys),
            "thresholds": [float(t) for t in thresholds],
            "segmenter": self.config.segmenter,
            "revision": self.revisions["student"].to_json(),
            "quality": self.quality["student"],
        }
        yield RoundReport("save", 0, 1)
        with published(self.out_dir) as beside:
            if isinstance(student, Classifier):
                save_head(beside, student, meta)
            else:
                save_model(beside, student, self.vocab, meta, self.revisions["student"].arrays())


def _unread(texts: Sequence[str]) -> list[NDArray[np.int64]]:
    """Where nobody asks for tokens of a vocabulary."""
    return [np.empty(0, dtype=np.int64) for _ in texts]


def _told(steps: Generator[float, None, NDArray[Any]]) -> Generator[float, None, Said]:
    """Teachers are no one network, and heads compare no texts: they lie nowhere."""
    logits = yield from steps
    return Said(logits, np.empty((len(logits), 0), dtype=np.float32))


def _same(report: RoundReport, _: float) -> RoundReport:
    return report


def _digest(text: str) -> bytes:
    return hashlib.sha256(normalize(text).encode()).digest()
