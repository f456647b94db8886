"""The bench of what is done after the network, on a model whose truth is known."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit

from bench import after
from core.train.revising import Said

DRAW = np.random.default_rng(0)
HONEST = DRAW.normal(-1, 1.5, size=(900, 3))
Y = DRAW.random(HONEST.shape) < expit(HONEST)
PLACES = (DRAW.normal(size=(900, 4)) + 3 * Y[:, :1]).astype(np.float32)
SAID = Said(3 * HONEST + 2, PLACES)  # too sure, and moved
TRAIN, VALID, TEST = slice(0, 300), slice(300, 600), slice(600, 900)


def test_calibration_mends_what_was_moved_and_leaves_rankings_alone():
    found = after.revisions(SAID.part(TRAIN), SAID.part(VALID), Y[TRAIN], Y[VALID])
    rows = {
        name: after.figures(revision(SAID.part(TEST)), Y[TEST], np.full(3, 0.5), np.array([0]))
        for name, revision in found.items()
    }
    assert rows["platt"]["ece"] < 8 < 15 < rows["network"]["ece"]
    assert rows["platt"]["brier"] < rows["network"]["brier"]
    for name in ("temperature", "platt", "isotonic", "auto"):
        assert rows[name]["map"] == rows["network"]["map"], name
    assert rows["neighbours"]["map"] != rows["network"]["map"], "places tell the first label"


def test_figures_by_hand():
    y = np.array([[1, 0], [0, 1], [1, 1], [0, 0]])
    z = np.array([[2.0, -2.0], [1.0, 2.0], [2.5, -1.0], [-1.0, -3.0]])
    found = after.figures(z, y, np.full(2, 0.5), np.array([1]))
    assert found["micro"] == pytest.approx(75.0)
    assert found["macro"] == pytest.approx(100 * (4 / 5 + 2 / 3) / 2, abs=0.01)
    assert found["tail"] == pytest.approx(66.67)
    assert found["map"] == 100


def test_without_data_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    after.main(["--data", str(tmp_path / "none.jsonl.gz")])
    assert json.loads(capsys.readouterr().out) == {"skipped": "no none.jsonl.gz"}
