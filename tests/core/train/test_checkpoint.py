import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch

from core.config import RoundConfig
from core.errors import ModelUnavailable
from core.models.textcnn import TextCNN
from core.text.batches import padded
from core.text.encode import encoder
from core.text.vocab import Vocab
from core.train.checkpoint import META, MODEL, published, save_model
from core.train.predict import load_student

CONFIG = RoundConfig(segmenter="words", vector_size=6, filters=4, hidden=5)
VOCAB = Vocab.build([["a", "b", "c"]], min_count=1)


def saved(directory: Path) -> TextCNN:
    vectors = np.random.default_rng(0).normal(size=(len(VOCAB), 6)).astype(np.float32)
    vectors[0] = 0
    model = TextCNN(vectors, 2, CONFIG, seed=3).eval()
    meta = {"config": asdict(CONFIG), "label_keys": ["x", "y"], "thresholds": [0.4, 0.5], "segmenter": "words"}
    with published(directory) as beside:
        save_model(beside, model, VOCAB, meta)
    return model


def test_a_published_student_scores_as_the_model_did(tmp_path: Path):
    model = saved(tmp_path / "student")
    student = load_student(tmp_path / "student")
    texts = ["a b c a", "", "unknown words", "Ｃ b"]
    assert student.label_keys == ("x", "y")
    assert student.config == CONFIG
    np.testing.assert_array_equal(student.thresholds, [0.4, 0.5])
    expected = model(torch.from_numpy(padded(encoder(VOCAB, CONFIG)(texts)))).sigmoid().detach().numpy()
    np.testing.assert_allclose(student.probabilities(texts), expected, atol=1e-6)
    assert student.probabilities([]).shape == (0, 2)


def test_a_student_older_than_a_setting_is_what_it_was_made_as(tmp_path: Path):
    saved(tmp_path / "student")
    meta = json.loads((tmp_path / "student" / META).read_text())
    for name in ("soft_targets", "teachers", "spliced", "sweep"):
        del meta["config"][name]
    (tmp_path / "student" / META).write_text(json.dumps(meta))
    found = load_student(tmp_path / "student").config
    assert (found.soft_targets, found.teachers, found.spliced, found.sweep) == ("in_sample", "neural", 0, "exact")


def test_nothing_is_published_when_writing_fails_and_the_old_one_stays(tmp_path: Path):
    saved(tmp_path / "student")

    def fail() -> None:
        with published(tmp_path / "student") as beside:
            (beside / MODEL).write_bytes(b"half")
            raise OSError("disk full")

    with pytest.raises(OSError, match="full"):
        fail()
    assert [path.name for path in tmp_path.iterdir()] == ["student"]
    load_student(tmp_path / "student")


def test_what_a_killed_process_left_is_cleared(tmp_path: Path):
    (tmp_path / "student.part").mkdir()
    (tmp_path / "student.part" / "junk").write_text("x")
    saved(tmp_path / "student")
    assert sorted(path.name for path in (tmp_path / "student").iterdir()) == ["model.pt", "student.json", "vocab.json"]


@pytest.mark.parametrize("damage", ["absent", "half", "newer"])
def test_a_damaged_student_is_refused_clearly(tmp_path: Path, damage: str):
    directory = tmp_path / "student"
    if damage != "absent":
        saved(directory)
    if damage == "half":
        (directory / MODEL).write_bytes((directory / MODEL).read_bytes()[:100])
    if damage == "newer":
        (directory / META).write_text((directory / META).read_text().replace('"format": 1', '"format": 2'))
    with pytest.raises(ModelUnavailable):
        load_student(directory)
