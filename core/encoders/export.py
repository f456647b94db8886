"""Encoder and head as one ONNX file, held against torch on texts of many lengths before it is given away."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray

from core.encoders.classifier import HEADS, Classifier, Whole
from core.encoders.reading import batch_of
from core.errors import ModelUnavailable
from core.models.exporting import quiet

NEAR = 1e-4
_LENGTHS = (2, 3, 7, 30, 64)


def export_onnx(classifier: Classifier) -> bytes:
    """tokens (B, T) int64 and mask (B, T) bool → logits (B, K), any B and T; no path of this machine.

    Raises ModelUnavailable: the head searches (``seq2seq.v1``), or onnxruntime and torch differ by more than 1e-4.
    """
    if not HEADS[classifier.name].exportable:
        known = ", ".join(name for name, made in HEADS.items() if made.exportable)
        raise ModelUnavailable(name=classifier.name, why=f"a search is no graph; use {known} / 請改用 {known}")
    encoder = classifier.encoder
    before = encoder.network.config._attn_implementation
    encoder.network.set_attn_implementation("eager")  # others are not written down for every opset
    try:
        example = batch_of([np.full(12, encoder.pad), np.full(5, encoder.pad)], encoder.pad)
        sizes = {0: torch.export.Dim("B"), 1: torch.export.Dim("T", max=encoder.longest)}
        with quiet():
            program = torch.onnx.export(
                Whole(classifier).eval(), tuple(example), dynamo=True, input_names=["tokens", "mask"],
                output_names=["logits"], dynamic_shapes=(sizes, sizes), external_data=False, verbose=False,
            )  # fmt: skip
    finally:
        encoder.network.set_attn_implementation(before)
    assert program is not None
    proto = program.model_proto
    for part in (proto, proto.graph, *proto.graph.node, *proto.graph.initializer, *proto.graph.input):
        part.doc_string = ""
        del part.metadata_props[:]  # source files of this machine
    del proto.graph.value_info[:]
    exported = proto.SerializeToString(deterministic=True)
    far = difference(classifier, exported)
    if far > NEAR:
        raise ModelUnavailable(name=classifier.name, why=f"ONNX differs by {far:.1g} > {NEAR:g}")
    return exported


def session_of(exported: bytes) -> onnxruntime.InferenceSession:
    """One thread, so that two sessions can be compared."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(exported, options, providers=["CPUExecutionProvider"])


def run_onnx(session: onnxruntime.InferenceSession, rows: Sequence[NDArray[np.int64]], pad: int) -> NDArray[np.float32]:
    """Logits without torch's network. Shapes: → (N, K)."""
    batch = batch_of(rows, pad)
    return session.run(["logits"], {"tokens": batch.tokens.numpy(), "mask": batch.mask.numpy()})[0]


def difference(classifier: Classifier, exported: bytes) -> float:
    """The largest between onnxruntime and torch, alone and in a batch of unlike lengths."""
    draw, encoder = np.random.default_rng(0), classifier.encoder
    words = len(encoder.tokenizer)
    rows = [draw.integers(0, words, min(length, encoder.longest)) for length in _LENGTHS]
    session, far = session_of(exported), 0.0
    for some in (rows, *([row] for row in rows)):
        with torch.no_grad():
            expected = classifier.head(*classifier.hidden(some)).numpy()
        far = max(far, float(np.abs(run_onnx(session, some, encoder.pad) - expected).max()))
    return far
