"""Each family of strategies on a pool that is small enough to reckon by hand."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from core.active import adaptive, badge, balanced, committee, cvirs, direct, k_centre, mmc
from core.active.candidates import Candidates
from core.errors import StrategyNeeds

QUARTER = 0.8112781244591328  # H(1/4) in bits
APART = 1 - QUARTER  # what 1/4 and 3/4 are apart: H(1/2) - H(1/4)


def state(probs, labelled_y, thresholds=None, **more):
    halves = np.full(np.shape(probs)[1], 0.5)
    return Candidates(
        probs=probs, thresholds=halves if thresholds is None else thresholds, labelled_y=labelled_y, **more
    )


def rng(seed=0):
    return np.random.default_rng(seed)


def test_mmc_by_hand():
    one_each = {"labelled_y": [[1, 0], [0, 1]], "labelled_probs": [[0.9, 0.1], [0.2, 0.7]]}
    got = mmc.score(state([[0.8, 0.3], [0.4, 0.3], [1.0, 0.0]], **one_each))
    assert got == pytest.approx([0.2 + 0.3, 0.6 + 0.3, 0])
    two_each = {"labelled_y": [[1, 1], [1, 1]], "labelled_probs": [[0.9, 0.1], [0.2, 0.7]]}
    assert mmc.score(state([[0.8, 0.3]], **two_each)) == pytest.approx([0.2 + 0.7])


def test_mmc_learns_the_number_of_labels_from_the_shape_of_the_probabilities():
    steep, flat = [[0.9, 0.05, 0.02]] * 30, [[0.6, 0.55, 0.5]] * 30
    numbers = mmc.expected_numbers(
        np.array(steep + flat), np.repeat([1, 3], 30), np.array([[0.0, 0.01, 0.3], [0.2] * 3])
    )
    assert numbers.tolist() == [1, 3]
    nothing = mmc.expected_numbers(np.zeros((0, 3)), np.zeros(0, dtype=np.int64), np.array([[0.9, 0.8, 0.1]]))
    assert nothing.tolist() == [2]


def test_adaptive_by_hand():
    c = state([[0.9, 0.6, 0.2], [0.1, 0.2, 0.3], [0.9, 0.9, 0.8]], [[1, 1, 0], [1, 0, 0]])
    by_hand = [np.sqrt(0.5 / (0.2 + 0.6)), np.sqrt(1.5 / (1 + 0.4)), np.sqrt(1.5 / (0.6 + 1))]
    assert adaptive.score(c) == pytest.approx(by_hand)
    assert adaptive.score(c, beta=1.0) == pytest.approx([1 / 0.8, 1 / 1.4, 1 / 1.6])
    assert adaptive.score(c, beta=0.0) == pytest.approx([0.5, 1.5, 1.5])


def test_cvirs_distances_by_hand():
    sets = np.array([[1, 1, 0, 0]], dtype=np.int8)
    others = np.array([[1, 1, 0, 0], [1, 0, 1, 0], [1, 0, 0, 0], [0, 0, 1, 1]], dtype=np.int8)
    # joint entropies 1, 2, 1.5 bits; the last differs in every position
    assert cvirs.distances(sets, others)[0] == pytest.approx([0, 1, (3 - 1 - QUARTER) / 1.5, 1])
    nothing, all_of_them = np.zeros((1, 3), dtype=np.int8), np.ones((1, 3), dtype=np.int8)
    assert cvirs.distances(nothing, nothing) == pytest.approx(0)
    assert cvirs.distances(nothing, all_of_them) == pytest.approx(1)


def test_cvirs_ranks_by_the_narrowest_margin_and_multiplies():
    assert cvirs.ranking(np.array([[0.5], [0.9], [0.6]])) == pytest.approx([1, 0, 0.5])
    assert cvirs.ranking(np.array([[0.4], [0.6], [1.0]])) == pytest.approx([0.75, 0.75, 0])  # a tie shares its rank
    c = state([[0.6, 0.9, 0.2, 0.1]] + [[0.0] * 4] * 2, [[1, 1, 0, 0], [1, 0, 1, 0]])
    assert cvirs.score(c)[0] == pytest.approx((0 + 1) / 2 * 1)
    assert cvirs.inconsistency(np.zeros((2, 3), dtype=np.int8), np.zeros((0, 3), dtype=np.int8)).tolist() == [1, 1]


def test_bald_by_hand():
    members = [[[0.0, 0.5], [0.25, 0.3]], [[1.0, 0.5], [0.75, 0.3]]]  # (2 members, 2 texts, 2 labels)
    c = state(np.full((2, 2), 0.5), [[1, 0]], committee=members)
    assert committee.bald(c) == pytest.approx([1 / 2, APART / 2])
    with pytest.raises(StrategyNeeds):
        committee.bald(state([[0.5]], [[1]], committee=[[[0.5]]]))


def test_teacher_and_student_disagree_as_seen_from_the_threshold():
    probs, teacher = [[0.0, 0.75], [0.5, 0.5]], [[1.0, 0.25], [0.5, 0.5]]
    assert committee.disagreement(state(probs, [[1, 0]], teacher=teacher)) == pytest.approx([(1 + APART) / 2, 0])
    # at a threshold of 0.1 (odds 1:9), odds of 1:27 and 1:3 are 1:3 and 3:1
    c = state([[0.25]], [[1]], thresholds=[0.1], teacher=[[1 / 28]])
    assert committee.disagreement(c) == pytest.approx([APART])


def test_balanced_by_hand():
    c = state([[0.5, 0.5], [0.25, 0.0]], [[1, 0], [1, 0]])  # weights 1/3 : 1
    assert balanced.score(c) == pytest.approx([0.25 * 0.5 + 0.75 * 0.5, 0.25 * 0.25 * QUARTER])


@pytest.mark.parametrize(
    ("probs", "y", "cut"),
    [
        ([0.6, 0.9, 0.4, 0.8], [0, 1, 0, 1], 0.7),
        ([0.9, 0.8, 0.7, 0.6, 0.2], [1, 0, 1, 1, 0], 0.4),  # one wrong label does not move it
        ([0.9, 0.8], [0, 0], np.inf),
        ([0.9, 0.3], [1, 1], 0.3),
        ([0.5, 0.5], [1, 0], np.inf),  # no cut goes between equals
        ([], [], np.inf),
    ],
)
def test_direct_finds_the_cut_by_hand(probs, y, cut):
    assert direct.separation(np.array(probs), np.array(y, dtype=np.int8)) == pytest.approx(cut)


def test_direct_goes_outwards_from_the_cut_above_and_below_in_turn():
    c = state(
        [[0.95], [0.75], [0.65], [0.1], [0.8], [0.6]],
        [[1], [1], [0], [0]],
        labelled_probs=[[0.9], [0.8], [0.6], [0.4]],
    )
    assert direct.choose(c, 6, rng()).tolist() == [1, 2, 4, 5, 0, 3]


def test_direct_gives_the_rarer_label_more_of_the_batch():
    y = np.zeros((20, 2), dtype=np.int8)
    y[:1, 0], y[:9, 1] = 1, 1  # shares 1/2 and 1/10
    near, far = np.linspace(0.45, 0.55, 10), np.linspace(0.0, 0.01, 10)
    probs = np.column_stack([np.concatenate([near, far]), np.concatenate([far, near])])
    c = state(probs, y, labelled_probs=np.where(y, 0.9, 0.1))
    chosen = direct.choose(c, 6, rng())
    assert [(chosen < 10).sum(), (chosen >= 10).sum()] == [5, 1]


def test_badge_measures_gradients_that_it_never_makes():
    draw = rng(4)
    probs, rows = draw.random((30, 3)), draw.standard_normal((30, 4))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    gradients = np.einsum("pk,pd->pkd", probs - (probs > 0.5), rows).reshape(30, 12)
    twin = rng(9)
    twin.random(30)  # for ties of the first
    chosen = [int((gradients**2).sum(axis=1).argmax())]
    while len(chosen) < 8:
        squared = ((gradients[:, None] - gradients[chosen]) ** 2).sum(axis=2).min(axis=1)
        waits = -np.log1p(-twin.random(30))
        squared[chosen] = 0
        chosen.append(int(np.where(squared > 0, waits / np.maximum(squared, 1e-300), np.inf).argmin()))
    for given in (rows, sp.csr_matrix(rows)):
        assert badge.choose(state(probs, [[1, 0, 0]], embeddings=given), 8, rng(9)).tolist() == chosen


def test_badge_draws_in_proportion_to_squared_distance():
    # gradients 0.5 e1, 0.1 e1, 0.3 e2: squared distances from the first 0.16 and 0.34
    c = state([[0.5], [0.1], [0.3]], [[1]], embeddings=np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]))
    second = [badge.choose(c, 2, rng(seed)).tolist() for seed in range(600)]
    assert {first for first, _ in second} == {0}
    assert np.mean([each == 2 for _, each in second]) == pytest.approx(0.34 / 0.5, abs=0.06)


def test_k_centre_by_hand():
    rows = np.array([[1.0, 0.0], [0.8, 0.6], [0.0, 1.0], [-1.0, 0.0]])
    c = state(np.full((4, 1), 0.5), [[1]], embeddings=rows, labelled_embeddings=rows[:1])
    assert k_centre.choose(c, 4, rng()).tolist() == [3, 2, 1, 0]
    alone = state(np.full((3, 1), 0.5), [[1]], embeddings=rows[:3])  # the second lies nearest to the mean
    assert k_centre.choose(alone, 3, rng()).tolist() == [1, 2, 0]
