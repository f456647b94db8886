"""Heads over an encoder in a round: as teachers of a small network, as student, and what is refused beforehand."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from core.config import RoundConfig
from core.distill import heads
from core.distill.pipeline import RoundData, RoundResult, run_round
from core.distill.reading import Reading
from core.encoders.classifier import Classifier
from core.encoders.features import Features
from core.errors import EncoderUnavailable, ModelUnavailable, TooLittleMemory, TrainingDiverged
from core.text.normalize import normalize
from core.train.predict import load_student
from tests.core.encoders import making
from tests.core.making import SMALL, drained, small_data

DATA = small_data(n=30, gold=8, pool=9, words=5)
OF_HEADS = replace(
    SMALL, threads=1, encoder_tokens=24, encoder_epochs=2, head_lr=0.01, max_epochs=1, class_weights=(1.0,),
    gru_hidden=2,
)  # fmt: skip
WORDS = [*(f"word{k}{n}" for k in range(3) for n in range(3)), *(f"fill{n}" for n in range(20))]
Made = Callable[..., RoundResult]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return making.folder(tmp_path_factory.mktemp("encoder"), characters=WORDS)


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def made(folder: Path, tmp_path: Path) -> Made:
    def run(data: RoundData = DATA, *, ask: bool = False, out: str = "out", **settings: Any) -> RoundResult:
        config = replace(OF_HEADS, **{"encoder": str(folder), **settings})
        return drained(run_round(data, config, tmp_path / out, tmp_path / "cache", ask_teachers=ask))[1]

    return run


def of(result: RoundResult, model: str) -> np.ndarray:
    return result.gold_probs[model]


@pytest.mark.parametrize(
    ("head", "soft_targets", "teachers"),
    [("cls", "in_sample", "stack"), ("seq2seq", "in_sample", "neural"), ("denses", "out_of_fold", "best")],
)
def test_a_head_teaches_a_small_network(made: Made, tmp_path: Path, head: str, soft_targets: str, teachers: str):
    result = made(
        ask=True, teacher_arch=f"encoder_{head}.v1", soft_targets=soft_targets, teachers=teachers, spliced=1.0,
        oof_folds=2,
    )  # fmt: skip
    assert set(result.gold_probs) == {"teacher", "standalone", "student"}
    assert all(np.isfinite(each).all() for each in result.gold_probs.values())
    assert result.opinions is not None
    assert result.opinions.shape[1:] == (9, 3)
    assert np.isfinite(result.opinions).all()
    student = load_student(result.student_dir)
    assert student.config.arch == "textcnn.v1"
    np.testing.assert_allclose(student.probabilities(DATA.pool_texts), result.pool_probs, atol=1e-5)


@pytest.mark.parametrize(
    ("head", "settings"),
    [
        ("textcnn", {"teacher_arch": "gru_att.v1", "spliced": 1.0, "hard_share": 0.3}),
        ("cls", {"teachers": "linear", "encoder_frozen": False, "encoder_epochs": 1, "calibration": "platt"}),
        ("seq2seq", {"teachers": "neural", "hard_share": 1.0, "encoder_epochs": 1}),
    ],
)
def test_a_head_as_student_is_measured_scored_and_loaded_again(made: Made, head: str, settings: dict[str, Any]):
    result = made(arch=f"encoder_{head}.v1", **settings)
    assert {row.model for row in result.metrics} == {"teacher", "standalone", "student"}
    student = load_student(result.student_dir)
    assert isinstance(student.model, Classifier)
    np.testing.assert_allclose(student.probabilities(DATA.pool_texts), result.pool_probs, atol=1e-5)
    # gold was asked by kept vectors, which are float16
    np.testing.assert_allclose(student.probabilities(DATA.gold_texts), of(result, "student"), atol=5e-3)
    np.testing.assert_allclose(student.thresholds, result.thresholds["student"])


def test_the_same_round_again_gives_the_same_and_leaves_the_global_seed_alone(made: Made):
    before = torch.get_rng_state()
    settings = {"arch": "encoder_cls.v1", "teachers": "linear", "spliced": 1.0}
    one, two = made(out="a", **settings), made(out="b", **settings)
    assert torch.equal(torch.get_rng_state(), before)
    np.testing.assert_array_equal(one.pool_probs, two.pool_probs)
    assert not np.array_equal(of(made(out="c", seed=6, **settings), "student"), of(one, "student"))


def test_labelled_texts_are_kept_the_pool_and_spliced_ones_are_not(made: Made, tmp_path: Path):
    result = made(arch="encoder_cls.v1", teachers="linear", spliced=1.0)
    place = tmp_path / "cache" / "encoders"
    assert not (place / "spliced").exists()
    kept = Features(load_student(result.student_dir).model.encoder, place, max_tokens=24)  # type: ignore[union-attr]
    assert all(normalize(text) in kept for text in DATA.train_texts)
    assert all(text in kept for text in DATA.gold_texts)
    assert not any(text in kept for text in DATA.pool_texts)
    assert not list((tmp_path / "cache").glob("vectors-*")), "nobody asked for word vectors"


def test_a_label_that_cannot_be_learned_has_its_prevalence_and_a_warning(made: Made):
    y = DATA.train_y.copy()
    y[:, 1] = 0
    data = replace(DATA, train_y=y)
    result = made(data, arch="textcnn.v1", teacher_arch="encoder_cls.v1")
    assert ("LabelWithoutPositives", {"labels": "k1"}) in result.warnings
    assert np.ptp(of(result, "teacher")[:, 1]) < 1e-6
    assert np.ptp(of(result, "teacher")[:, 0]) > 1e-6
    student = made(data, arch="encoder_cls.v1", teachers="linear")
    assert np.isfinite(student.pool_probs).all()


def test_a_head_learns_what_its_teachers_say(made: Made):
    """A student of plain soft targets comes nearer to them than its twin, which learns the labels they learned."""
    result = made(
        small_data(n=60, gold=30, pool=3, words=5), arch="encoder_denses.v1", teacher_arch="encoder_denses.v1",
        teachers="neural", hard_share=0.0, encoder_epochs=30, head_lr=0.05,
    )  # fmt: skip
    far = {name: np.abs(of(result, name) - of(result, "teacher")).mean() for name in ("student", "standalone")}
    assert far["student"] < 0.5 * far["standalone"]


def test_a_twin_that_diverges_is_gone_without(made: Made, monkeypatch: pytest.MonkeyPatch):
    learned = heads.learned

    def diverging(lessons: Any, aim: Any, *given: Any) -> Any:
        if set(np.unique(aim.targets)) <= {0, 1}:
            raise TrainingDiverged(lr=1.0)
        return (yield from learned(lessons, aim, *given))

    monkeypatch.setattr(heads, "learned", diverging)
    result = made(arch="encoder_cls.v1", teachers="linear")
    assert result.warnings == [("TwinDiverged", {})]
    assert "standalone" not in result.gold_probs


def test_what_cannot_be_had_is_refused_before_a_text_is_read(
    made: Made, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def untouched(*given: object) -> None:
        raise AssertionError("a text was read")

    monkeypatch.setattr("core.distill.pipeline.read_all", untouched)
    with pytest.raises(EncoderUnavailable) as error:
        made(teacher_arch="encoder_cls.v1", encoder=str(tmp_path / "nowhere"))
    assert error.value.fields["why"] == "no_folder"
    broken = tmp_path / "broken"
    making.folder(broken, characters=WORDS)
    (broken / "model.safetensors").write_bytes(b"cut")
    with pytest.raises(EncoderUnavailable) as error:
        made(teacher_arch="encoder_cls.v1", encoder=str(broken))
    assert error.value.fields["why"] == "corrupt"
    unlike = making.folder(tmp_path / "unlike", characters=WORDS, vocab=9)
    with pytest.raises(EncoderUnavailable) as error:
        made(teacher_arch="encoder_cls.v1", encoder=str(unlike))
    assert error.value.fields["why"] == "tokenizer"
    monkeypatch.setattr("core.encoders.memory.bytes_free", lambda device: 1000)
    with pytest.raises(TooLittleMemory) as little:
        made(arch="encoder_cls.v1")
    assert little.value.fields["need_mb"] > little.value.fields["have_mb"]


@pytest.mark.parametrize("damage", ["weights", "head", "labels", "meta"])
def test_a_damaged_student_is_an_error_in_words(made: Made, damage: str):
    place = made(arch="encoder_cls.v1", teachers="linear", encoder_epochs=1).student_dir
    if damage == "labels":
        path = place / "student.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), "label_keys": ["other"]}))
    else:
        names = {"weights": "encoder/model.safetensors", "head": "encoder/head.safetensors", "meta": "student.json"}
        (place / names[damage]).write_bytes(b"{")
    with pytest.raises(EncoderUnavailable if damage in ("weights", "head") else ModelUnavailable):
        load_student(place)


def test_a_round_that_is_stopped_leaves_nothing_of_its_spliced_texts(folder: Path, tmp_path: Path):
    config = replace(OF_HEADS, encoder=str(folder), arch="encoder_cls.v1", teachers="linear", spliced=1.0)
    steps = run_round(DATA, config, tmp_path / "out", tmp_path / "cache")
    for report in steps:
        if report.stage == "student":
            break
    assert any((tmp_path / "cache" / "encoders" / "spliced").rglob("*.npy"))
    steps.close()
    assert not (tmp_path / "cache" / "encoders" / "spliced").exists()
    assert not (tmp_path / "out").exists()


def test_answers_come_from_kept_vectors_or_from_the_encoder_alike(folder: Path, tmp_path: Path):
    from core.distill.reading import reading_of
    from core.encoders.load import load

    config = RoundConfig(arch="encoder_textcnn.v1", encoder=str(folder), encoder_tokens=24)
    reading = reading_of(config, tmp_path)
    assert isinstance(reading, Reading)
    classifier = reading.untrained(config.arch, ["a", "b"], 0)
    texts = list(DATA.pool_texts)
    direct = drained(reading.logit_steps(classifier, texts))[1]
    assert reading.vectors(texts) is None
    drained(reading.keep(texts[:5]))
    drained(reading.keep(texts[5:], passing=True))
    assert reading.vectors(texts) is not None
    np.testing.assert_allclose(drained(reading.logit_steps(classifier, texts))[1], direct, atol=5e-3)
    assert drained(reading.logit_steps(classifier, []))[1].shape == (0, 2)
    assert load(str(folder)).digest == reading.encoder.digest
