from __future__ import annotations

import numpy as np
import pytest

from core.evaluate.metrics import aggregate
from core.experiments import reuters
from core.models.svm import MARGINS
from core.reproduce.losses.svm import tuned
from core.steps import drained
from tests.core import making
from tests.shared_data import shared_data


def parts(n: int = 160) -> tuple:
    data = making.small_data(n=n)
    texts, y = data.train_texts, data.train_y
    first, second = int(0.6 * len(texts)), int(0.8 * len(texts))
    return texts[:first], y[:first], texts[first:second], y[first:second], texts[second:], y[second:]


def test_it_learns_what_characters_tell_and_cuts_by_validation() -> None:
    *given, test_y = parts()
    shares, found = making.drained(tuned(*given, words=False))
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert found.cut in (0.0, *MARGINS)
    assert aggregate(found.test >= found.cut, test_y)["macro"][2] > 0.8


def test_the_variant_is_the_best_on_validation() -> None:
    *given, _ = parts()
    found = drained(tuned(*given, words=False))
    at_hand = aggregate(found.valid >= found.cut, given[3])["micro"][2]
    assert at_hand >= max(aggregate(found.valid >= cut, given[3])["micro"][2] for cut in MARGINS)


def test_a_label_of_one_class_is_answered_without_a_machine() -> None:
    texts = ["a b", "b c", "c d", "a d"]
    y = np.array([[1, 0, 1], [1, 0, 0], [1, 0, 1], [1, 0, 0]])
    found = drained(tuned(texts, y, texts, y, ["a word", "no other"], words=False))
    np.testing.assert_array_equal(found.test[:, :2], [[1, -1], [1, -1]])


@pytest.mark.shared_data
def test_the_published_row_comes_out_on_reuters() -> None:
    data = reuters.load(shared_data("reuters90.jsonl.gz"))
    found = drained(
        tuned(data.at(data.train), data.y[data.train], data.at(data.valid), data.y[data.valid], data.at(data.test))
    )
    scores = aggregate(found.test >= found.cut, data.y[data.test])
    assert 100 * scores["micro"][2] == pytest.approx(87.60, abs=0.5)
    assert 100 * scores["macro"][2] == pytest.approx(51.63, abs=1.5)
