"""The bench of label errors on a small set: what it turns over and what it counts, or that there is none."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bench.label_errors import asymmetric, error_recall, measured, uniform
from core.evaluate.doubts import doubts
from tests.core.evaluate.test_doubts import world
from tests.flows.conftest import corpus

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "small.jsonl"
    path.write_text("".join(json.dumps(each, ensure_ascii=False) + "\n" for each in corpus(200, 1)), "utf-8")
    return path


def test_mistakes_are_turned_over_in_both_ways() -> None:
    rng = np.random.default_rng(0)
    y = (rng.random((4000, 2)) < (0.5, 0.02)).astype(np.int8)
    everywhere = uniform(y, 0.05, rng)
    assert np.allclose(everywhere.mean(axis=0), 0.05, atol=0.01)
    turned = asymmetric(y, 0.1, rng)
    dropped, added = (turned & (y == 1)).sum(axis=0), (turned & (y == 0)).sum(axis=0)
    assert dropped.tolist() == added.tolist() == [round(0.1 * n) for n in y.sum(axis=0)]


def test_what_is_found_is_counted_over_all_and_for_each_label() -> None:
    probs, given, turned = world(wrong=0.04)
    found = doubts(probs, given, seed=0)
    told = measured(found, turned, ("a", "b", "c"), 0.1)
    first = {(n, k) for n, k in zip(found.text[:360], found.label[:360], strict=True)}
    there = {(n, k) for n, k in zip(*np.nonzero(turned), strict=True)}
    assert told["recall"] == pytest.approx(len(first & there) / len(there))
    of_b = {each for each in there if each[1] == 1}
    assert told["by_label"]["b"] == pytest.approx(len(first & of_b) / len(of_b))


def test_on_texts_that_give_their_labels_away_mistakes_are_found(data: Path) -> None:
    told = error_recall(data, (0, 1), forms=("mistaken", "calibrated"))
    assert told["error_recall_at_10pct"] > 0.8
    assert told["asymmetric"]["mean"] > 0.6
    assert set(told["forms"]) == {"mistaken", "calibrated"}
    assert (told["seeds"], told["n_texts"], set(told["by_label"]["uniform"])) == (2, 200, {"甲", "乙", "丙"})
    assert error_recall(data, (0, 1), forms=("mistaken", "calibrated")) == told
    assert error_recall(data, (0,), texts=80)["n_texts"] == 80


def test_without_data_it_is_skipped_and_says_so(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench.label_errors", "--data", str(tmp_path / "none.jsonl")],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert json.loads(done.stdout.splitlines()[-1]) == {"skipped": True}
    assert "SKIPPED" in done.stderr
