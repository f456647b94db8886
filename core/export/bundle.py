"""The trained student as one zip that runs alone: onnxruntime, numpy and what reads its texts are all it needs.

The same student, labels and card give the same bytes: fixed dates, sorted names, nothing of the exporting
machine.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path, PurePath
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.encoders.classifier import Classifier
from core.errors import EncoderUnavailable, ModelUnavailable
from core.export.bundle_encoder import EncoderParts, encoder_parts
from core.export.card import model_card
from core.export.zipped import as_json, write_zip
from core.models.base import TextModel
from core.models.exporting import quiet
from core.text.vocab import PAD
from core.train.checkpoint import NEIGHBOURS
from core.train.predict import Student, load_student

FORMAT = 1
TOLERANCE = 1e-5  # between torch and onnxruntime, in probability
FILES = Path(__file__).resolve().parent / "bundle_files"
_READERS = {  # what reading a text needs beyond the standard library
    "rjieba": ("rjieba>=0.2",),
    "jieba": ("jieba>=0.42",),
    "ckip": ("ckip-transformers>=0.3.4", "transformers>=4", "torch>=2"),
}


def write_bundle(
    student_dir: Path, labels: Sequence[Mapping[str, Any]], card: Mapping[str, Any], out_zip: Path
) -> Path:
    """Write the zip beside, then give it its name; on an error nothing of it is left.

    ``labels``: a mapping a label with key, zh, en, definition, in the student's own order; ``card``: see
    ``core.export.card.model_card``.
    Raises ModelUnavailable: the student's folder is damaged, has other labels, or its ONNX form computes
    otherwise.
    """
    student = _load(Path(student_dir))
    named = _labels(student, labels)
    parts = _parts(student, Path(student_dir))
    names = {name: PurePath(getattr(student.config, name)).name for name in ("vectors_file", "encoder")}
    config = {**asdict(student.config), **names}
    about = {
        "format": FORMAT,
        "arch": student.config.arch,
        "segmenter": student.config.segmenter,
        "conversion": student.config.conversion,
        "max_tokens": student.config.max_tokens,
        "config": config,
        "revision": student.revision.to_json(),
        **parts.about,
    }
    card = {**card, "revision": about["revision"], "quality": student.meta.get("quality"), "about": parts.about}
    files = {
        **parts.files,
        "labels.json": as_json(named),
        "student.json": as_json(about),
        "MODEL_CARD.md": model_card(named, config, card, tokens=parts.tokens).encode(),
        "predict.py": (FILES / "predict.py").read_bytes(),
        "requirements.txt": _lines(parts.packages, parts.conversion).encode(),
    }
    return write_zip(Path(out_zip), files)


def _parts(student: Student, student_dir: Path) -> EncoderParts:
    """What a student's family puts into the zip."""
    if isinstance(student.model, Classifier):
        return encoder_parts(student.model, student_dir)
    neighbours = student.revision.neighbours is not None
    model = export_onnx(student.model, places=neighbours)
    _verify(student.model, model, len(student.vocab), places=neighbours)
    files = {"model.onnx": model, "vocab.json": student.vocab.to_json().encode()}
    if neighbours:
        files[NEIGHBOURS] = (student_dir / NEIGHBOURS).read_bytes()
    config = student.config
    return EncoderParts(files, {}, _READERS.get(config.segmenter, ()), config.conversion, len(student.vocab))


def requirements(segmenter: str, conversion: str) -> str:
    """The packages that a bundle with this segmenter and conversion needs, a line each."""
    return _lines(_READERS.get(segmenter, ()), conversion)


def _lines(packages: Sequence[str], conversion: str) -> str:
    opencc = ("opencc>=1.1.9",) if conversion else ()
    return "".join(f"{line}\n" for line in ("numpy>=1.26", "onnxruntime>=1.20", *packages, *opencc))


class _Placed(torch.nn.Module):
    """A model that also says where its texts lie."""

    def __init__(self, model: TextModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        seen = self.model.read(tokens)
        return self.model.output(seen), self.model.embedding(seen)


def export_onnx(model: TextModel, *, places: bool = False) -> bytes:
    """The model as ONNX: tokens (B, T) int64 → logits (B, K), any B and T from 1 on; no path of this machine.

    With ``places`` it also gives its embedding (B, E).
    """
    example = torch.full((2, 12), PAD, dtype=torch.int64)
    example[0, :12] = 1
    example[1, :5] = 1
    sizes = {0: torch.export.Dim("B"), 1: torch.export.Dim("T")}
    with quiet():
        program = torch.onnx.export(
            (_Placed(model) if places else model).eval(),
            (example,),
            dynamo=True,
            input_names=["tokens"],
            output_names=["logits", "places"] if places else ["logits"],
            dynamic_shapes=(sizes,),
            external_data=False,
            verbose=False,
        )
    assert program is not None
    proto = program.model_proto
    _strip(proto)
    return proto.SerializeToString(deterministic=True)


def _strip(proto: onnx.ModelProto) -> None:
    """Take out source files, their lines and the graph's history: they are this machine's, not the model's."""
    graph = proto.graph
    del graph.value_info[:]
    for part in (proto, graph, *graph.node, *graph.initializer, *graph.input, *graph.output):
        part.doc_string = ""
        del part.metadata_props[:]


def _verify(model: TextModel, exported: bytes, tokens: int, *, places: bool = False) -> None:
    """Raises ModelUnavailable: onnxruntime and torch differ on texts of many lengths, one of them empty."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = min(2, os.cpu_count() or 1)
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(exported, options, providers=["CPUExecutionProvider"])
    draw = np.random.default_rng(0)
    for lengths in ([0], [1], [0, 1, 2, 3, 7, 8, 9, 40, 150, 300]):
        batch = np.full((len(lengths), max([1, *lengths])), PAD, dtype=np.int64)
        for row, length in enumerate(lengths):
            batch[row, :length] = draw.integers(1, tokens, length)
        with torch.no_grad():
            seen = model.eval().read(torch.from_numpy(batch))
            ours = model.output(seen).sigmoid().numpy()
            there = model.embedding(seen).numpy()
        theirs = _sigmoid(session.run(["logits"], {"tokens": batch})[0])
        apart = float(np.abs(ours - theirs).max())
        if places:
            found = session.run(["places"], {"tokens": batch})[0]
            apart = max(apart, float(np.abs(there - found).max() / max(1.0, np.abs(there).max())))
        if not apart <= TOLERANCE:
            raise ModelUnavailable(name="model.onnx", why=f"differs by {apart:.1e}")


def _sigmoid(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    return 0.5 * (1 + np.tanh(0.5 * logits))


def _load(student_dir: Path) -> Student:
    try:
        return load_student(student_dir)
    except (ModelUnavailable, EncoderUnavailable):
        raise
    except Exception as error:  # damaged files fail in as many ways as there are damages
        raise ModelUnavailable(name=student_dir.name, why=f"{type(error).__name__}: {error}"[:300]) from error


def _labels(student: Student, labels: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    keys = [label["key"] for label in labels]
    if keys != list(student.label_keys):
        why = f"labels {', '.join(student.label_keys)} ≠ {', '.join(keys)}"
        raise ModelUnavailable(name="student", why=why)
    return [
        {
            "key": label["key"],
            "zh": label.get("zh") or "",
            "en": label.get("en") or "",
            "definition": label.get("definition") or "",
            "threshold": float(threshold),
        }
        for label, threshold in zip(labels, student.thresholds, strict=True)
    ]
