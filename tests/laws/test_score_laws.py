"""What every acquisition score must obey, stated once over the real functions."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from core.active.need import need
from core.active.order import added
from core.active.scores import relative, uncertainty
from core.active.select import contributions, rank


def pool(seed: int = 0, size: int = 60, labels: int = 5):
    draw = np.random.default_rng(seed)
    probs = draw.random((size, labels))
    thresholds = draw.uniform(0.2, 0.8, labels)
    positives = draw.integers(1, 200, labels)
    return probs, thresholds, positives


def positions(ranking):
    return [item.position for item in ranking]


def test_every_text_stands_in_the_ranking_exactly_once():
    probs, thresholds, positives = pool()
    for every in (None, 0, 1, 3, 10):
        ranking = rank(probs, thresholds, positives, rng=np.random.default_rng(1), explore_every=every)
        assert sorted(positions(ranking)) == list(range(len(probs)))


def test_scores_fall_along_the_ranking_but_for_the_random_places():
    ranking = rank(*pool(), rng=np.random.default_rng(1))
    chosen = [item.score for item in ranking if not item.random]
    assert chosen == sorted(chosen, reverse=True)
    assert [place for place, item in enumerate(ranking, start=1) if item.random] == [10, 20, 30, 40, 50, 60]


@pytest.mark.parametrize("seed", range(5))
def test_permuting_the_labels_permutes_the_reasons_and_keeps_the_order(seed):
    probs, thresholds, positives = pool(seed, labels=9)
    shuffle = np.random.default_rng(seed + 100).permutation(9)
    before = rank(probs, thresholds, positives, rng=np.random.default_rng(7))
    after = rank(probs[:, shuffle], thresholds[shuffle], positives[shuffle], rng=np.random.default_rng(7))
    assert positions(before) == positions(after)
    assert [item.label for item in before] == [int(shuffle[item.label]) for item in after]
    assert [item.score for item in before] == [item.score for item in after]


def test_the_same_seed_gives_the_same_ranking_and_another_seed_other_random_places():
    first = rank(*pool(), rng=np.random.default_rng(3))
    again = rank(*pool(), rng=np.random.default_rng(3))
    other = rank(*pool(), rng=np.random.default_rng(4))
    assert first == again
    assert positions(first) != positions(other)


def test_ties_fall_either_way_across_seeds():
    probs = np.full((2, 3), 0.4)
    firsts = {
        rank(probs, np.full(3, 0.5), np.array([5, 5, 5]), rng=np.random.default_rng(seed))[0].position
        for seed in range(20)
    }
    assert firsts == {0, 1}


def test_probabilities_under_the_threshold_are_not_thrown_away():
    probs = np.array([[0.01], [0.30], [0.39], [0.001]])  # all of them below
    ranking = rank(probs, [0.4], [3], rng=np.random.default_rng(0), explore_every=0)
    assert positions(ranking) == [2, 1, 0, 3]


def test_a_text_at_its_threshold_is_the_most_uncertain_whatever_the_threshold():
    grid = np.linspace(0, 1, 101)[:, None]
    for threshold in (0.02, 0.3, 0.5, 0.81, 0.97):
        doubt = uncertainty(grid, [threshold])[:, 0]
        assert doubt.argmax() == round(threshold * 100)
        assert doubt.max() == pytest.approx(1)
        assert (np.diff(doubt[: doubt.argmax()]) > 0).all()
        assert (np.diff(doubt[doubt.argmax() :]) < 0).all()


def test_moving_a_threshold_moves_the_head_of_the_queue():
    probs = np.array([[0.1], [0.3], [0.5], [0.7], [0.9]])
    heads = [
        rank(probs, [threshold], [5], rng=np.random.default_rng(0), explore_every=0)[0].position
        for threshold in (0.1, 0.3, 0.5, 0.7, 0.9)
    ]
    assert heads == [0, 1, 2, 3, 4]


def test_a_rarer_label_never_weighs_less():
    probs = np.array([[0.5, 0.05], [0.05, 0.5]])  # one text open in each label
    share = [contributions(probs, [0.5, 0.5], [n, 50])[0, 0] for n in (1, 5, 49, 50, 51, 500)]
    assert share == sorted(share, reverse=True)
    for n, first in ((5, 0), (500, 1)):
        assert rank(probs, [0.5, 0.5], [n, 50], rng=np.random.default_rng(0), explore_every=0)[0].position == first


def test_need_is_a_share_and_defined_without_one_positive():
    assert need([0, 0, 0]) == pytest.approx([1 / 3] * 3)
    assert need([0, 1, 9]) == pytest.approx(np.array([1, 0.5, 0.1]) / 1.6)
    assert need([]).shape == (0,)
    with pytest.raises(ValueError):
        need([-1])
    with pytest.raises(ValueError):
        need([np.nan])


def test_a_label_nobody_has_leaves_the_order_to_the_others_and_to_more_chance():
    probs = np.column_stack([[0.5, 0.1, 0.3], [0.9, 0.9, 0.1]])
    ranking = rank(probs, [0.5, 0.5], [4, 0], rng=np.random.default_rng(0), explore_every=0)
    assert positions(ranking) == [0, 2, 1]
    assert {item.label for item in ranking} == {0}
    longer = rank(*pool()[:2], [0, 3, 3, 3, 3], rng=np.random.default_rng(0))
    assert sum(item.random for item in longer) == 15  # every fourth of 60


def test_with_no_positive_at_all_the_order_is_random_and_still_has_reasons():
    probs, thresholds, _ = pool()
    orders = [positions(rank(probs, thresholds, np.zeros(5), rng=np.random.default_rng(seed))) for seed in range(2)]
    assert orders[0] != orders[1]
    item = rank(probs, thresholds, np.zeros(5), rng=np.random.default_rng(0))[0]
    assert item.score == 0
    assert abs(item.probability - item.threshold) == np.abs(probs[item.position] - thresholds).min()


@given(
    probs=hnp.arrays(np.float32, st.tuples(st.integers(0, 12), st.just(3)), elements=st.floats(0, 1, width=32)),
    thresholds=hnp.arrays(np.float64, 3, elements=st.floats(0, 1)),
    positives=hnp.arrays(np.int64, 3, elements=st.integers(0, 10_000)),
)
@settings(max_examples=150, deadline=None)
def test_no_input_makes_a_nan_or_leaves_the_unit_interval(probs, thresholds, positives):
    assert np.isfinite(relative(probs, thresholds)).all()
    scores = added(contributions(probs, thresholds, positives))
    assert ((scores >= 0) & (scores <= 1 + 1e-9)).all()
    ranking = rank(probs, thresholds, positives, rng=np.random.default_rng(0))
    assert sorted(positions(ranking)) == list(range(len(probs)))
    assert all(0 <= item.label < 3 and np.isfinite(item.score) for item in ranking)


@pytest.mark.parametrize(
    ("probs", "thresholds", "positives"),
    [
        (np.full((2, 3), np.nan), np.full(3, 0.5), [1, 1, 1]),
        (np.full((2, 3), 1.2), np.full(3, 0.5), [1, 1, 1]),
        (np.full((2, 3), 0.2), np.full(2, 0.5), [1, 1, 1]),
        (np.full((2, 3), 0.2), np.full(3, 0.5), [1, 1]),
        (np.full(3, 0.2), np.full(3, 0.5), [1, 1, 1]),
        (np.zeros((2, 0)), np.zeros(0), []),
    ],
)
def test_what_is_no_dense_probability_is_refused(probs, thresholds, positives):
    with pytest.raises(ValueError):
        rank(probs, thresholds, positives, rng=np.random.default_rng(0))


def test_fifty_thousand_texts_are_ranked_in_well_under_a_second():
    probs, thresholds, positives = pool(size=50_000, labels=9)
    start = time.perf_counter()
    ranking = rank(probs, thresholds, positives, rng=np.random.default_rng(0))
    assert len(ranking) == 50_000
    assert time.perf_counter() - start < 2.0  # measured: about 0.15 s; the slack is for a busy machine


def test_a_limit_cuts_the_same_ranking():
    full = rank(*pool(), rng=np.random.default_rng(3))
    assert rank(*pool(), rng=np.random.default_rng(3), limit=13) == full[:13]
    assert rank(np.zeros((0, 2)), [0.5, 0.5], [1, 1], rng=np.random.default_rng(0)) == []
