"""Words worth a highlight: from the definition, else those that the lead set."""

from __future__ import annotations

from core.text.keywords import MAX_WORDS, keywords


def test_what_a_definition_lists_is_worth_a_highlight() -> None:
    found = keywords({"tests": ("檢查、篩檢與量測：抽血、影像、家用血壓計。", ["糞便潛血檢查陽性者"], ())})
    assert set(found["tests"]) >= {"檢查", "篩檢", "抽血", "家用血壓計"}
    assert list(found["tests"]) == sorted(found["tests"], key=lambda word: (-len(word), word))


def test_what_two_examples_share_is_found_whole() -> None:
    examples = ["吸入型類固醇使用後漱口", "外用類固醇擦薄薄一層"]
    assert keywords({"drug": ("", examples, ())})["drug"] == ("類固醇",)


def test_a_word_that_two_labels_share_says_nothing() -> None:
    found = keywords({"a": ("情緒、壓力", [], ()), "b": ("壓力、睡眠", [], ())})
    assert found == {"a": ("情緒",), "b": ("睡眠",)}


def test_words_that_a_lead_has_set_are_taken_as_they_are() -> None:
    found = keywords({"a": ("情緒、壓力", [], (" MRI ", "血壓", "")), "b": ("血壓", [], ())})
    assert found["a"] == ("MRI", "血壓")
    assert found["b"] == ("血壓",)


def test_a_label_without_words_has_none_and_a_long_list_is_cut() -> None:
    assert keywords({"a": ("", [], ())}) == {"a": ()}
    many = "、".join(chr(0x4E00 + n) + chr(0x5E00 + n) for n in range(100))
    assert len(keywords({"a": (many, [], ())})["a"]) == MAX_WORDS
