"""A tree's zip: the same for the same student, complete, and refused where it does not fit."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from core.config import RoundConfig
from core.errors import ModelUnavailable
from core.export.tree_bundle import write_tree_bundle
from core.steps import drained
from core.xmc.round import run_tree_round
from core.xmc.student import MODEL
from tests.core.xmc.test_round import data

CARD = {"project": "p", "round": 3, "n_train": 9, "warnings": [("LabelWithoutPositives", {"labels": "甲"})]}


@pytest.fixture(scope="module")
def student(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("student") / "round-1"
    drained(run_tree_round(data(), RoundConfig(), out))
    return out


def labels(n: int = 40) -> list[dict]:
    return [{"key": f"k{k}", "zh": f"標{k}", "en": "", "definition": "|"} for k in range(n)]


def test_the_same_student_gives_the_same_bytes(student: Path, tmp_path: Path) -> None:
    one, two = (write_tree_bundle(student, labels(), CARD, tmp_path / name).read_bytes() for name in ("a.zip", "b.zip"))
    assert one == two
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert set(archive.namelist()) == {
            "MODEL_CARD.md", "SHA256SUMS", "common.py", "labels.json", "predict.py", "requirements.txt", "student.json",
            "tree.npz",
        }  # fmt: skip
        told = json.loads(archive.read("labels.json"))
        assert [each["learnt"] for each in told[-2:]] == [True, False]
        assert "torch" not in archive.read("requirements.txt").decode()
        assert str(tmp_path) not in archive.read("MODEL_CARD.md").decode()


def test_a_damaged_file_is_named(student: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(write_tree_bundle(student, labels(), CARD, tmp_path / "a.zip")) as archive:
        archive.extractall(tmp_path / "out")
    with (tmp_path / "out" / "tree.npz").open("ab") as file:
        file.write(b"x")
    done = subprocess.run(
        [sys.executable, "-E", str(tmp_path / "out" / "predict.py"), "血壓"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "tree.npz is damaged" in done.stderr
    assert "Traceback" not in done.stderr


def test_other_labels_or_a_damaged_student_are_refused_and_leave_nothing(student: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="40 labels"):
        write_tree_bundle(student, labels(39), CARD, tmp_path / "out" / "a.zip")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / MODEL).write_bytes(b"")
    with pytest.raises(ModelUnavailable):
        write_tree_bundle(tmp_path / "broken", labels(), CARD, tmp_path / "out" / "a.zip")
    assert not (tmp_path / "out").exists()
