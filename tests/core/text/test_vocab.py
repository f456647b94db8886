import numpy as np

from core.text.vocab import PAD, UNK, Vocab


def test_order_depends_on_counts_alone():
    first = Vocab.build([["b", "a"], ["c", "c", "a"]], min_count=1)
    again = Vocab.build([["c", "a", "c"], ["a", "b"]], min_count=1)
    assert first == again
    assert first.tokens == ("<pad>", "<unk>", "a", "c", "b")
    assert Vocab.build([["b", "a"], ["a"]], min_count=2).tokens[2:] == ("a",)


def test_encode_cuts_and_knows_the_unknown():
    vocab = Vocab.build([["a", "b"]], min_count=1)
    np.testing.assert_array_equal(vocab.encode(["b", "<pad>", "x", "a"], 3), [3, UNK, UNK])
    assert len(vocab.encode([], 3)) == 0
    assert PAD not in vocab.encode(["<pad>"], 3)


def test_json_round_trip():
    vocab = Vocab.build([["高血壓", "\u2028", '"', "😀"]], min_count=1)
    assert Vocab.from_json(vocab.to_json()) == vocab
