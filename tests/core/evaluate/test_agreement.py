from __future__ import annotations

import krippendorff
import numpy as np
import pytest

from core.evaluate.agreement import (
    MISSING,
    as_votes,
    cohen_kappa,
    jaccard_distance,
    krippendorff_alpha,
    masi_distance,
    mean_distance,
    set_alpha,
)

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


A, B, AB, ABC, BC, NONE = (frozenset(each) for each in ("a", "b", "ab", "abc", "bc", ""))


@pytest.mark.parametrize(
    ("first", "second", "jaccard", "masi"),
    [
        (A, A, 0, 0),
        (NONE, NONE, 0, 0),
        (A, B, 1, 1),
        (A, NONE, 1, 1),
        (A, AB, 1 / 2, 1 - 1 / 2 * 2 / 3),  # one holds the other
        (AB, BC, 2 / 3, 1 - 1 / 3 * 1 / 3),  # each has its own
        (ABC, BC, 1 / 3, 1 - 2 / 3 * 2 / 3),
    ],
)
def test_the_distance_of_two_label_sets_by_hand(first, second, jaccard, masi):
    assert jaccard_distance(first, second) == jaccard_distance(second, first) == pytest.approx(jaccard)
    assert masi_distance(first, second) == masi_distance(second, first) == pytest.approx(masi)


def test_the_mean_distance_is_over_pairs():
    assert mean_distance([A, A, B]) == pytest.approx(2 / 3)
    assert mean_distance([A]) == mean_distance([]) == 0


def test_alpha_of_label_sets_by_hand():
    # Two readers each. Jaccard: texts are 0, 1/2 and 0 apart, so observed is (2·0 + 2·1/2 + 2·0) / 6 = 1/6.
    # The sets are a, a, a, ab, b, b: unlike ordered pairs a-ab 2·3·1·1/2 = 3, a-b 2·3·2·1 = 12, ab-b 2·2·1/2 = 2,
    # in all 17 of 6·5 = 30; alpha = 1 - (1/6) / (17/30) = 1 - 5/17
    texts = [[A, A], [A, AB], [B, B], [ABC]]
    assert set_alpha(texts, jaccard_distance) == pytest.approx(1 - 5 / 17)


def test_alpha_of_label_sets_says_nothing_where_nothing_can_be_said():
    assert np.isnan(set_alpha([]))
    assert np.isnan(set_alpha([[A], [B]]))
    assert np.isnan(set_alpha([[A, A], [A, A, A]]))
    assert set_alpha([[A, A], [B, B]]) == 1


def test_votes_are_laid_out_by_person_text_and_label():
    votes = as_votes([[("ann", AB)], [("bob", NONE), ("ann", B)]], ["ann", "bob"], ["a", "b"])
    assert votes.tolist() == [[[1, 1], [0, 1]], [[M, M], [0, 0]]]


@pytest.mark.parametrize("seed", range(5))
def test_both_alphas_are_those_of_the_package_that_the_field_uses(seed):
    draw = np.random.default_rng(seed)
    votes = draw.integers(-1, 2, size=(4, 60, 3))
    theirs = [
        krippendorff.alpha(
            reliability_data=np.where(votes[:, :, k] == M, np.nan, votes[:, :, k]), level_of_measurement="nominal"
        )
        for k in range(3)
    ]
    assert krippendorff_alpha(votes) == pytest.approx(theirs)
    sets = [A, B, AB, ABC, BC]
    drawn = draw.integers(-1, len(sets), size=(3, 40))

    def metric(v1, v2, i1, i2, n_v, dtype=np.float64):
        return np.vectorize(lambda a, b: masi_distance(sets[int(a)], sets[int(b)]), otypes=[float])(v1, v2)

    package = krippendorff.alpha(
        reliability_data=np.where(drawn == M, np.nan, drawn), level_of_measurement=metric,
        value_domain=list(range(len(sets))),
    )  # fmt: skip
    ours = set_alpha([[sets[each] for each in column if each != M] for column in drawn.T])
    assert ours == pytest.approx(package)
