"""What labels look like, and how they are halved."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from core.errors import LabelWithoutPositives, TooManyClusters
from core.messages import sentence
from core.xmc.labels import all_seen, as_labels, joined, pifa
from core.xmc.tree import Tree, depth_of, flat, grown
from tests.core.xmc.made import world


def test_pifa_by_hand() -> None:
    texts = np.array([[1.0, 0.0], [0.0, 1.0], [0.6, 0.8]])
    y = sp.csr_matrix(np.array([[1, 0], [1, 1], [0, 0]]))
    first = np.array([1.0, 1 / np.sqrt(2)])  # the second text has two labels and counts 1/√2 for each
    expected = np.array([first / np.linalg.norm(first), [0.0, 1.0]])
    assert pifa(texts, y) == pytest.approx(expected)
    assert pifa(sp.csr_matrix(texts), y).toarray() == pytest.approx(expected)


def test_a_label_that_no_text_carries_is_zeros_and_named_where_it_cannot_be() -> None:
    y = sp.csr_matrix(np.array([[1, 0], [1, 0]]))
    assert not pifa(np.eye(2), y)[1].any()
    with pytest.raises(LabelWithoutPositives) as caught:
        all_seen(y, ("flu", "cold"))
    assert "cold" in sentence(caught.value, "en")


def test_labels_are_zeros_and_ones_whatever_is_stored() -> None:
    kept = as_labels(sp.csr_matrix((np.array([2.0, 0.0]), np.array([0, 1]), np.array([0, 2])), shape=(1, 2)), 1)
    assert kept.data.tolist() == [1]
    with pytest.raises(ValueError, match="shape"):
        as_labels(np.zeros((2, 3)), 3)


def test_joined_parts_weigh_alike() -> None:
    rows = joined(sp.csr_matrix([[3.0, 4.0]]), np.array([[10.0, 0.0]]))
    assert rows.toarray() == pytest.approx(np.array([[0.6, 0.8, 1.0, 0.0]]) / np.sqrt(2))


@pytest.mark.parametrize(("labels", "depth"), [(90, 1), (100, 2), (3_956, 6), (30_938, 9), (13_330, 8), (501_070, 13)])
def test_the_depth_rule_gives_the_published_numbers(labels: int, depth: int) -> None:
    assert depth_of(labels) == depth


@pytest.mark.parametrize("labels", [8, 9, 23, 100])
def test_clusters_differ_by_one_at_most_and_hold_each_label_once(labels: int) -> None:
    features = np.random.default_rng(1).normal(size=(labels, 6))
    tree = grown(features, 3, seed=0)
    sizes = [len(part) for part in tree.members()]
    assert len(sizes) == 8
    assert max(sizes) - min(sizes) <= 1
    assert np.array_equal(np.sort(np.concatenate(tree.members())), np.arange(labels))


def test_labels_that_share_words_come_together() -> None:
    rows, y = world(texts=400)
    features = pifa(rows, y).toarray()
    alike = features @ features.T

    def within(cluster: np.ndarray) -> float:
        same = cluster[:, None] == cluster
        return float(alike[same & ~np.eye(32, dtype=bool)].mean())

    grouped = grown(features, 3, seed=0).cluster
    chance = [within(np.random.default_rng(seed).permutation(grouped)) for seed in range(50)]
    assert within(grouped) > max(chance)


def test_the_same_seed_gives_the_same_tree_sparse_or_dense() -> None:
    rows, y = world()
    features = pifa(rows, y)
    first = grown(features, 3, seed=5).cluster
    assert np.array_equal(first, grown(features, 3, seed=5).cluster)
    assert np.array_equal(first, grown(features.toarray().astype(np.float64), 3, seed=5).cluster)
    assert any(not np.array_equal(first, grown(features, 3, seed=seed).cluster) for seed in range(6, 10))


def test_a_shallower_tree_is_the_deeper_one_without_its_last_bits() -> None:
    features = np.random.default_rng(0).normal(size=(40, 5))
    deep = grown(features, 4, seed=2)
    assert np.array_equal(deep.cut(2).cluster, grown(features, 2, seed=2).cluster)
    assert deep.cut(9).depth == 4
    assert np.array_equal(deep.indicator.toarray().argmax(axis=1), deep.cluster)


def test_halves_are_at_rest() -> None:
    """After the last turn each half's labels are nearer to its own centre than those of the other half."""
    features = np.random.default_rng(3).normal(size=(30, 4))
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    right = grown(features, 1, seed=0).cluster == 1
    centres = [features[part].sum(axis=0) for part in (~right, right)]
    nearer = features @ (centres[1] / np.linalg.norm(centres[1]) - centres[0] / np.linalg.norm(centres[0]))
    assert nearer[right].min() >= nearer[~right].max()


@pytest.mark.parametrize(("labels", "depth"), [(1, None), (1, 1), (7, 3), (5, -1)])
def test_more_clusters_than_labels_are_refused(labels: int, depth: int | None) -> None:
    with pytest.raises(TooManyClusters) as caught:
        grown(np.eye(labels), depth, seed=0)
    assert str(labels) in sentence(caught.value, "en")


def test_equal_labels_are_halved_too() -> None:
    assert np.bincount(grown(np.zeros((8, 3)), 2, seed=0).cluster).tolist() == [2, 2, 2, 2]
    assert isinstance(flat(3), Tree)
    assert flat(3).clusters == 1
