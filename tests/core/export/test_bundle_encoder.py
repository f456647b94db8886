"""A head over an encoder exported: the same answers as the app by onnxruntime and tokenizers alone."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.config import RoundConfig
from core.encoders.classifier import Classifier, build_head
from core.encoders.load import assembled
from core.encoders.saving import save_head
from core.errors import EncoderUnavailable, ModelUnavailable
from core.export import bundle_encoder
from core.export.bundle import write_bundle
from core.train.predict import load_student
from tests.core.encoders.making import network, tokenizer

LABELS = [{"key": key, "zh": zh, "en": key, "definition": ""} for key, zh in (("drug", "藥物"), ("diet", "飲食"))]
TEXTS = ["高血壓患者應該注意飲食", "", "[CLS] 高血壓 [SEP] abc", "糖尿病，" * 60, "１２３ ＡＢＣ\u200b😀", "　 \t"]


def classifier_of(head: str, kind: str = "albert", *, conversion: str = "") -> Classifier:
    encoder = assembled("small", network(kind), tokenizer(), conversion=conversion)
    made = build_head(f"{head}.v1", encoder, len(LABELS))
    keys = tuple(label["key"] for label in LABELS)
    return Classifier(encoder=encoder, head=made.eval(), name=f"{head}.v1", label_keys=keys, max_tokens=24)


def student_of(place: Path, head: str, **given: Any) -> Path:
    hard = {"hard_share": 1.0, "spliced": 0.0} if head == "seq2seq" else {}
    config = RoundConfig(arch=f"encoder_{head}.v1", encoder="/home/me/secret/albert", **hard)
    place.mkdir(parents=True)
    meta = {"config": asdict(config), "label_keys": [label["key"] for label in LABELS], "thresholds": [0.5, 0.4]}
    save_head(place, classifier_of(head, **given), meta)
    return place


def unpacked(student: Path, out: Path) -> Path:
    with zipfile.ZipFile(write_bundle(student, LABELS, {"n_valid": 9}, out / "student.zip")) as archive:
        archive.extractall(out / "alone")
    return out / "alone"


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A student with the TextCNN head over BERT, and its export unpacked."""
    place = tmp_path_factory.mktemp("exported")
    student = student_of(place / "in", "textcnn", kind="bert", conversion="t2s")
    return student, unpacked(student, place)


