from __future__ import annotations

import numpy as np
import pytest

from core.reproduce.losses.judge import AsPublished

ONE = np.array([0])
Y = np.array([[1], [1], [1], [0]])


def logits(*probs: float) -> np.ndarray:
    found = np.array(probs, dtype=np.float32)
    return np.log(found / (1 - found))[None, :, None]


def test_an_epoch_is_judged_at_the_best_cut_of_the_published_grid() -> None:
    judge = AsPublished(Y)
    assert judge(logits(0.45, 0.45, 0.45, 0.43), ONE)[0, 1] == 1  # cut at .44
    assert judge(logits(0.3, 0.3, 0.3, 0.2), ONE)[0, 1] == 0  # below the grid: nothing is predicted


def test_a_slightly_worse_epoch_takes_the_bests_place_and_a_worse_one_does_not() -> None:
    y = np.ones((1000, 1), dtype=int)
    judge = AsPublished(y)

    def epoch(missed: int) -> float:
        found = np.full((1, 1000, 1), 5.0, dtype=np.float32)
        found[0, :missed] = -5
        return float(judge(found, ONE)[0, 0])

    f1 = [2 * (1000 - missed) / (2000 - missed) for missed in (100, 105, 110, 150)]
    assert f1[1] > 0.995 * f1[0]
    assert [epoch(100), epoch(105)] == [1, 2]
    assert f1[2] < 0.995 * f1[0] * 1.001
    assert judge.best == pytest.approx(f1[1])  # it has sunk
    assert epoch(110) == 3  # within half a per cent of the sunken best
    assert epoch(150) == -1
    assert judge.best == pytest.approx(f1[2])


def test_without_validation_texts_the_first_epoch_is_kept() -> None:
    judge = AsPublished(np.zeros((0, 2)))
    assert judge(np.zeros((1, 0, 2), dtype=np.float32), ONE).tolist() == [[1.0, 0.0]]
    assert judge(np.zeros((1, 0, 2), dtype=np.float32), ONE).tolist() == [[-1.0, 0.0]]
