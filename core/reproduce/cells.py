"""How one cell is made: the only place of this package that trains networks."""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.config import RoundConfig
from core.distill.lessons import Lessons, encoding
from core.distill.soft_targets import Gathered, combine, gather, held_out, spliced, syllabus, targets, with_more
from core.distill.student import train_one
from core.evaluate.crossval import Fold
from core.evaluate.thresholds import choose
from core.experiments.corpus import Corpus
from core.reproduce.linear import tuned
from core.reproduce.plan import Plan
from core.reproduce.store import Cell, Planned
from core.reproduce.work import Making
from core.steps import through
from core.text.encode import encoder
from core.text.tokenize import read_all
from core.text.user_vectors import content_hash
from core.text.vectors import vector_steps
from core.text.vocab import Vocab
from core.train.loop import Judge
from core.train.scoring import score_row_steps, scorer
from core.version import VERSION

_SMALL_CORPUS = 20_000  # tokens; below, a token seen once is kept as well
_REPORT_EVERY = 500  # texts
_TRAINING = 0.95  # of a teachers' cell; the rest is answering for spliced texts


@dataclass(frozen=True, kw_only=True)
class Tokens:
    """All texts of an experiment, cut once; the same for every fold, architecture and seed."""

    corpus: list[list[str]]
    pool: list[list[str]]


@dataclass(frozen=True, kw_only=True)
class Material:
    """One fold as arrays. Vocabulary and word vectors know nothing of its test texts."""

    fold: Fold
    lessons: Lessons
    test_rows: list[NDArray[np.int64]]
    test_texts: list[str]

    @property
    def train_y(self) -> NDArray:
        return np.asarray(self.lessons.train_y)


def brought_along(plan: Planned) -> dict[str, str]:
    """What the user's own vectors hold, if any: other ones under the same name are another experiment.

    Raises BadFile: the file cannot be read.
    """
    path = str(plan.settings.get("vectors_file", ""))
    steps = content_hash(Path(path).expanduser()) if path else None
    while steps is not None:
        try:
            next(steps)
        except StopIteration as finished:
            return {"vectors": finished.value}
    return {}


def cut(corpus: Corpus, config: RoundConfig) -> Generator[float, None, Tokens]:
    """Equal tokens are one string: a large pool would not fit in memory otherwise."""
    one: dict[str, str] = {}
    lists: list[list[str]] = []
    total = len(corpus.texts) + len(corpus.pool)
    for tokens in read_all(config.segmenter, config.conversion, (*corpus.texts, *corpus.pool)):
        lists.append([one.setdefault(token, token) for token in tokens])
        if len(lists) % _REPORT_EVERY == 0:
            yield len(lists) / total
    n = len(corpus.texts)
    return Tokens(corpus=lists[:n], pool=lists[n:])


def material(
    corpus: Corpus, tokens: Tokens, fold: Fold, config: RoundConfig, cache: Path
) -> Generator[float, None, Material]:
    """Vocabulary and vectors from the fold's training texts, then the unlabelled ones; validation is not among them."""
    read = [tokens.corpus[n] for n in fold.train] + tokens.pool
    vocab = Vocab.build(read, min_count=1 if sum(map(len, read)) < _SMALL_CORPUS else 2)
    steps = vector_steps(
        read, vocab, size=config.vector_size, seed=config.seed, cache_dir=cache, user_file=config.vectors_file
    )
    vectors = yield from through(steps, lambda at: at[0] / max(at[1], 1))
    rows = {
        n: vocab.encode(tokens.corpus[n], config.max_tokens)
        for part in (fold.train, fold.valid, fold.test)
        for n in part
    }
    lessons = Lessons(
        vectors=vectors,
        breaks=vocab.breaks,
        train_rows=[rows[n] for n in fold.train],
        train_texts=_texts(corpus, fold.train),
        train_y=corpus.y[fold.train],
        valid_rows=[rows[n] for n in fold.valid],
        valid_texts=_texts(corpus, fold.valid),
        valid_y=corpus.y[fold.valid],
        label_keys=list(corpus.label_keys),
        config=config,
        encode=encoder(vocab, config),
    )
    return Material(
        fold=fold, lessons=lessons, test_rows=[rows[n] for n in fold.test], test_texts=_texts(corpus, fold.test)
    )


def _texts(corpus: Corpus, at: NDArray[np.int64]) -> list[str]:
    return [corpus.texts[n] for n in at]


Trained = dict[str, Gathered]  # networks and linear models of the fold at hand, by the config they were trained with


