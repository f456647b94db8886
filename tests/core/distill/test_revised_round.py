"""A round that calibrates and asks neighbours: on validation alone, and the same wherever its student answers."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.distill import pipeline
from core.distill.pipeline import run_round
from core.models import neighbours
from core.train.predict import load_student
from tests.core.making import SMALL, drained, run, small_data

BOTH = replace(SMALL, calibration="auto", neighbours="auto", thresholds="micromacro")


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neighbours are asked whatever validation gains."""
    monkeypatch.setattr(neighbours, "MARGIN", -1.0)


def test_the_student_answers_as_it_was_measured_also_when_it_is_loaded(tmp_path: Path, eager: None):
    data = small_data(n=160, gold=60, pool=50)
    _, result = run(data, BOTH, tmp_path)
    assert {name: found.neighbours is not None for name, found in result.revisions.items()} == {
        "teacher": False, "standalone": True, "student": True,
    }  # fmt: skip
    assert all(found.calibration is not None for found in result.revisions.values())
    near = result.revisions["student"].neighbours
    assert near is not None
    assert len(near.places) == len(near.y) == result.n_train, "neither validation nor gold is among the neighbours"
    student = load_student(result.student_dir)
    np.testing.assert_allclose(student.probabilities(data.gold_texts), result.gold_probs["student"], atol=1e-5)
    np.testing.assert_allclose(student.probabilities(data.pool_texts), result.pool_probs, atol=1e-5)
    assert student.meta["quality"] == result.quality["student"]
    assert set(result.quality) == {"teacher", "standalone", "student"}
    assert all(0 <= error <= 1 for part in student.meta["quality"].values() for error in part.values())


def test_without_a_revision_nothing_is_stored_and_nothing_changes(tmp_path: Path):
    _, result = run(small_data(), replace(SMALL, neighbours="off"), tmp_path)
    assert all(found.empty for found in result.revisions.values())
    assert load_student(result.student_dir).revision.empty
    assert [path.name for path in result.student_dir.iterdir() if path.suffix == ".npz"] == []
    assert all(quality["before"] == quality["after"] for quality in result.quality.values())


def test_gold_changes_nothing_of_a_revision(tmp_path: Path, eager: None):
    data = small_data()
    other = replace(data, gold_texts=["something quite different"] * 20, gold_y=1 - data.gold_y)
    first, second = (run(d, BOTH, tmp_path / name)[1] for name, d in (("a", data), ("b", other)))
    np.testing.assert_array_equal(first.pool_probs, second.pool_probs)
    assert first.revisions["student"].to_json() == second.revisions["student"].to_json()


def test_a_cut_at_one_half_moves_with_calibration_which_changes_no_decision(tmp_path: Path):
    moved = replace(SMALL, teachers="linear", valid_share=0.4)
    assert moved.half_cuts
    data = small_data(n=120, gold=60)
    plain, calibrated = (
        run(data, config, tmp_path / name)[1]
        for name, config in (("a", moved), ("b", replace(moved, calibration="platt")))
    )
    assert (plain.thresholds["student"] == 0.5).all()
    assert (calibrated.thresholds["student"] != 0.5).all()
    for name in ("teacher", "student"):
        before, after = (found.gold_probs[name] >= found.thresholds[name] for found in (plain, calibrated))
        assert np.array_equal(before, after)
    assert not np.allclose(plain.gold_probs["student"], calibrated.gold_probs["student"])


def test_neighbours_have_their_cuts_chosen_on_validation(tmp_path: Path, eager: None):
    config = replace(SMALL, teachers="linear", neighbours="auto")
    _, result = run(small_data(), config, tmp_path)
    assert (result.thresholds["teacher"] == 0.5).all(), "teachers ask none"
    assert (result.thresholds["student"] != 0.5).any()


def test_teachers_speak_of_the_pool_on_the_scale_of_their_calibration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    data, config = small_data(), replace(SMALL, teachers="stack", calibration="platt")
    said = {}
    for name, given in (("plain", replace(config, calibration="none")), ("calibrated", config)):
        steps = run_round(data, given, tmp_path / name / "out", tmp_path / name / "cache", ask_teachers=True)
        said[name] = drained(steps)[1]
    calibration = said["calibrated"].revisions["teacher"].calibration
    expected = pipeline.expit(calibration(pipeline.logit(said["plain"].opinions)))
    np.testing.assert_allclose(said["calibrated"].opinions, expected, atol=1e-6)
    assert not np.allclose(said["calibrated"].opinions, said["plain"].opinions)
