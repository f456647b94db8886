"""P@k, nDCG@k and PSP@k against sums done by hand."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from core.evaluate.ranking import figures, ndcg_at, precision_at, propensities, psp_at, top

# Text 0 carries labels 0, 2; text 1 carries 1; text 2 carries 0, 1, 3.
Y = np.array([[1, 0, 1, 0], [0, 1, 0, 0], [1, 1, 0, 1]])
RANKED = np.array([[0, 1, 2], [2, 3, 0], [3, 0, 2]])


def test_precision_by_hand() -> None:
    assert precision_at(RANKED, Y, 1) == pytest.approx((1 + 0 + 1) / 3)
    assert precision_at(RANKED, Y, 3) == pytest.approx((2 + 0 + 2) / 9)


def test_ndcg_by_hand() -> None:
    second, third = 1 / np.log2(3), 0.5
    first = (1 + third) / (1 + second)  # places 1 and 3 are right, two labels in all
    last = (1 + second) / (1 + second + third)
    assert ndcg_at(RANKED, Y, 3) == pytest.approx((first + 0 + last) / 3)
    assert ndcg_at(RANKED, Y, 1) == pytest.approx(2 / 3)


def test_psp_by_hand() -> None:
    propensity = np.array([0.8, 0.5, 0.25, 0.4])
    won = (1 / 0.8 + 1 / 0.25) + 0 + (1 / 0.4 + 1 / 0.8)
    best = (1 / 0.25 + 1 / 0.8) + 1 / 0.5 + (1 / 0.4 + 1 / 0.5 + 1 / 0.8)
    assert psp_at(RANKED, Y, 3, propensity) == pytest.approx(won / best)
    assert psp_at(RANKED, Y, 1, propensity) == pytest.approx((1 / 0.8 + 1 / 0.4) / (1 / 0.25 + 1 / 0.5 + 1 / 0.4))
    assert psp_at(np.array([[2, 0], [1, -1], [3, 1]]), Y, 2, propensity) == pytest.approx(1)


def test_propensities_are_those_of_the_paper() -> None:
    counts, texts = np.array([1, 10, 1000]), 5000
    c = (np.log(5000) - 1) * 2.5**0.55
    assert propensities(counts, texts) == pytest.approx(1 / (1 + c * np.exp(-0.55 * np.log(counts + 1.5))))
    assert (np.diff(propensities(counts, texts)) > 0).all()
    assert (propensities(np.zeros(3), 1) == 1).all()  # too few texts to say anything


def test_with_one_propensity_psp_is_precision_over_the_best_precision() -> None:
    rng = np.random.default_rng(0)
    y = (rng.random((50, 12)) < 0.2).astype(int)
    ranked = top(rng.random((50, 12)), 5)
    best = np.minimum(y.sum(axis=1), 5).sum()
    assert psp_at(ranked, y, 5, np.full(12, 0.3)) == pytest.approx(5 * 50 * precision_at(ranked, y, 5) / best)


def test_a_missing_place_is_a_wrong_one_and_sparse_labels_are_the_same() -> None:
    short = np.array([[0, -1, -1], [1, -1, -1], [-1, -1, -1]])
    assert precision_at(short, Y, 3) == pytest.approx(2 / 9)
    assert precision_at(short[:, :1], Y, 3) == pytest.approx(2 / 9)
    propensity = np.full(4, 0.5)
    assert figures(RANKED, sp.csr_matrix(Y), propensity) == figures(RANKED, Y, propensity)


def test_texts_without_labels_or_no_text_at_all_give_no_nan() -> None:
    none = np.zeros((3, 4), dtype=int)
    assert set(figures(RANKED, none, np.full(4, 0.5)).values()) == {0.0}
    assert set(figures(np.zeros((0, 3), dtype=int), np.zeros((0, 4)), np.full(4, 0.5)).values()) == {0.0}


def test_of_equal_scores_the_first_label_leads() -> None:
    assert top(np.array([[0.5, 0.9, 0.5]]), 2).tolist() == [[1, 0]]


@pytest.mark.parametrize(("ranked", "k"), [(RANKED, 0), (RANKED[:2], 1), (np.full((3, 1), 4), 1)])
def test_what_cannot_be_ranked_is_refused(ranked: np.ndarray, k: int) -> None:
    with pytest.raises(ValueError, match="shape"):
        precision_at(ranked, Y, k)
