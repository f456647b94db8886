"""Batches and hidden tokens depend on seed and step alone."""

import numpy as np

from core.encoders.pretrain.batches import Marks, batches, hide, pieces
from core.seeds import numbers

MARKS = Marks(pad=0, mask=4, special=frozenset({0, 1, 2, 3, 4}), vocabulary=50)


def test_texts_are_cut_into_pieces_and_nothing_is_lost():
    rows = [np.arange(5, 5 + n) for n in (0, 1, 7, 20)]
    found = pieces(rows, 2, 3, 10)
    assert all(row[0] == 2 and row[-1] == 3 and len(row) <= 10 for row in found)
    inside = np.concatenate([row[1:-1] for row in found])
    assert inside.tolist() == np.concatenate(rows).tolist()


def test_each_epoch_has_every_piece_once_within_the_budget():
    lengths = np.random.default_rng(0).integers(3, 60, size=500)
    first, again, other = (batches(lengths, 256, 1, epoch) for epoch in (0, 0, 1))
    assert sorted(np.concatenate(first).tolist()) == list(range(500))
    assert all(len(batch) * lengths[batch].max() <= 256 for batch in first)
    assert [batch.tolist() for batch in first] == [batch.tolist() for batch in again]
    assert [batch.tolist() for batch in first] != [batch.tolist() for batch in other]
    padded = sum(len(batch) * lengths[batch].max() for batch in first)
    assert padded < 1.3 * lengths.sum()
    assert [len(batch) for batch in batches(np.array([900, 900]), 256, 1, 0)] == [1, 1]


def test_a_share_of_the_tokens_is_hidden_and_marks_never():
    rows = [np.concatenate([[2], np.random.default_rng(n).integers(5, 50, 60), [3]]) for n in range(200)]
    found = hide(rows, MARKS, 0.15, numbers(0, "hide", 0))
    where, tokens = found.where.numpy(), found.tokens.numpy()
    assert 0.13 < where[:, 1:-1].mean() < 0.17
    assert not where[:, [0, -1]].any()
    truth = np.stack(rows)
    assert np.array_equal(truth[where], found.what.numpy())
    assert np.array_equal(truth[~where], tokens[~where])
    assert 0.75 < (tokens[where] == MARKS.mask).mean() < 0.85
    assert 0.05 < (tokens[where] == truth[where]).mean() < 0.17


def test_one_token_at_least_is_hidden_where_there_is_one():
    for n in range(20):
        found = hide([np.array([2, 9, 3])], MARKS, 0.01, numbers(n))
        assert found.where.tolist() == [[False, True, False]]
    assert not len(hide([np.array([2, 3])], MARKS, 0.15, numbers(0)).what)
