"""Searching by what is written: the quick way and the plain one agree."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.text.search import finder, folded

ALPHABET = "血壓高頭暈一二，。,.？?ＡＢａｂABab１1 \n　①㈱\u200b\uf9ef\u2f00é\u0301ßİi％%_[](\\"
SOME = st.text(st.sampled_from(ALPHABET), max_size=12)


@pytest.mark.parametrize(
    ("query", "text", "found"),
    [
        ("血壓", "他的血壓偏高", True),
        ("血壓 頭暈", "頭暈，血壓也高", True),
        ("血壓 頭暈", "血壓高", False),
        ("bmi", "ＢＭＩ 超過 30", True),
        ("ＢＭＩ", "bmi", True),
        ("怎麼辦?", "怎麼辦？", True),
        ("血壓", "血\u200b壓", True),  # a blank without width between them
        ("一", "\u2f00", True),  # a radical that looks like the character
        ("1", "①", True),
        (".", "沒有", False),
        ("", "什麼都好", True),
    ],
)
def test_what_is_found(query: str, text: str, found: bool) -> None:
    assert finder(query)(text) is found


@given(query=SOME, text=SOME)
@example(query="ss", text="ß")
def test_the_quick_way_means_what_the_plain_one_says(query: str, text: str) -> None:
    plain = folded(text)
    assert finder(query)(text) == all(word in plain for word in folded(query).split())