def teacher_cell(material: Material, config: RoundConfig, trained: Trained) -> Making:
    """Teachers, and what they say of every part. Kinds of teachers that need the same networks share them.

    Soft targets are their answers on the training texts, followed by those on texts made of these, if any are made.
    """
    started, lessons = time.perf_counter(), material.lessons.with_config(config)
    both = config if config.teachers == "linear" else replace(config, teachers="stack")
    name = replace(both, spliced=0.0).to_json()
    if name not in trained:
        steps = gather(lessons.with_config(both))
        trained[name] = yield from through(steps, lambda report: _TRAINING * report.done / max(report.total, 1))
    taught = combine(lessons, trained[name])
    teachers = taught.teachers
    answering = syllabus(lessons.with_config(replace(config, hard_share=0.0)), taught)
    _, soft = yield from through(answering, lambda share: _TRAINING + (1 - _TRAINING) * share)
    test = yield from through(teachers.probability_steps(material.test_rows, material.test_texts), lambda _: 1.0)
    valid = yield from through(teachers.probability_steps(lessons.valid_rows, lessons.valid_texts), lambda _: 1.0)
    weights = {lessons.label_keys[k]: float(weight) for k, weight in teachers.weights.items()}
    said = {
        "weights": weights,
        "epochs": int(teachers.epochs),
        "neural_share": [float(share) for share in teachers.share],
    }
    return cell_of(material, test, valid, config, started, soft=soft, warnings=list(teachers.warnings), **said)


def student_cell(
    material: Material, config: RoundConfig, soft: NDArray[np.float32] | None, judge: Judge | None = None
) -> Making:
    """A student; without soft targets it learns the labels themselves. Shapes: soft (N+S, K), as a teachers' cell.

    ``judge`` picks its epoch, in place of macro-F1 at one half.
    """
    started, lessons, n = time.perf_counter(), material.lessons.with_config(config), len(material.train_y)
    aims: NDArray = material.train_y
    if soft is not None:
        aims = targets(soft[:n], material.train_y, config.hard_share)
        texts = spliced(lessons, held_out(lessons)).texts  # the ones that the teachers' cell has answered for
        assert len(texts) == len(soft) - n, "the teachers' cell has answered for other texts"
        if texts and lessons.encode is not None:
            rows = yield from through(encoding(lessons.encode, texts), lambda _: 0.0)
            lessons, aims = with_more(lessons, aims, rows, texts, soft[n:])
    model = yield from through(
        train_one(lessons, aims, taught=soft is not None, judge=judge),
        lambda at: (at.epoch - 1 + at.step / at.steps) / config.max_epochs,
    )
    by = scorer(model, config)
    test = yield from through(score_row_steps(by, material.test_rows), lambda _: 1.0)
    valid = yield from through(score_row_steps(by, lessons.valid_rows), lambda _: 1.0)
    return cell_of(material, test, valid, config, started)


def linear_cell(material: Material, config: RoundConfig) -> Making:
    """The tuned linear baseline, on the same texts as the networks."""
    started, lessons = time.perf_counter(), material.lessons
    steps = tuned(
        lessons.train_texts, material.train_y, lessons.valid_texts, np.asarray(lessons.valid_y), seed=config.seed
    )
    chosen = yield from steps
    test = chosen.model.probabilities(material.test_texts)
    return cell_of(material, test, chosen.valid_probs, config, started, chosen=chosen.said)


def cell_of(
    material: Material, test: NDArray, valid: NDArray, config: RoundConfig, started: float,
    soft: NDArray | None = None, warnings: Sequence[Any] = (), **said: Any,
) -> Cell:  # fmt: skip
    """What a model of the fold answered, with all that is kept of it. Shapes: test (T, K), valid (V, K)."""
    labels = material.train_y.shape[1]
    test, valid = (np.asarray(p, dtype=np.float32).reshape(-1, labels) for p in (test, valid))
    meta = {
        "config": Plan.comparable(config),
        "seconds": round(time.perf_counter() - started, 3),
        "code_version": VERSION,
        "warnings": [[code, dict(fields)] for code, fields in warnings],
        **said,
    }
    return Cell(
        test=material.fold.test,
        test_probs=test,
        valid_probs=valid,
        thresholds=choose(valid, np.asarray(material.lessons.valid_y), material.train_y.mean(axis=0)),
        soft=np.zeros((0, 0), dtype=np.float32) if soft is None else np.asarray(soft, dtype=np.float32),
        meta=meta,
    )
