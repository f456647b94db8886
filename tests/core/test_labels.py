"""The label set: one order, found by any of its names, sets as rows."""

from __future__ import annotations

import pytest

from core.errors import UnknownLabel
from core.labels import Label, LabelSet, majority

SET = LabelSet((Label(key="a", zh="甲", en="Alpha"), Label(key="b", zh="乙"), Label(key="c", zh="丙", en="Gamma")))


def test_a_label_is_found_by_key_and_by_either_name() -> None:
    assert [SET.find(name) for name in ("a", "甲", "alpha", " 丙 ", "GAMMA")] == ["a", "a", "a", "c", "c"]


def test_an_unknown_label_names_those_that_are_known() -> None:
    with pytest.raises(UnknownLabel) as caught:
        SET.canonical(["甲", "丁"])
    assert caught.value.fields == {"label": "丁", "known": "甲, 乙, 丙"}


def test_of_hundreds_of_labels_an_error_names_a_few() -> None:
    many = LabelSet(tuple(Label(key=f"k{n}", zh=f"名{n}") for n in range(300)))
    with pytest.raises(UnknownLabel) as caught:
        many.find("沒有")
    assert caught.value.fields["known"].count(",") == 39
    assert caught.value.fields["known"].endswith("…")


def test_of_two_labels_with_one_name_the_first_is_meant() -> None:
    twice = LabelSet((Label(key="a", zh="甲", en="b"), Label(key="b", zh="乙"), Label(key="c", zh="a")))
    assert (twice.find("b"), twice.find("B"), twice.find("a")) == ("a", "a", "a")


def test_sets_have_one_order_and_no_repetition() -> None:
    assert SET.canonical(["丙", "a", "甲"]) == ("a", "c")


def test_rows_of_zeros_and_ones() -> None:
    assert SET.encode([("a", "c"), (), ("b",)]).tolist() == [[1, 0, 1], [0, 0, 0], [0, 1, 0]]


def test_the_fingerprint_changes_with_order_and_names() -> None:
    assert LabelSet(SET.labels[::-1]).fingerprint != SET.fingerprint
    assert LabelSet(SET.labels[:2]).fingerprint != SET.fingerprint


@pytest.mark.parametrize(
    ("sets", "settled"),
    [
        ([], set()),
        ([{"a", "b"}], {"a", "b"}),
        ([{"a", "b"}, {"a"}], {"a"}),
        ([{"a", "b"}, {"a", "c"}, {"c"}], {"a", "c"}),
        ([{"a"}, {"b"}], set()),
    ],
)
def test_more_than_half_settles_a_label(sets: list[set[str]], settled: set[str]) -> None:
    assert majority([frozenset(each) for each in sets]) == settled


def test_a_past_decision_counts_as_the_label_set_is_today() -> None:
    now = LabelSet((Label(key="a", zh="甲"), Label(key="c", zh="丙")), merged={"b": "c"})
    assert now.present(("c", "b", "a")) == ("a", "c")
    assert now.present(("retired",)) == ()


def test_labels_that_are_gone_are_found_and_named_but_not_chosen() -> None:
    every = (
        Label(key="a", zh="甲", en="one", place=2),
        Label(key="b", zh="乙", merged_into="c"),
        Label(key="c", zh="丙", merged_into="d"),
        Label(key="d", zh="丁", place=1),
        Label(key="e", zh="戊", retired_at=9.0),
    )
    now = LabelSet.of(every)
    assert now.keys == ("a", "d")
    assert [label.key for label in now.on_board] == ["d", "a"]
    assert now.merged == {"b": "d", "c": "d"}
    assert [label.key for label in now.gone] == ["b", "c", "e"]
    assert now.canonical(["戊", "乙", "甲"]) == ("a", "b", "e")
    assert now.present(now.canonical(["戊", "乙", "甲"])) == ("a", "d")
    assert now.names("en") == {"a": "one", "d": "丁", "b": "乙", "c": "丙", "e": "戊"}
    assert now.fingerprint == LabelSet((every[0], every[3])).fingerprint
