"""Head, middle and tail of a label set."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.evaluate.bands import bands, tail


def test_nine_labels_are_two_three_and_four() -> None:
    counts = [900, 700, 300, 250, 200, 90, 80, 60, 40]
    assert bands(counts) == ("head",) * 2 + ("medium",) * 3 + ("tail",) * 4
    assert tail(counts[::-1]).tolist() == [0, 1, 2, 3]


def test_few_labels_still_have_a_tail() -> None:
    assert bands([]) == ()
    assert bands([5]) == ("tail",)
    assert bands([5, 9]) == ("tail", "head")
    assert bands([5, 9, 7]) == ("tail", "head", "medium")


def test_of_equally_rare_labels_the_later_is_the_rarer() -> None:
    assert bands([0, 0, 0]) == ("head", "medium", "tail")


@given(st.lists(st.integers(0, 50), min_size=1, max_size=40))
def test_no_label_of_the_tail_is_commoner_than_another(counts: list[int]) -> None:
    named = bands(counts)
    rarest = [n for n, band in zip(counts, named, strict=True) if band == "tail"]
    others = [n for n, band in zip(counts, named, strict=True) if band != "tail"]
    assert len(rarest) == max(1, round(len(counts) * 4 / 9))
    assert not others or max(rarest) <= min(others)


@pytest.mark.parametrize("counts", [[-1, 2], [float("nan")], [[1, 2]]])
def test_what_are_no_counts_is_refused(counts: list[float]) -> None:
    with pytest.raises(ValueError, match="one finite count"):
        bands(counts)
