"""A vocabulary of the user's own texts."""

import numpy as np

from core.encoders.pretrain.vocabulary import MARKS, train


def texts() -> list[str]:
    """Words of which many pieces are equally common, among Chinese."""
    draw = np.random.default_rng(0)
    words = ["".join(draw.choice(list("abcdefgh"), size=6)) for _ in range(80)]
    return [f"服用{word}後血壓{word}下降。" for word in words for _ in range(3)]


def test_the_same_texts_give_the_same_vocabulary_each_time():
    found = [train(texts(), 120, 32).get_vocab() for _ in range(6)]
    assert all(each == found[0] for each in found)
    assert len(found[0]) <= 120
    assert sum(len(word.removeprefix("##")) > 1 for word in found[0] if word not in MARKS) > 20, "pieces of words"


def test_marks_come_first_and_chinese_is_read_by_characters():
    made = train(texts(), 120, 32)
    vocabulary = made.get_vocab()
    assert [vocabulary[mark] for mark in MARKS] == [0, 1, 2, 3, 4]
    assert sorted(vocabulary.values()) == list(range(len(vocabulary)))
    assert made.tokenize("服用血壓") == ["服", "用", "血", "壓"]
    assert "".join(made.tokenize("ABC")).replace("##", "") == "abc"
    assert made.tokenize("貓") == ["[UNK]"]
    assert made.model_max_length == 32
