"""The comparison of heads from its first missing cell to its last. Each cell is on disk as soon as it is finished."""

from __future__ import annotations

import copy
import time
from collections.abc import Generator
from typing import Any

import numpy as np
import torch
from scipy.special import expit

from core.encoders import load
from core.encoders.classifier import Classifier, build_head
from core.encoders.features import Features
from core.encoders.load import Encoder
from core.encoders.training import HeadPlan, Vectors, fit
from core.evaluate import thresholds
from core.evaluate.crossval import Fold, fold, fold_numbers
from core.experiments.corpus import Corpus
from core.experiments.terminal import Progress
from core.models.base import best_device
from core.reproduce.heads.place import Place
from core.reproduce.heads.plan import DRAWN, GIVEN, SMALL, HeadsPlan, Key
from core.reproduce.heads.student import small_cell
from core.seeds import derive

_VALID = 0.1  # of the training part, for thresholds alone
_TIMES = 3  # the middle one counts
_TIMED = 64  # texts


def run(plan: HeadsPlan, corpus: Corpus, encoder: Encoder, place: Place) -> Generator[Progress, None, None]:
    """Make every missing cell; the caller holds the directory. Raises as ``core.encoders.training.fit`` does."""
    everything = list(plan.cells())
    missing = [key for key in everything if place.read(key) is None]
    encoders = {GIVEN: encoder, **({DRAWN: drawn_like(encoder)} if DRAWN in plan.encoders else {})}
    vectors: dict[str, Vectors] = {}
    began = time.monotonic()
    for done, key in enumerate(missing):
        if plan.frozen and key.encoder in encoders and key.encoder not in vectors:
            features = Features(encoders[key.encoder], place.out / "vectors", max_tokens=plan.max_tokens)
            steps = features.of(corpus.texts)
            try:
                while True:
                    share = next(steps)
                    yield Progress(len(everything) - len(missing) + done, len(everything), "reading", share, None)
            except StopIteration as finished:
                vectors[key.encoder] = finished.value
        parts = fold_of(plan, corpus, key)
        if key.encoder in SMALL:
            cell = small_cell(plan, corpus, key, parts, place)
        else:
            cell = _make(plan, corpus, encoders[key.encoder], key, parts, place, vectors.get(key.encoder))
        for share in cell:
            each = (time.monotonic() - began) / (done + share) if done + share else None
            left = None if each is None else each * (len(missing) - done - share)
            yield Progress(len(everything) - len(missing) + done, len(everything), key.name, share, left)
    yield Progress(len(everything), len(everything), "", 1.0, None)


def fold_of(plan: HeadsPlan, corpus: Corpus, key: Key) -> Fold:
    numbered = fold_numbers(corpus.texts, corpus.y, n_folds=plan.folds, seed=key.seed)
    return fold(corpus.texts, corpus.y, numbered, key.fold, valid_share=_VALID, seed=key.seed)


def drawn_like(encoder: Encoder) -> Encoder:
    """The same form and tokenizer, weights drawn anew: what pretraining is measured against."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive(0, "drawn"))
        network = load.library().AutoModel.from_config(encoder.network.config)
    return load.assembled("drawn", network, encoder.tokenizer, conversion=encoder.conversion)


def _make(
    plan: HeadsPlan, corpus: Corpus, encoder: Encoder, key: Key, parts: Fold, place: Place, vectors: Vectors | None
) -> Generator[float, None, None]:
    """Train one head; write what it answers for its test part, and how long it takes."""
    started = time.monotonic()
    own = encoder if plan.frozen else _copied(encoder)
    own.network.to(best_device())
    classifier = Classifier(
        encoder=own, head=build_head(key.head, own, corpus.y.shape[1], seed=derive(key.seed, "head", key.fold)),
        name=key.head, label_keys=corpus.label_keys, max_tokens=plan.max_tokens,
    )  # fmt: skip
    classifier.head.to(best_device())
    texts = corpus.texts
    course = HeadPlan(
        head=key.head, epochs=plan.epochs, batch_size=plan.batch_size, lr=plan.lr, head_lr=plan.head_lr,
        max_tokens=plan.max_tokens, frozen=plan.frozen, seed=derive(key.seed, "head", key.fold),
    )  # fmt: skip
    of_train = [vectors[n] for n in parts.train] if vectors is not None else None
    for at in fit(classifier, [texts[n] for n in parts.train], corpus.y[parts.train], course, vectors=of_train):
        yield 0.9 * at.step / at.steps
    valid = expit(classifier.logits([texts[n] for n in parts.valid]))
    test = expit(classifier.logits([texts[n] for n in parts.test]))
    cuts = thresholds.choose(valid, corpus.y[parts.valid], corpus.y[parts.train].mean(axis=0))
    soft = expit(classifier.logits([texts[n] for n in parts.train]))  # what a student learns
    found: dict[str, Any] = {
        "test": parts.test, "probs": test, "cuts": cuts, "ms_a_text": timed(classifier, [texts[n] for n in parts.test]),
        "soft": soft, "seconds": time.monotonic() - started,
    }  # fmt: skip
    place.write(key, found)
    yield 1.0


def timed(classifier: Classifier, texts: list[str]) -> float:
    """Milliseconds a text, reading included: the middle of some passes over the same texts.

    On a CPU the processor's own, which other work on the machine does not lengthen.
    """
    clock = time.process_time if best_device().type == "cpu" else time.perf_counter
    some = texts[:_TIMED]
    classifier.logits(some[:8])
    spent = []
    for _ in range(_TIMES):
        began = clock()
        classifier.logits(some)
        spent.append(clock() - began)
    return 1000 * float(np.median(spent)) / max(1, len(some))


def _copied(encoder: Encoder) -> Encoder:
    return Encoder(
        name=encoder.name, network=copy.deepcopy(encoder.network), tokenizer=encoder.tokenizer, pooler=encoder.pooler,
        longest=encoder.longest, conversion=encoder.conversion,
    )  # fmt: skip
