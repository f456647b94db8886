from __future__ import annotations

import numpy as np
import pytest

from core.evaluate.agreement import MISSING, cohen_kappa, krippendorff_alpha

M = MISSING


def column(*votes):
    return np.array(votes)[:, None]


def test_kappa_of_the_usual_two_by_two_table():
    # 20 both yes, 5 yes/no, 10 no/yes, 15 both no: observed 0.70, by chance 0.5·0.6 + 0.5·0.4 = 0.50
    first = column(*[1] * 25, *[0] * 25)
    second = column(*[1] * 20, *[0] * 5, *[1] * 10, *[0] * 15)
    assert cohen_kappa(first, second) == pytest.approx([0.4])


def test_kappa_is_one_minus_one_and_nought_where_it_should_be():
    yes_no = column(1, 0, 1, 0)
    assert cohen_kappa(yes_no, yes_no) == pytest.approx([1.0])
    assert cohen_kappa(yes_no, 1 - yes_no) == pytest.approx([-1.0])
    assert cohen_kappa(yes_no, column(1, 1, 0, 0)) == pytest.approx([0.0])


def test_kappa_counts_only_what_both_have_read():
    first, second = column(1, 0, 1, 0, M, 1), column(1, 0, 0, 0, 1, M)
    # the first four: observed 3/4, by chance 2/4·1/4 + 2/4·3/4 = 1/2
    assert cohen_kappa(first, second) == pytest.approx([0.5])


def test_alpha_of_krippendorffs_own_binary_example():
    meg, owen = column(0, 1, 0, 0, 0, 0, 0, 0, 1, 0), column(1, 1, 1, 0, 0, 1, 0, 0, 0, 0)
    # 4 of 10 texts unlike, 14 noughts and 6 ones among 20 votes: 1 - 19·4 / (14·6)
    assert krippendorff_alpha(np.stack([meg, owen])) == pytest.approx([1 - 19 * 4 / 84])


def test_alpha_with_three_annotators_and_gaps():
    votes = np.array([[1, 1, 0, 0, M], [1, 0, 0, M, 1], [1, 1, M, 0, M]])[:, :, None]
    # texts 1-4 are read by 3, 3, 2, 2; the fifth by one and so left out. Unlike: text 2 with 2·1/(3-1) = 1.
    # Ones 3+2+0+0 = 5, noughts 0+1+2+2 = 5, n = 10: 1 - 9·1 / 25
    assert krippendorff_alpha(votes) == pytest.approx([1 - 9 / 25])


def test_labels_are_measured_each_on_its_own():
    draw = np.random.default_rng(0)
    votes = draw.integers(-1, 2, size=(3, 40, 4))
    together = krippendorff_alpha(votes)
    alone = [krippendorff_alpha(votes[:, :, k : k + 1])[0] for k in range(4)]
    assert together == pytest.approx(alone)
    assert cohen_kappa(votes[0], votes[1])[::-1] == pytest.approx(cohen_kappa(votes[0][:, ::-1], votes[1][:, ::-1]))


def test_the_order_of_annotators_does_not_matter():
    votes = np.random.default_rng(1).integers(-1, 2, size=(3, 30, 2))
    assert krippendorff_alpha(votes) == pytest.approx(krippendorff_alpha(votes[::-1]))
    assert cohen_kappa(votes[0], votes[1]) == pytest.approx(cohen_kappa(votes[1], votes[0]))


@pytest.mark.parametrize(
    ("first", "second"),
    [(column(1, 1), column(1, 1)), (column(M, 1), column(1, M)), (np.zeros((0, 1)), np.zeros((0, 1)))],
)
def test_where_nothing_can_be_said_there_is_no_number(first, second):
    assert np.isnan(cohen_kappa(first, second)).all()
    assert np.isnan(krippendorff_alpha(np.stack([first, second]))).all()


def test_what_is_no_vote_is_refused():
    with pytest.raises(ValueError):
        krippendorff_alpha(np.full((2, 3, 1), 2))
    with pytest.raises(ValueError):
        krippendorff_alpha(np.zeros((2, 3)))
    with pytest.raises(ValueError):
        cohen_kappa(np.zeros((2, 3)), np.zeros((3, 3)))
