"""Pairs of text and label: which there are, what is said of each, and one stack that learns from all of them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from core.distill.candidates import STEEP, Evidence, implied, pairs
from core.distill.shared_stack import answered
from core.text.mentions import FIGURES


def evidence(scores: np.ndarray, **more) -> Evidence:
    return Evidence(
        scores={"one": scores, "two": 2 * scores}, ranked_by=("one",), known=np.full(scores.shape, 3.0), **more
    )


def column(found, name: str) -> np.ndarray:
    """Back to (N, K), 0 where there is no pair."""
    return found.spread(found.figures[:, found.names.index(name)])


def test_a_text_has_its_best_labels_and_those_it_names() -> None:
    scores = np.array([[0.9, 0.1, 0.5, -1.0], [-1.0, 0.2, 0.3, 0.4]])
    named = np.zeros((2, 4, len(FIGURES)))
    named[0, 3, FIGURES.index("by_name")] = 1
    named[1, 0, FIGURES.index("in_lead")] = 1  # a keyword that is no name proposes nothing
    found = pairs(evidence(scores, mentions=named), per_text=2)
    assert list(zip(found.text, found.label, strict=True)) == [(0, 0), (0, 2), (0, 3), (1, 2), (1, 3)]
    assert found.figures.shape == (5, len(found.names))
    assert column(found, "rank").tolist() == [[0, 0, 1, 3], [0, 0, 1, 0]]
    assert column(found, "labels named")[0, 0] == 1


def test_each_figure_is_what_its_name_says() -> None:
    scores = np.array([[0.9, 0.1, 0.5]])
    found = pairs(evidence(scores, texts={"length": np.array([7.0])}), per_text=3)
    assert column(found, "one")[0] == pytest.approx([0.9, 0.1, 0.5])
    assert column(found, "one over the others")[0] == pytest.approx([0.4, -0.8, -0.4])
    assert column(found, "two over the others")[0] == pytest.approx([0.8, -1.6, -0.8])
    assert column(found, "known")[0] == pytest.approx(np.log(4) * np.ones(3))
    assert [column(found, f"best {n}")[0, 0] for n in (1, 2, 3)] == pytest.approx([0.9, 0.5, 0.1])
    assert column(found, "expected labels")[0, 0] == pytest.approx(expit(STEEP * scores).sum())
    assert column(found, "length")[0, 0] == 7


def test_two_best_labels_of_one_score_do_not_lie_above_each_other() -> None:
    found = pairs(evidence(np.array([[0.5, 0.5, 0.1]])), per_text=3)
    assert column(found, "one over the others")[0] == pytest.approx([0, 0, -0.4])
    single = pairs(evidence(np.array([[0.3]])))
    assert column(single, "one over the others")[0] == pytest.approx([0.3])


def test_a_label_is_implied_by_those_it_goes_with() -> None:
    y = np.array([[1, 1, 0]] * 3 + [[0, 1, 0]] + [[0, 0, 1]] * 4)
    found = implied(np.array([[2.0, -2.0, -2.0]]), y)[0]
    likely = expit(STEEP * np.array([2.0, -2.0, -2.0]))
    given = np.array([[0, 3.5 / 5, 0.5 / 5], [3.5 / 6, 0, 0.5 / 6], [0.5 / 6, 0.5 / 6, 0]])  # (3 + .5) / (3 + 2), …
    assert found[:, 0] == pytest.approx(likely @ given, rel=1e-5)
    assert found[:, 1] == pytest.approx((likely[:, None] * given).max(axis=0), rel=1e-5)
    assert found[1, 0] > 4 * found[2, 0]


def world(texts: int = 600, labels: int = 12, seed: int = 0):
    """Two poor teachers whose faults differ: the first sees too much in long texts, the second in short ones."""
    draw = np.random.default_rng(seed)
    y = draw.random((texts, labels)) < np.linspace(0.3, 0.01, labels)
    long = draw.random(texts) < 0.5
    clear = np.where(y, 1.0, -1.0) + draw.normal(0, 0.6, y.shape)
    noise = draw.normal(0, 2.5, (2, texts, labels))
    scores = {"one": np.where(long[:, None], noise[0], clear), "two": np.where(long[:, None], clear, noise[1])}
    return scores, y, long.astype(np.float32)


def test_one_stack_learns_for_all_labels_whom_to_believe_when() -> None:
    scores, y, long = world()
    folds = np.arange(500) % 5
    told = Evidence(
        scores=scores, ranked_by=("one", "two"), known=np.tile(y.sum(axis=0), (600, 1)), texts={"long": long}
    )
    found = answered(pairs(told, per_text=12), y[:500], folds, seed=0)

    def error(predicted: np.ndarray) -> float:
        return float((predicted != y[500:]).mean())

    assert found.shape == (600, 12)
    assert error(found[500:] > 0.5) < 0.7 * min(error(each[500:] > 0) for each in scores.values())
    rare = y[500:, 6:]
    assert (found[500:, 6:][rare]).mean() > 3 * (found[500:, 6:][~rare]).mean()


def test_a_text_is_answered_by_trees_that_have_not_learned_from_it() -> None:
    scores, y, _ = world(texts=300)
    folds = np.arange(250) % 5
    found = pairs(Evidence(scores=scores, ranked_by=("one",), known=np.ones(y.shape)), per_text=6)
    first = answered(found, y[:250], folds, seed=0)
    turned = y[:250].copy()
    turned[folds == 2] = ~turned[folds == 2]
    other = answered(found, turned, folds, seed=0)
    assert (first[:250][folds == 2] == other[:250][folds == 2]).all()
    assert (first[250:] != other[250:]).any()
    assert (answered(found, y[:250], folds, seed=0, bags=2) != first).any()
    nobody = np.ones(y.shape, dtype=bool)
    nobody[found.text, found.label] = False
    assert (first[nobody] == 0).all()


def test_what_cannot_be_stacked_is_refused() -> None:
    scores, y, _ = world(texts=60)
    found = pairs(Evidence(scores=scores, ranked_by=("one",), known=np.ones(y.shape)))
    folds = np.arange(60) % 2
    with pytest.raises(ValueError, match="folds"):
        answered(found, y, np.zeros(60), seed=0)
    with pytest.raises(ValueError, match="shape"):
        answered(found, y[:, :3], folds, seed=0)
    with pytest.raises(ValueError, match="all right or all wrong"):
        answered(found, np.zeros(y.shape), folds, seed=0)
