"""Heads over an encoder in ``bench.score``: as the app streams a pool, and as the exported zip answers.

The encoder is a ``tiny`` one with drawn weights: speed does not depend on their values, a user's own may be larger.
``docs_per_s``, ``peak_mb``: the app's stream over the first ``--encoded`` texts, a fresh process on one core. Under
``onnx`` and ``int8`` the same of the exported ``predict.py``, tokens and all. ``ratio_eager``: texts a second against
eager PyTorch on a sample, all in turns in one process: the encoder and head without gradient, every batch padded to
``max_tokens``, the faster of batches of 32 and 128. ``differs`` from eager in probability.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
import time
import zipfile
from collections.abc import Callable
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any

PAD_ALL = (32, 128)
LABELS = 9
VOCABULARY_TEXTS = 5_000
PARTS = ("encoder_prepare", "encoder_app", "encoder_onnx", "encoder_int8", "encoder_ratio")


def prepare(folder: Path, args: argparse.Namespace, head: str) -> None:
    """A student with drawn weights, its zip unpacked, and an int8 variant beside, whether or not it would go along."""
    from bench.drawn_encoder import make
    from bench.score import texts
    from core.config import RoundConfig
    from core.encoders.classifier import Classifier, build_head
    from core.encoders.load import load
    from core.encoders.saving import save_head
    from core.export.bundle import write_bundle
    from core.export.bundle_encoder import quantized

    encoder = load(str(make(folder.parent / f"drawn-{head}", list(texts(args.data, VOCABULARY_TEXTS)), seed=args.seed)))
    keys = tuple(f"k{k}" for k in range(LABELS))
    made = build_head(f"{head}.v1", encoder, LABELS, seed=args.seed).eval()
    tokens = min(args.max_tokens, encoder.longest)
    config = RoundConfig(arch=f"encoder_{head}.v1", encoder="drawn", encoder_tokens=tokens)
    classifier = Classifier(encoder=encoder, head=made, name=f"{head}.v1", label_keys=keys, max_tokens=tokens)
    folder.mkdir()
    save_head(folder, classifier, {"config": asdict(config), "label_keys": keys, "thresholds": [0.5] * LABELS})
    packed = write_bundle(folder, [{"key": key} for key in keys], {}, folder / "student.zip")
    with zipfile.ZipFile(packed) as archive:
        archive.extractall(folder / "alone")
    about = json.loads((folder / "alone" / "student.json").read_text())
    print(
        json.dumps(
            {"int8_goes_along": about["int8"], "parameters": sum(p.numel() for p in encoder.network.parameters())}
        )
    )
    (folder / "alone" / "forced.onnx").write_bytes(quantized((folder / "alone" / "model.onnx").read_bytes()))


def alone(folder: Path, name: str) -> Callable[[list[str]], Any]:
    """What the exported predict.py answers with, over one of the graphs."""
    spec = importlib.util.spec_from_file_location("bundle_predict_bench", folder / "alone" / "predict.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    student = module.Student(folder / "alone", threads=1)
    if name == "int8":
        student._session = module._session(folder / "alone" / "forced.onnx", 1)
    return student.probabilities


def one_core() -> None:
    import os

    import torch

    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    torch.set_num_threads(1)


def stream(folder: Path, args: argparse.Namespace, way: str) -> dict[str, Any]:
    """The first texts once, as they come, and the most memory that this process held."""
    from bench.score import _drained, _peak_mb, texts

    if way == "app":
        one_core()
        from core.train.predict import load_student
        from core.train.scoring import score_texts

        student = load_student(folder)
        by, read = student.scorer(), student.reader()
        run: Callable[[Any], Any] = lambda some: _drained(score_texts(by, read, some))  # noqa: E731
    else:
        answer = alone(folder, way)
        run = lambda some: answer(list(some))  # noqa: E731
    run(["高"])
    started = time.perf_counter()
    found = run(texts(args.data, args.encoded))
    spent = time.perf_counter() - started
    assert found.shape[1] == LABELS
    return {"docs_per_s": round(len(found) / spent), "peak_mb": _peak_mb(), "texts": len(found)}


def ratio(folder: Path, args: argparse.Namespace) -> dict[str, Any]:
    """All ways in turn on one sample."""
    import numpy as np
    import torch

    from bench.score import _drained, texts
    from core.encoders.reading import batch_of, hidden_of
    from core.train.predict import load_student
    from core.train.scoring import score_texts

    one_core()
    student = load_student(folder)
    by, read = student.scorer(), student.reader()
    model: Any = student.model
    sample = list(islice(texts(args.data, args.texts), 0, None, max(1, args.texts // 128)))[:128]

    def eager(size: int) -> Any:
        rows = read(sample)
        with torch.no_grad():
            out = []
            for start in range(0, len(rows), size):
                batch = batch_of(rows[start : start + size], model.encoder.pad, width=model.max_tokens)
                out.append(model.head(hidden_of(model.encoder.network, batch), batch.mask).sigmoid().numpy())
            return np.concatenate(out)

    onnx, int8 = alone(folder, "onnx"), alone(folder, "int8")
    ways: dict[str, Callable[[], Any]] = {
        "app": lambda: _drained(score_texts(by, read, sample)),
        "onnx": lambda: onnx(sample),
        "int8": lambda: int8(sample),
        **{f"eager {size}": (lambda size=size: eager(size)) for size in PAD_ALL},  # type: ignore[misc]
    }
    spent: dict[str, list[float]] = {name: [] for name in ways}
    said: dict[str, Any] = {}
    for _ in range(1 + args.rounds):
        for name, run in ways.items():
            started = time.perf_counter()
            said[name] = run()
            spent[name].append(time.perf_counter() - started)
    middle = {name: median(values[1:]) for name, values in spent.items()}
    size = min(PAD_ALL, key=lambda size: middle[f"eager {size}"])
    against = middle[f"eager {size}"]
    return {
        "eager_docs_per_s": round(len(sample) / against),
        "eager_batch": size,
        "mean_tokens": round(float(np.mean([len(row) for row in read(sample)])), 1),
        **{f"ratio_{name}": round(against / middle[name], 1) for name in ("app", "onnx", "int8")},
        **{
            f"differs_{name}": float(f"{np.abs(said[name] - said[f'eager {size}']).max():.1e}")
            for name in ("app", "onnx", "int8")
        },
    }


def measure(folder: Path, args: argparse.Namespace, head: str) -> dict[str, Any]:
    """Every figure of one head."""
    from bench.score import child

    place = folder / f"encoder-{head}"
    told = child("encoder_prepare", place, args, head, "-")
    found = {way: child(f"encoder_{way}", place, args, head, "-") for way in ("app", "onnx", "int8")}
    compared = child("encoder_ratio", place, args, head, "-")
    for way, each in found.items():
        each["ratio_eager"], each["differs"] = compared.pop(f"ratio_{way}"), compared.pop(f"differs_{way}")
    return {**found.pop("app"), **found, **compared, **told, "encoder": "tiny, drawn weights"}


def run_part(part: str, folder: Path, args: argparse.Namespace, head: str) -> None:
    """What a child process does; the last line it prints is its answer."""
    way = part.removeprefix("encoder_")
    if way == "prepare":
        prepare(folder, args, head)
    else:
        print(json.dumps(ratio(folder, args) if way == "ratio" else stream(folder, args, way)))
    sys.stdout.flush()
