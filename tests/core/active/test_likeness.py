import numpy as np
import pytest
import scipy.sparse as sp

from core.active.likeness import AT_MOST, first_of_each, nearest


def some(size: int, seed: int = 0, width: int = 3) -> np.ndarray:
    rows = np.random.default_rng(seed).standard_normal((size, width))
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def one_by_one(order: np.ndarray, rows: np.ndarray, size: int) -> list[int]:
    kept: list[int] = []
    for position in order.tolist():
        if len(kept) < size and all(rows[position] @ rows[k] <= AT_MOST for k in kept):
            kept.append(position)
    return kept


@pytest.mark.parametrize("size", [1, 7, 5_000])
def test_it_keeps_what_reading_one_by_one_keeps(size: int) -> None:
    rows, order = some(1_300), np.random.default_rng(1).permutation(1_300)  # three blocks
    want = one_by_one(order, rows, size)
    assert first_of_each(order, rows, size).tolist() == want
    assert first_of_each(order, sp.csr_matrix(rows), size).tolist() == want
    assert len(want) == min(size, len(want))


def test_only_the_first_of_texts_that_are_the_same_stays() -> None:
    assert first_of_each(np.array([2, 0, 1]), np.ones((3, 1)), 3).tolist() == [2]


def test_a_text_without_a_known_gram_is_like_nothing() -> None:
    assert first_of_each(np.arange(3), sp.csr_matrix((3, 4)), 3).tolist() == [0, 1, 2]


def test_nothing_of_nothing() -> None:
    assert first_of_each(np.zeros(0, dtype=np.int64), np.zeros((0, 2)), 3).tolist() == []


def test_a_number_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="finite"):
        first_of_each(np.arange(2), np.array([[1.0, 0], [np.nan, 0]]), 2)


def test_the_nearest_of_others_and_of_none() -> None:
    rows, others = some(600), some(5_000, seed=2)  # more than a block of each
    want = (rows @ others.T).max(axis=1)
    np.testing.assert_allclose(nearest(rows, others, none=-1.0), want, atol=1e-12)
    np.testing.assert_allclose(nearest(sp.csr_matrix(rows), sp.csr_matrix(others), none=-1.0), want, atol=1e-12)
    assert nearest(rows[:2], np.zeros((0, 3))).tolist() == [0, 0]
