import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.config import RoundConfig
from core.errors import ModelUnavailable
from core.text.encode import encoder
from core.text.tokenize import reader
from core.text.vocab import Vocab

CONFIG = RoundConfig(segmenter="characters", max_tokens=12)
READ = reader("characters")
# what meets its neighbours: marks, jamo, joiners, digits and letters of all widths, signs that are several in one
AWKWARD = "aAzZ09ａＡ０９ΣσςİıſKÅé\u0301\u0327か\u3099ｶﾞ가ᄀ\u1161\u11a8①㎎ﬁ…㈠高血壓塡\ufa10𠀀👍👍🏽\u200b\u200d\u00ad\ufeff\x00\x1c\x85\u3000 \t\n\ud800।ा\u09be"  # noqa: E501
TEXTS = st.lists(st.text(alphabet=st.one_of(st.sampled_from(AWKWARD), st.characters()), max_size=30), max_size=6)


def expected(vocab: Vocab, texts: list[str]) -> list[list[int]]:
    return [vocab.encode(READ(text), CONFIG.max_tokens).tolist() for text in texts]


def got(vocab: Vocab, texts: list[str]) -> list[list[int]]:
    return [row.tolist() for row in encoder(vocab, CONFIG)(texts)]


@settings(max_examples=300, deadline=None)
@given(TEXTS)
def test_many_at_a_time_is_one_by_one(texts: list[str]):
    vocab = Vocab.build([READ(text) for text in texts[::2]], min_count=1)
    assert got(vocab, texts) == expected(vocab, texts)


def test_every_character_by_itself_and_between_two_others():
    chars = [
        chr(code) for code in [*range(0x3400), *range(0xA000, 0xAC10), *range(0xD7A0, 0xE010), *range(0xF8F0, 0x10000)]
    ]
    texts = [text for char in chars for text in (char, f"e{char}1", f"か{char}\u0301")]
    vocab = Vocab.build([READ(text) for text in texts[::2]], min_count=1)
    assert got(vocab, texts) == expected(vocab, texts)


def test_runs_end_with_their_text_and_with_a_change_of_kind():
    texts = ["COVID", "19", "abc12 3", "", "a\u200bb", "12" * 30 + "x"]
    vocab = Vocab.build([READ(text) for text in texts], min_count=1)
    assert got(vocab, texts) == expected(vocab, texts)
    assert [len(row) for row in got(vocab, texts)] == [1, 1, 3, 0, 1, 2]


def test_only_the_first_tokens_are_read():
    vocab = Vocab.build([["高"]], min_count=1)
    assert got(vocab, ["高" * 50]) == [[2] * CONFIG.max_tokens]
    assert all(row.dtype == np.int64 for row in encoder(vocab, CONFIG)(["高", "√2"]))


@pytest.mark.parametrize(("segmenter", "conversion"), [("words", ""), ("rjieba", ""), ("characters", "s2t")])
def test_other_segmenters_and_conversions_are_read_as_ever(segmenter: str, conversion: str):
    config = RoundConfig(segmenter=segmenter, conversion=conversion, max_tokens=12)
    texts = ["高血压 患者 high BLOOD 120", ""]
    read = reader(segmenter, conversion)
    vocab = Vocab.build([read(text) for text in texts], min_count=1)
    assert [row.tolist() for row in encoder(vocab, config)(texts)] == [
        vocab.encode(read(t), 12).tolist() for t in texts
    ]


def test_a_segmenter_that_is_not_there_is_said_at_once(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(__import__("sys").modules, "rjieba", None)
    with pytest.raises(ModelUnavailable):
        encoder(Vocab.build([], min_count=1), RoundConfig(segmenter="rjieba"))
