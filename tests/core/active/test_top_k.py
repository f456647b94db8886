"""Acquisition on lists of likely labels: where nothing is left out, it is what the strategies on all labels choose."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from core.active import long_tail, queue, top_k
from core.active.candidates import Candidates
from core.active.registry import STRATEGIES
from core.active.top_k import TopCandidates

SERVED = ("long_tail", "chance", "mean_entropy", "threshold_entropy", "max_entropy", "tail_uncertainty")


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def both(texts: int = 60, labels: int = 7, *, words: bool = False) -> tuple[Candidates, TopCandidates]:
    """The same state twice, with every probability stored."""
    draw = rng(1)
    probs = draw.beta(0.5, 1, (texts, labels)).clip(1e-3, 1 - 1e-3)
    y = (draw.random((40, labels)) < np.linspace(0.6, 0.05, labels)).astype(np.int8)
    y[:, -1] = 0
    y[0, :-1] = 1
    cuts, said = draw.uniform(0.2, 0.8, labels), draw.random((texts, labels)) if words else None
    rows = draw.normal(size=(texts, 5))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    given = {"thresholds": cuts, "embeddings": rows}
    dense = Candidates(probs=probs, labelled_y=y, words=said, **given)
    wide = TopCandidates(
        probs=sp.csr_matrix(probs),
        positives=dense.positives,
        words=None if said is None else sp.csr_matrix(said),
        **given,
    )
    return dense, wide


@pytest.mark.parametrize("words", [False, True])
def test_where_nothing_is_left_out_it_is_the_same_choice(words: bool) -> None:
    dense, wide = both(words=words)
    assert top_k.benefit(wide).toarray() == pytest.approx(long_tail.benefit(dense))
    assert wide.shares == pytest.approx(long_tail.shares(dense))
    assert top_k.choose(wide, 25, rng()).tolist() == long_tail.choose(dense, 25, rng()).tolist()


@pytest.mark.parametrize("name", ["long_tail", "mean_entropy", "threshold_entropy", "max_entropy", "tail_uncertainty"])
def test_a_queue_is_that_of_all_labels(name: str) -> None:
    dense, wide = both()
    expected = queue.ranked(name, dense, rng(), limit=20)
    found = top_k.ranked(name, wide, rng(), limit=20)
    assert [each.position for each in found] == [each.position for each in expected]
    assert [each.label for each in found] == [each.label for each in expected]
    assert [each.probability for each in found] == pytest.approx([each.probability for each in expected])


def test_every_served_strategy_is_known_and_the_others_fall_back() -> None:
    assert {name for name in queue.offered() if top_k.serves(name)} == set(SERVED)
    _, wide = both()
    for name in STRATEGIES:
        if not top_k.serves(name):
            assert top_k.ranked(name, wide, rng(), limit=9) == top_k.ranked(queue.FALLBACK, wide, rng(), limit=9)


def lists(texts: int = 500, labels: int = 400, kept: int = 8) -> TopCandidates:
    draw = rng(3)
    at = np.argsort(draw.random((texts, labels)), axis=1)[:, :kept]
    p = draw.beta(0.5, 1, (texts, kept))
    probs = sp.csr_matrix((p.ravel(), at.ravel(), np.arange(0, texts * kept + 1, kept)), shape=(texts, labels))
    return TopCandidates(
        probs=probs, thresholds=np.full(labels, 0.4), positives=draw.integers(0, 9, labels),
        need=draw.random(labels),
    )  # fmt: skip


@pytest.mark.parametrize("name", SERVED)
def test_a_queue_names_each_text_once_and_a_label_that_the_text_has(name: str) -> None:
    state = lists()
    found = top_k.ranked(name, state, rng(), limit=200, explore_share=0.2)
    assert len({each.position for each in found}) == len(found) == 200
    assert all(state.probs[each.position, each.label] == each.probability for each in found)
    assert all(np.isfinite(each.score) for each in found)
    assert found == top_k.ranked(name, state, rng(), limit=200, explore_share=0.2)
    assert found != top_k.ranked(name, state, rng(1), limit=200, explore_share=0.2)


def test_a_longer_queue_begins_with_the_shorter_one_and_takes_all_in_the_end() -> None:
    state = lists()
    short, long = (top_k.choose(state, size, rng()).tolist() for size in (50, 500))
    assert long[:50] == short
    assert sorted(long) == list(range(500))


def test_texts_without_a_label_come_last_and_an_empty_pool_is_an_empty_queue() -> None:
    probs = sp.csr_matrix(np.array([[0, 0], [0.5, 0], [0, 0.4]]))
    state = TopCandidates(probs=probs, thresholds=np.array([0.5, 0.5]), positives=np.array([3, 3]))
    assert top_k.choose(state, 3, rng()).tolist()[2] == 0
    none = TopCandidates(probs=probs[:0], thresholds=state.thresholds, positives=state.positives)
    assert top_k.ranked("long_tail", none, rng(), limit=5) == []


def test_labels_take_turns_by_need() -> None:
    """A label with nine tenths of the need takes nine of ten texts as long as it has some."""
    texts = 40
    probs = sp.csr_matrix(np.repeat(np.eye(2), texts, axis=0) * 0.5)
    state = TopCandidates(
        probs=probs, thresholds=np.full(2, 0.5), positives=np.array([9, 9]), need=np.array([0.9, 0.1])
    )  # fmt: skip
    chosen = top_k.choose(state, 20, rng())
    assert (chosen < texts).sum() == 18


@pytest.mark.parametrize(
    "wrong",
    [
        {"thresholds": np.full(3, 0.5)},
        {"positives": np.zeros(4, dtype=int)},
        {"probs": sp.csr_matrix(np.full((2, 2), 1.5))},
        {"embeddings": np.zeros((5, 2))},
        {"words": sp.csr_matrix((2, 5))},
    ],
)
def test_what_does_not_fit_is_refused(wrong: dict) -> None:
    given = {"probs": sp.csr_matrix((2, 2)), "thresholds": np.full(2, 0.5), "positives": np.zeros(2, dtype=int)}
    with pytest.raises(ValueError, match=r"shape|lie in|embeddings"):
        TopCandidates(**{**given, **wrong})
