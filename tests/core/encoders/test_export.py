"""Encoder and head as ONNX."""

import numpy as np
import pytest
import torch

from core.encoders.classifier import HEADS, Classifier, build_head
from core.encoders.export import NEAR, export_onnx, run_onnx, session_of
from core.encoders.load import assembled
from core.errors import ModelUnavailable
from tests.core.encoders.making import TEXTS, network, tokenizer


def classifier_of(name: str) -> Classifier:
    encoder = assembled("small", network(), tokenizer())
    head = build_head(name, encoder, 3).eval()
    return Classifier(encoder=encoder, head=head, name=name, label_keys=("甲", "乙", "丙"), max_tokens=20)


@pytest.mark.parametrize("name", sorted(name for name, made in HEADS.items() if made.exportable))
def test_it_answers_as_torch_does_and_names_no_path(name: str):
    classifier = classifier_of(name)
    with torch.no_grad():
        exported = export_onnx(classifier)
    rows = classifier.encoder.rows(TEXTS)
    np.testing.assert_allclose(
        run_onnx(session_of(exported), rows, classifier.encoder.pad), classifier.logits(TEXTS), atol=NEAR, rtol=0
    )
    assert b"/core/encoders" not in exported
    assert b"site-packages" not in exported


def test_a_search_is_refused():
    with pytest.raises(ModelUnavailable, match="cls"):
        export_onnx(classifier_of("seq2seq.v1"))


def test_what_differs_from_torch_is_not_given_away(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("core.encoders.export.difference", lambda *_: 0.1)
    with pytest.raises(ModelUnavailable, match="differs"):
        export_onnx(classifier_of("cls.v1"))
