"""The bench of combinations, on students whose faults are known."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit

from bench import combination
from bench.combination import Answers

DRAW = np.random.default_rng(0)
K = 3


def drawn(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Honest logits, and labels drawn by them. Shapes: (n, K) each."""
    logits = DRAW.normal((0, -1, -2), 2.5, size=(n, K))
    return logits, (DRAW.random((n, K)) < expit(logits)).astype(np.uint8)


def answers(number: int) -> Answers:
    """``kd`` is honest but moved down by three; ``best`` is the same without fault; ``best_fl`` knows nothing."""
    (valid, valid_y), (test, test_y) = drawn(240), drawn(300)
    return Answers(
        test=np.arange(300 * number, 300 * (number + 1)),
        valid_logits={"kd": valid - 3, "best": valid, "best_fl": DRAW.normal(size=valid.shape)},
        test_logits={"kd": test - 3, "best": test, "best_fl": DRAW.normal(size=test.shape)},
        valid_y=valid_y,
        test_y=test_y,
        shares=valid_y.mean(axis=0),
    )


@pytest.fixture(scope="module")
def folds() -> Iterator[list[Answers]]:
    """Two calibrations of the five, which cost most of the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(combination, "CALIBRATIONS", ("none", "platt"))
        yield [answers(n) for n in range(3)]


def test_what_knows_nothing_is_never_chosen_and_what_was_moved_not_as_it_is(folds: list[Answers]):
    for each in folds:
        recipe, calibration, rule = combination.chosen(each)
        assert recipe in ("kd", "best")
        assert (recipe, calibration, rule) != combination.PLAIN


def test_no_test_text_has_a_say(folds: list[Answers]):
    """Other test labels and answers: the choice and its cuts stay."""
    one = folds[0]
    other = Answers(**{**vars(one), "test_y": 1 - one.test_y})
    assert combination.chosen(one) == combination.chosen(other)
    assert (combination.tested(("best", "auto", "micromacro"), one) == combination.tested(
        ("best", "auto", "micromacro"), other)).all()  # fmt: skip


def test_a_validation_text_is_cut_by_the_others_alone(folds: list[Answers]):
    one = folds[0]
    turned = one.valid_y.copy()
    turned[0::3] = 1 - turned[0::3]  # the labels of the first part
    before, after = (
        combination.joined("per_label", combination.crossed("platt", one.valid_logits["kd"], y), one.shares)
        for y in (one.valid_y, turned)
    )
    assert (before[0::3] == after[0::3]).all()
    assert (before[1::3] != after[1::3]).any()


def test_the_difference_is_that_of_the_figures_and_the_mending_is_found(folds: list[Answers]):
    found = combination.compared(folds)
    assert found["difference"]["macro"]["corrected_t"]["mean"] == pytest.approx(
        found["best"]["macro"][0] - found["kd"]["macro"][0], abs=0.02
    )
    assert found["difference"]["tail"]["bootstrap"]["low"] > 5
    assert found["by_recipe"]["kd"]["half"] == found["kd"]
    assert found["by_recipe"]["best"]["half"]["macro"] > found["by_recipe"]["best_fl"]["micromacro"]["macro"]


def test_without_data_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    combination.main(["--data", str(tmp_path / "none.jsonl.gz"), "--experiment", str(tmp_path)])
    assert json.loads(capsys.readouterr().out) == {"skipped": "no none.jsonl.gz"}
