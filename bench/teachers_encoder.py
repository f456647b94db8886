"""A head over a frozen encoder in ``bench.teachers``: one network of all labels against one a label and class weight.

The encoder is a ``tiny`` one with drawn weights: what it costs does not depend on their values. On the same fold, the
texts cut at ``TOKENS`` of its tokens, ``EPOCHS`` epochs each.

``naive``: 63 binary heads and two students, each of which has the encoder read every text in every epoch, batches
padded to ``TOKENS``. Sampled: ``--models`` models for ``STEPS`` batches; ``naive_s`` is their median a text times
texts, epochs and models. ``head``: texts are read once and kept, one teacher of all labels learns, then student and
twin: run whole.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

TOKENS, EPOCHS, STEPS = 256, 5, 3
HEAD = "encoder_cls.v1"


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Every figure; in a directory that is gone afterwards, so that nothing is kept from before."""
    from bench.drawn_encoder import make
    from bench.teachers import ARCHS, drained, lessons_of
    from core.distill.reading import reading_of
    from core.distill.soft_targets import syllabus, teach
    from core.distill.student import train_pair

    lessons = lessons_of(args, ARCHS["textcnn"])[0]
    with tempfile.TemporaryDirectory() as folder:
        encoder = make(Path(folder, "encoder"), lessons.train_texts, seed=args.seed)
        config = replace(
            lessons.config, arch=HEAD, teacher_arch="", encoder=str(encoder), encoder_tokens=TOKENS,
            encoder_epochs=EPOCHS,
        )  # fmt: skip
        torch.set_num_threads(args.threads)
        reading = reading_of(config, Path(folder, "cache"))
        assert reading is not None
        lessons = replace(lessons.with_config(config), reading=reading)
        naive = median(
            a_text(reading, lessons, args.threads, k % lessons.train_y.shape[1]) for k in range(max(1, args.models))
        )
        started = time.perf_counter()
        drained(reading.keep([*lessons.train_texts, *lessons.valid_texts]))
        read_s = time.perf_counter() - started
        taught = drained(teach(lessons))
        taught_s = time.perf_counter() - started
        drained(train_pair(lessons, *drained(syllabus(lessons, taught))))
        head_s = time.perf_counter() - started
    texts, labels = len(lessons.train_texts), lessons.train_y.shape[1]
    models = labels * len(lessons.config.class_weights) + 2
    return {
        "ratio_head": round(naive * texts * EPOCHS * models / head_s, 1),
        "naive_s": round(naive * texts * EPOCHS * models),
        "head_s": round(head_s, 1),
        "parts_s": {
            "read": round(read_s, 1),
            "teacher": round(taught_s - read_s, 1),
            "pair": round(head_s - taught_s, 1),
        },
        "naive_ms_a_text": round(1000 * naive, 2),
        "models_naive": models,
        "texts": texts,
        "epochs": EPOCHS,
        "head": HEAD,
        "encoder": "tiny, drawn weights",
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "threads": args.threads,
        "extrapolated": ["naive_s: seconds a text of sampled batches, times texts, epochs and models"],
    }


def a_text(reading: Any, lessons: Any, threads: int, k: int) -> float:
    """Seconds that one text takes one binary model in one epoch; the first batch is for warming up."""
    from core.encoders.reading import batch_of, hidden_of

    torch.set_num_threads(threads)
    classifier = reading.untrained(HEAD, [lessons.label_keys[k]], k)
    adam = torch.optim.Adam(classifier.head.parameters(), lr=lessons.config.head_lr)
    size = lessons.config.batch_size
    spent = []
    for step in range(1 + STEPS):
        at = np.arange(step * size, (step + 1) * size) % len(lessons.train_texts)
        y = torch.from_numpy(np.asarray(lessons.train_y)[at][:, [k]].astype(np.float32))
        started = time.perf_counter()
        rows = reading.encoder.rows([lessons.train_texts[n] for n in at], TOKENS)
        batch = batch_of(rows, reading.encoder.pad, width=TOKENS)
        with torch.no_grad():
            hidden = hidden_of(reading.encoder.network, batch)
        adam.zero_grad()
        F.binary_cross_entropy_with_logits(classifier.head(hidden, batch.mask), y).backward()
        adam.step()
        spent.append((time.perf_counter() - started) / size)
    return median(spent[1:])
