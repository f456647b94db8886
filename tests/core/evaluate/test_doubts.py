from __future__ import annotations

import numpy as np
import pytest

from core.evaluate.doubts import FORMS, LEAST, LEAST_SHARED, MOST_WRONG, blended, doubts, holds, judgeable, thresholds


def world(seed: int = 0, n: int = 1200, *, shares=(0.6, 0.3, 0.05), wrong: float = 0.05, skill: float = 2.0):
    """Texts with labels, a model that knows them roughly, and the labels as given, a few of them wrong."""
    rng = np.random.default_rng(seed)
    true = rng.random((n, len(shares))) < np.array(shares)
    probs = 1 / (1 + np.exp(-(skill * (2 * true - 1) + rng.normal(size=true.shape))))
    turned = rng.random(true.shape) < wrong
    return probs, true ^ turned, turned


def test_mistakes_of_both_kinds_come_first():
    probs, given, turned = world(wrong=0.03)
    found = doubts(probs, given, seed=0)
    first = slice(0, int(turned.sum()))
    hit = turned[found.text, found.label][first]
    assert hit.mean() > 0.75
    assert set(found.given[first][hit]) == {True, False}
    assert (np.diff(found.score) <= 0).all()
    assert ((found.score >= 0) & (found.score <= 1)).all()
    assert len(found) == given.size


def test_a_rare_label_is_not_drowned_by_common_ones():
    recall = []
    for seed in range(5):
        probs, given, turned = world(seed, n=3000, shares=(0.6, 0.5, 0.4, 0.02), wrong=0.0)
        rare = np.flatnonzero(given[:, 3])[:20], np.flatnonzero(~given[:, 3])[:20]
        for at in rare:
            turned[at, 3] = True
        common = np.random.default_rng(seed).random((3000, 3)) < 0.04
        turned[:, :3] = common
        given ^= turned
        found = doubts(probs, given, seed=seed)
        head = found.label[: given.size // 10][turned[found.text, found.label][: given.size // 10]]
        recall.append([np.sum(head == k) / turned[:, k].sum() for k in range(4)])
    by_label = np.mean(recall, axis=0)
    assert by_label[3] > 0.8 * by_label[:3].mean()


def test_the_score_is_a_probability_that_the_given_value_is_wrong():
    told, there = 0.0, 0
    for seed in range(10):
        probs, given, turned = world(seed, n=2000)
        found = doubts(probs, given, seed=seed)
        told += found.score.sum()
        there += turned.sum()
    assert 0.8 < told / there < 1.25


def test_the_probability_is_how_many_of_such_texts_have_the_label():
    probs, given, _ = world(1, n=4000, wrong=0.0)
    found = doubts(probs, given, seed=0)
    for low, high in ((0.0, 0.2), (0.2, 0.5), (0.5, 0.8), (0.8, 1.0)):
        at = (found.probability >= low) & (found.probability <= high)
        assert abs(found.given[at].mean() - found.probability[at].mean()) < 0.08


def test_how_often_a_label_is_wrong_each_way_is_found_again():
    rng = np.random.default_rng(3)
    true = rng.random((6000, 1)) < 0.4
    probs = 1 / (1 + np.exp(-(2.5 * (2 * true - 1) + rng.normal(size=true.shape))))
    given = np.where(true, rng.random(true.shape) >= 0.15, rng.random(true.shape) < 0.02)
    seen, extra, missing = holds(probs, given)
    assert abs(extra[0] - 0.02) < 0.02
    assert abs(missing[0] - 0.15) < 0.04
    assert np.corrcoef(seen[:, 0], probs[:, 0])[0, 1] > 0.9
    assert 0 < extra[0] < MOST_WRONG


def test_a_label_all_of_one_value_or_with_too_few_examples_gives_none():
    probs, given, _ = world(shares=(0.5, 0.5, 0.5))
    given[:, 0], given[:, 1] = True, False
    probs[:, 2] = np.linspace(1, 0, len(probs))
    given[:, 2] = np.arange(len(probs)) < LEAST - 1
    found = doubts(probs, given, seed=0)
    assert (len(found), found.judged.tolist()) == (0, [False, False, False])
    given[LEAST - 1, 2] = True
    assert set(doubts(probs, given, seed=0).label.tolist()) == {2}


def test_a_model_that_knows_nothing_of_a_label_says_nothing_of_it():
    probs, given, _ = world(shares=(0.4, 0.05))
    probs[:, 1] = np.random.default_rng(1).random(len(probs))
    assert judgeable(probs, given).tolist() == [True, False]
    probs[:, 1] = 0.5
    assert judgeable(probs, given).tolist() == [True, False]
    backwards = probs.copy()
    backwards[:, 0] = 1 - probs[:, 0]
    assert not judgeable(backwards, given).any()


def test_thresholds_are_the_mean_confidence_of_each_class():
    probs = np.array([[0.9, 0.2], [0.7, 0.4], [0.1, 0.6]])
    given = np.array([[1, 0], [1, 0], [0, 0]], dtype=bool)
    np.testing.assert_allclose(thresholds(probs, given), [[0.9, 0.6], [0.8, 1.0]])


def test_a_second_model_moves_what_it_has_answered_for_and_nothing_else():
    probs, given, _ = world()
    at = np.arange(100, 300)
    better = np.where(given[at], 0.97, 0.02)
    both = blended(probs, [(at, better)])
    rest = np.setdiff1d(np.arange(len(probs)), at)
    np.testing.assert_allclose(both[rest], probs[rest])
    sure = np.abs(both[at] - 0.5) > np.abs(probs[at] - 0.5)
    unsure = (probs[at] > 0.5) != given[at]
    assert not np.allclose(both[at], probs[at])
    assert np.mean(np.where(given[at], both[at], 1 - both[at])[unsure]) > np.mean(
        np.where(given[at], probs[at], 1 - probs[at])[unsure]
    )
    assert sure.any()
    few = slice(0, LEAST_SHARED - 1)
    np.testing.assert_allclose(blended(probs, [(at[few], better[few])]), probs)
    np.testing.assert_allclose(blended(probs, [(at, np.full_like(better, 0.5))])[at], probs[at])  # it says nothing


@pytest.mark.parametrize("spoil", ["nan", "above", "shape", "label", "flat", "other", "other nan"])
def test_what_is_no_probability_or_no_label_is_refused(spoil: str):
    probs, given, _ = world()
    others: list = []
    given = given.astype(float)
    if spoil == "nan":
        probs[3, 1] = np.nan
    elif spoil == "above":
        probs[3, 1] = 1.01
    elif spoil == "shape":
        given = given[:-1]
    elif spoil == "label":
        given[0, 0] = 0.5
    elif spoil == "flat":
        probs, given = probs[:, 0], given[:, 0]
    elif spoil == "other":
        others = [(np.arange(60), probs[:61])]
    else:
        others = [(np.arange(60), np.full((60, probs.shape[1]), np.nan))]
    with pytest.raises(ValueError):
        doubts(probs, given, seed=0, others=others)


@pytest.mark.parametrize("form", FORMS)
def test_a_certain_model_and_no_mistake_at_all_break_nothing(form: str):
    given = np.tile([[True, False], [False, True]], (40, 1))
    found = doubts(given.astype(float), given, seed=0, form=form)
    assert np.isfinite(found.score).all()
    assert np.isfinite(found.probability).all()
    none = doubts(np.zeros((0, 2)), np.zeros((0, 2)), seed=0, form=form)
    assert len(none) == 0
