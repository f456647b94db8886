"""A head and its encoder as what travels in the zip: one ONNX graph and the tokenizer's own file.

An int8 variant goes along only where it is measured to be faster here and stays near; the float one is what answers
unless the other is asked for. A head that searches is no graph: its zip holds the weights and says who can read them.
"""

from __future__ import annotations

import io
import logging
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.encoders.classifier import HEADS, Classifier
from core.encoders.export import export_onnx, run_onnx, session_of
from core.encoders.saving import ENCODER
from core.errors import ModelUnavailable

READER = "tokenizer"
INT8 = "model.int8.onnx"
INT8_NEAR = 0.02  # in probability, against float32
INT8_FASTER = 1.1  # times
_TEXTS, _TURNS = 16, 5
_SAMPLES = ("高血壓 abc １２３", "[CLS] 😀 \u200b", "", "飲食，藥物。" * 300)
Timer = Callable[[], float]


class EncoderParts(NamedTuple):
    """``about`` is added to what student.json says; ``tokens`` is the size of the tokenizer's vocabulary."""

    files: dict[str, bytes]
    about: dict[str, Any]
    packages: tuple[str, ...]
    conversion: str
    tokens: int


def encoder_parts(classifier: Classifier, student_dir: Path) -> EncoderParts:
    """Raises ModelUnavailable: the tokenizer has no file that reads alike, or ONNX computes otherwise."""
    encoder = classifier.encoder
    about: dict[str, Any] = {
        "reader": READER, "pad": encoder.pad, "segmenter": "", "conversion": encoder.conversion,
        "max_tokens": min(classifier.max_tokens, encoder.longest), "head": classifier.name, "int8": None,
    }  # fmt: skip
    size = len(encoder.tokenizer)
    if not HEADS[classifier.name].exportable:
        return EncoderParts({"encoder.zip": _folder(student_dir / ENCODER)}, {**about, "alone": False}, (), "", size)
    exported = export_onnx(classifier)
    files = {"model.onnx": exported, "tokenizer.json": tokenizer_file(classifier)}
    smaller = int8_variant(classifier, exported)
    if smaller is not None:
        files[INT8], about["int8"] = smaller
    return EncoderParts(files, about, ("tokenizers>=0.20",), encoder.conversion, size)


def tokenizer_file(classifier: Classifier) -> bytes:
    """The tokenizer as one file for the package ``tokenizers``. Raises ModelUnavailable: it reads texts otherwise."""
    from tokenizers import Tokenizer

    encoder, refused = (
        classifier.encoder,
        ModelUnavailable(
            name="tokenizer.json", why="use an encoder with a tokenizer.json / 請改用附 tokenizer.json 的編碼器"
        ),
    )
    inner = getattr(encoder.tokenizer, "backend_tokenizer", None)
    if inner is None:
        raise refused
    alone = Tokenizer.from_str(inner.to_str())
    alone.encode_special_tokens = True
    alone.no_padding()
    alone.enable_truncation(min(classifier.max_tokens, encoder.longest))
    ours = encoder.rows(_SAMPLES, classifier.max_tokens)
    theirs = [alone.encode(encoder.read(text)).ids for text in _SAMPLES]
    if [row.tolist() for row in ours] != theirs:
        raise refused
    return alone.to_str().encode()


def int8_variant(
    classifier: Classifier, exported: bytes, *, timer: Timer = perf_counter
) -> tuple[bytes, dict[str, float]] | None:
    """Matrix products in 8 bits, with how much faster they are and how far off; None where that is not worth it."""
    smaller = quantized(exported)
    draw, encoder = np.random.default_rng(0), classifier.encoder
    words, longest = len(encoder.tokenizer), min(classifier.max_tokens, encoder.longest)
    rows = [draw.integers(0, words, int(length)) for length in np.linspace(longest // 2 + 1, longest, _TEXTS)]
    differs = float(
        np.abs(_probabilities(exported, rows, encoder.pad) - _probabilities(smaller, rows, encoder.pad)).max()
    )
    if not differs <= INT8_NEAR:
        return None
    spent = _timed((exported, smaller), rows, encoder.pad, timer)
    faster = spent[0] / spent[1]
    if faster < INT8_FASTER:
        return None
    return smaller, {"times_faster": round(faster, 2), "differs": float(f"{differs:.1e}")}


def quantized(exported: bytes) -> bytes:
    """Weights of matrix products as int8, what goes in quantised as it comes."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    log = logging.getLogger()
    before = log.level
    log.setLevel(logging.ERROR)  # it advises each time
    try:
        with tempfile.TemporaryDirectory() as place:
            given, out = Path(place, "float.onnx"), Path(place, "int8.onnx")
            given.write_bytes(exported)
            quantize_dynamic(given, out, op_types_to_quantize=["MatMul"], weight_type=QuantType.QInt8)
            return out.read_bytes()
    finally:
        log.setLevel(before)


def _timed(models: Sequence[bytes], rows: Sequence[NDArray[np.int64]], pad: int, timer: Timer) -> list[float]:
    """The middle of some turns, in which the models take turns; the first is for warming up."""
    sessions = [session_of(each) for each in models]
    spent: list[list[float]] = [[] for _ in sessions]
    for _ in range(1 + _TURNS):
        for at, session in enumerate(sessions):
            began = timer()
            run_onnx(session, rows, pad)
            spent[at].append(timer() - began)
    return [max(float(np.median(each[1:])), 1e-9) for each in spent]


def _probabilities(exported: bytes, rows: Sequence[NDArray[np.int64]], pad: int) -> NDArray[np.float64]:
    return 0.5 * (1 + np.tanh(0.5 * run_onnx(session_of(exported), rows, pad).astype(np.float64)))


def _folder(place: Path) -> bytes:
    """A folder as a zip that is the same for the same files."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(each for each in place.rglob("*") if each.is_file()):
            archive.writestr(zipfile.ZipInfo(path.relative_to(place).as_posix()), path.read_bytes())
    return out.getvalue()
