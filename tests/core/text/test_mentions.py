"""What is counted of a label's keywords in a text, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from core.text.mentions import FIGURES, LEAD, mentions


def of(title: str, body: str, *keywords: str) -> dict[str, float]:
    found = mentions([title.split()], [body.split()], [[word.split() for word in each.split("|")] for each in keywords])
    return dict(zip(FIGURES, map(float, found[0, 0]), strict=True))


def test_a_mention_counts_where_it_stands() -> None:
    rest = " ".join(["x"] * LEAD)
    found = of("palm oil up", f"prices of palm oil {rest} palm oil and palm oil", "palm oil")
    assert (found["in_title"], found["in_lead"], found["in_rest"]) == (1, 1, 2)
    assert (found["by_name"], found["name_in_title"], found["first"]) == (4, 1, 0)
    assert found["density"] == pytest.approx(100 * 4 / (3 + 4 + LEAD + 5))


def test_a_name_is_the_first_keyword_or_one_of_several_tokens() -> None:
    found = of("", "gas and gas oil and heat", "heating oil|gas oil|gas|heat")
    assert (found["in_lead"], found["by_name"]) == (4, 1)
    assert of("", "heat", "heat|warmth")["by_name"] == 1
    assert of("", "warmth", "heat|warmth")["by_name"] == 0
    assert of("", "warm", "heat|warmth")["in_lead"] == 0


def test_what_is_said_is_shared_among_the_labels_that_are_named() -> None:
    assert of("", "tin zinc zinc zinc", "tin", "zinc")["share"] == 0.25
    assert of("", "tin zinc zinc zinc", "zinc", "tin")["share"] == 0.75


def test_the_first_place_is_a_share_of_the_text_and_one_without_any() -> None:
    assert of("a b", "c tin d tin e f", "tin")["first"] == pytest.approx(3 / 8)
    assert of("", "c d", "tin") == {**dict.fromkeys(FIGURES, 0.0), "first": 1.0}


def test_an_empty_text_mentions_nothing_and_tokens_may_be_characters() -> None:
    assert np.isfinite(mentions([[]], [[]], [["x"]])).all()
    assert mentions([""], ["血壓偏高時量血壓"], [["血壓"]])[0, 0, FIGURES.index("in_lead")] == 2


def test_an_empty_keyword_is_refused() -> None:
    with pytest.raises(ValueError, match="label 1"):
        mentions([[]], [["a"]], [["a"], [""]])
    with pytest.raises(ValueError, match="titles"):
        mentions([], [["a"]], [["a"]])
