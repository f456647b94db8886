"""No zero bears a sign, and a counted word agrees with its number."""

from __future__ import annotations

import re

import pytest

from core.export import report_words
from core.wording import filled, fixed, signed
from pages.shared import i18n

AREAS = (
    "attention", "dashboard", "long_tail", "overview", "people_tab", "per_label", "report", "rounds", "stopping",
    "together",
)  # fmt: skip
NEVER_ONE = {
    "least",
    "goal",
    "points",
    "window",
    "overlap",
    "all",
    "need",
    "expected",
}  # of numbers that are no counts, or many
COUNTED = re.compile(
    r"\{(\w+)\}\** (?:(?:more|gold|pool|labelled|timed|common|earlier|waiting|tail|flagged) )*"
    r"(?:texts|labels|positives|decisions|rounds|votes|pairs|suggestions|people|models)\b(?!\|)"
)


@pytest.mark.parametrize(
    ("value", "said", "told"),
    [
        (-0.001, "0.00", "0.00"), (0.001, "0.00", "0.00"), (-0.0, "0.00", "0.00"), (0.0, "0.00", "0.00"),
        (-0.006, "-0.01", "-0.01"), (0.006, "0.01", "+0.01"), (12.5, "12.50", "+12.50"), (-3.0, "-3.00", "-3.00"),
    ],
)  # fmt: skip
def test_what_rounds_to_nothing_has_no_sign(value: float, said: str, told: str) -> None:
    assert fixed(value) == said
    assert signed(value) == told


def test_decimals_are_as_asked() -> None:
    assert (fixed(-0.04, 1), fixed(-0.04, 3), signed(0.04, 1), signed(0.4, 0)) == ("0.0", "-0.040", "0.0", "0")


@pytest.mark.parametrize(
    ("n", "said"), [(1, "1 label has"), ("1", "1 label has"), (0, "0 labels have"), (2, "2 labels have"),
                    ("1,001", "1,001 labels have"), (11, "11 labels have")],
)  # fmt: skip
def test_one_is_not_many(n: object, said: str) -> None:
    assert filled("{n} {n:label has|labels have}", n=n) == said


def test_a_text_without_counted_words_is_filled_as_ever() -> None:
    assert filled("{a}：{b:.1f} {{x}}", a="甲", b=0.25) == "甲：0.2 {x}"
    with pytest.raises(KeyError):
        filled("{n:text|texts}")


def test_no_english_sentence_of_a_figure_speaks_of_one_as_many() -> None:
    """``count`` is told of where there are more than a few."""
    said = {key: each["en"] for key, each in i18n.catalogue().items() if key.split(".")[0] in AREAS}
    said |= {f"report {key}": each["en"] for key, each in report_words.catalogue().items()}
    assert len(said) > 400
    wrong = {
        key: found[0]
        for key, text in said.items()
        for found in COUNTED.finditer(text)
        if found[1] not in NEVER_ONE and not (found[1] == "count" and key.endswith("_many"))
    }
    assert not wrong