def module_of(folder: Path) -> Any:
    spec = importlib.util.spec_from_file_location("bundle_predict_encoder", folder / "predict.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_fresh_process_answers_as_the_app_does_without_torch_or_transformers(exported: tuple[Path, Path]):
    student, alone = exported
    code = (
        "import runpy, sys; sys.modules['torch'] = sys.modules['transformers'] = None;"
        "del sys.argv[0]; runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    asked = [text for text in TEXTS if text.strip()]
    done = subprocess.run(
        [sys.executable, "-I", "-c", code, str(alone / "predict.py"), *asked], capture_output=True,
        text=True, encoding="utf-8", cwd="/", env={**os.environ, "OMP_NUM_THREADS": "1"}, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    said = [json.loads(line)["probabilities"] for line in done.stdout.splitlines()]
    expected = load_student(student).probabilities(asked)
    np.testing.assert_allclose([[each["drug"], each["diet"]] for each in said], expected, atol=1e-4)


def test_wild_texts_are_read_as_the_app_reads_them(exported: tuple[Path, Path]):
    student, alone = exported
    theirs, ours = module_of(alone).Student(alone), load_student(student)
    assert [theirs.encode(text) for text in TEXTS] == [row.tolist() for row in ours.reader()(TEXTS)]
    np.testing.assert_allclose(theirs.probabilities(TEXTS), ours.probabilities(TEXTS), atol=1e-4)
    assert theirs.thresholds == [0.5, 0.4]


def test_the_zip_says_what_it_needs_and_nothing_of_this_machine(exported: tuple[Path, Path]):
    alone = exported[1]
    needs = [line.partition(">")[0] for line in (alone / "requirements.txt").read_text().splitlines()]
    assert needs == ["numpy", "onnxruntime", "tokenizers", "opencc"]
    assert {path.name for path in alone.iterdir()} >= {"model.onnx", "tokenizer.json"}
    assert not (alone / "vocab.json").exists()
    for path in alone.iterdir():
        assert b"secret" not in path.read_bytes()
    said = (alone / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert "`head_student`" in said
    assert "| 編碼器 encoder | albert |" in said


def test_a_damaged_or_missing_part_is_said(exported: tuple[Path, Path], tmp_path: Path):
    alone = tmp_path / "alone"
    shutil.copytree(exported[1], alone)
    module = module_of(alone)
    (alone / "tokenizer.json").write_text("{}")
    with pytest.raises(module.BundleError, match=r"tokenizer\.json"):
        module.Student(alone)
    (alone / "tokenizer.json").unlink()
    with pytest.raises(module.BundleError, match=r"tokenizer\.json"):
        module.Student(alone)


def test_a_head_that_searches_stays_with_the_app_and_says_so(tmp_path: Path):
    alone = unpacked(student_of(tmp_path / "in", "seq2seq"), tmp_path)
    assert (alone / "encoder.zip").is_file()
    assert not (alone / "model.onnx").exists()
    module = module_of(alone)
    with pytest.raises(module.BundleError, match="only the app"):
        module.Student(alone)
    assert "encoder.zip" in (alone / "MODEL_CARD.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(("seconds", "there"), [((3.0, 1.0), True), ((1.0, 1.0), False)])
def test_int8_goes_along_only_where_it_was_faster(
    exported: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seconds: tuple[float, float],
    there: bool,
):  # fmt: skip
    """The clock is the test's own: the float model's turns take the first of these, the other's the second."""
    student, graph = exported[0], (exported[1] / "model.onnx").read_bytes()
    turns = iter([at for n in range(99) for at in (10.0 * n, 10.0 * n + seconds[n % 2])])
    real = bundle_encoder.int8_variant
    monkeypatch.setattr(bundle_encoder, "export_onnx", lambda classifier: graph)  # as it was made before
    monkeypatch.setattr(bundle_encoder, "int8_variant", lambda *given: real(*given, timer=lambda: next(turns)))
    alone = unpacked(student, tmp_path)
    module = module_of(alone)
    assert (alone / "model.int8.onnx").is_file() == there
    if not there:
        with pytest.raises(module.BundleError, match="no int8"):
            module.Student(alone, int8=True)
        return
    about = json.loads((alone / "student.json").read_text())
    assert about["int8"]["times_faster"] == 3.0
    assert about["int8"]["differs"] <= bundle_encoder.INT8_NEAR
    found = module.Student(alone, int8=True).probabilities(TEXTS)
    np.testing.assert_allclose(found, load_student(student).probabilities(TEXTS), atol=2 * bundle_encoder.INT8_NEAR)
    assert "3.0" in (alone / "MODEL_CARD.md").read_text(encoding="utf-8")


def test_int8_that_is_too_far_off_is_left_out(exported: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bundle_encoder, "INT8_NEAR", 0.0)
    graph = (exported[1] / "model.onnx").read_bytes()
    assert bundle_encoder.int8_variant(classifier_of("textcnn", "bert"), graph) is None


def test_a_tokenizer_that_reads_otherwise_is_refused():
    classifier = classifier_of("cls")

    class Slow:
        def __len__(self) -> int:
            return 30

    with pytest.raises(ModelUnavailable, match=r"tokenizer\.json"):
        bundle_encoder.tokenizer_file(replace(classifier, encoder=replace(classifier.encoder, tokenizer=Slow())))


def test_a_damaged_student_gives_no_bundle(tmp_path: Path):
    student = student_of(tmp_path / "in", "cls")
    (student / "encoder" / "model.safetensors").write_bytes(b"")
    with pytest.raises(EncoderUnavailable):
        write_bundle(student, LABELS, {}, tmp_path / "student.zip")
    assert not (tmp_path / "student.zip").exists()
