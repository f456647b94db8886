from typing import NamedTuple

import numpy as np

from core.labels import Label, LabelSet
from core.worker.needs import label_words, needs


class Figure(NamedTuple):
    scope: str
    low: float | None
    support: int = 10
    model: str = "student"
    split: str = "gold"


def test_the_students_gold_figures_and_no_others_shape_the_need() -> None:
    figures = [
        Figure("a", 0.6), Figure("b", 0.2), Figure("macro", 0.1), Figure("a", 0.0, model="linear"),
        Figure("b", 0.9, split="valid"),
    ]  # fmt: skip
    np.testing.assert_allclose(needs(figures, ["a", "b"], [9, 9], target=0.8), [0.25, 0.75])


def test_a_label_without_a_gold_positive_counts_as_not_measured() -> None:
    figures = [Figure("a", 0.4), Figure("b", 0.0, support=0), Figure("c", None)]
    np.testing.assert_allclose(needs(figures, ["a", "b", "c"], [9, 9, 9], target=0.8), [0.2, 0.4, 0.4])


def test_before_the_first_round_it_is_support_alone() -> None:
    np.testing.assert_allclose(needs([], ["a", "b"], [0, 1], target=0.8), [2 / 3, 1 / 3])


def test_a_label_is_described_by_all_that_is_written_of_it() -> None:
    labels = LabelSet((Label(key="a", zh="藥物", keywords=("阿司匹靈",), definition="吃的藥", examples=("飯後服用",)),))
    assert label_words(labels) == ["藥物\n阿司匹靈\n吃的藥\n飯後服用"]
