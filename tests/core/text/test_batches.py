import numpy as np

from core.text.batches import by_length, padded, shuffled

ROWS = [np.arange(2, 2 + n, dtype=np.int64) for n in (3, 0, 5, 1)]


def test_padded_fills_on_the_right():
    np.testing.assert_array_equal(padded(ROWS[:2]), [[2, 3, 4], [0, 0, 0]])
    assert padded([ROWS[1]]).shape == (1, 1)
    assert padded(ROWS, width=2).shape == (4, 2)


def test_every_position_comes_once():
    assert sorted(n for batch in shuffled(10, 4, np.random.default_rng(0)) for n in batch) == list(range(10))
    assert [list(batch) for batch in by_length(ROWS, 2)] == [[1, 3], [0, 2]]
