"""A label's machine: one-vs-rest where it sees all texts; and who is asked where it does not."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.svm import LinearSVC

from core.errors import LabelWithoutPositives
from core.evaluate.ranking import precision_at, top
from core.xmc import recursive
from core.xmc.labels import pifa
from core.xmc.ranker import Ranked, fit, instances
from core.xmc.tree import flat, grown
from tests.core.xmc.made import world


def one_vs_rest(rows: sp.csr_matrix, y: sp.csr_matrix, asked: sp.csr_matrix) -> np.ndarray:
    wide, out = rows.astype(np.float64), []
    for k in range(y.shape[1]):
        machine = LinearSVC(C=1.0, dual=True, max_iter=10_000, random_state=0).fit(wide, y[:, [k]].toarray().ravel())
        out.append(machine.decision_function(asked))
    return np.stack(out, axis=1)


def test_with_all_instances_the_ranker_is_one_vs_rest_exactly_whatever_the_tree() -> None:
    rows, y = world()
    asked, _ = world(seed=1)
    alone = one_vs_rest(rows, y, asked)
    for tree in (flat(32), grown(pifa(rows, y), 3, seed=0)):
        everywhere = sp.csr_matrix(np.ones((rows.shape[0], tree.clusters)))
        exact = fit(rows, y, tree, everywhere, pruned=0)
        assert np.abs(exact.margins(asked) - alone).max() < 1e-5
        assert np.array_equal(exact.ranked(asked, None, 5).labels, top(exact.margins(asked), 5))
        pruned = fit(rows, y, tree, everywhere)
        assert pruned.numbers < exact.numbers
        assert np.abs(pruned.margins(asked) - alone).max() < 0.05


def test_a_cluster_is_taught_by_its_own_texts_and_those_it_is_sent() -> None:
    rows, y = world()
    tree = grown(pifa(rows, y), 2, seed=0)
    own = instances(y, tree)
    for c, labels in enumerate(tree.members()):
        assert np.array_equal(own[:, [c]].toarray().ravel() > 0, y[:, labels].toarray().any(axis=1))
    sent = sp.csr_matrix((np.zeros(1), ([0], [3])), shape=own.shape)  # a score of 0 is a candidate too
    both = instances(y, tree, sent)
    assert both[0, 3] == 1
    assert both.nnz - own.nnz == (own[0, 3] == 0)
    taught = fit(rows, y, tree, own, pruned=0)
    at = np.flatnonzero(own[:, [0]].toarray())
    expected = one_vs_rest(rows[at], y[at][:, tree.members()[0]], rows)
    assert np.abs(taught.margins(rows)[:, tree.members()[0]] - expected).max() < 1e-5


def test_only_candidates_are_ranked() -> None:
    rows, y = world()
    tree = grown(pifa(rows, y), 3, seed=0)
    ranker = fit(rows, y, tree, instances(y, tree))
    candidates = sp.csr_matrix((np.zeros(len(y.toarray())), (np.arange(300), np.arange(300) % 8)), shape=(300, 8))
    found = ranker.ranked(rows, candidates, 6)
    assert (found.labels[:, 4:] == -1).all()
    assert np.isneginf(found.scores[:, 4:]).all()
    assert (tree.cluster[found.labels[:, :4]] == np.arange(300)[:, None] % 8).all()
    margins = np.take_along_axis(ranker.margins(rows), found.labels[:, :4], axis=1)
    assert found.scores[:, :4] == pytest.approx(margins, abs=1e-6)
    assert (np.diff(found.scores[:, :4], axis=1) <= 0).all()
    for n in range(40):
        one = ranker.ranked(rows[n : n + 1], candidates[n : n + 1], 6)
        assert one.scores[0, :4] == pytest.approx(found.scores[n, :4], abs=1e-6)
        assert set(one.labels[0]) == set(found.labels[n])


def test_a_label_that_all_its_texts_carry_has_the_margin_one() -> None:
    rows = sp.csr_matrix(np.eye(4, dtype=np.float32))
    y = sp.csr_matrix(np.array([[1, 0], [1, 1], [1, 0], [1, 1]]))
    margins = fit(rows, y, flat(2)).margins(rows)
    assert (margins[:, 0] == 1).all()
    assert (margins[[1, 3], 1] > margins[[0, 2], 1]).all()


def test_texts_without_a_known_word_and_no_texts_are_answered() -> None:
    rows, y = world()
    ranker = fit(rows, y, flat(32))
    silent = ranker.ranked(sp.csr_matrix((1, rows.shape[1]), dtype=np.float32), None, 3)
    assert np.isfinite(silent.scores).all()
    assert ranker.ranked(rows[:0], None, 3).labels.shape == (0, 3)


def test_what_cannot_be_learned_is_refused() -> None:
    rows, y = world()
    lacking = y.tolil()
    lacking[:, 5] = 0
    with pytest.raises(LabelWithoutPositives):
        fit(rows, lacking.tocsr(), flat(32))
    with pytest.raises(ValueError, match="tree of 31"):
        fit(rows, y, flat(31))


def test_the_way_down_finds_what_one_vs_rest_finds() -> None:
    rows, y = world(texts=600)
    asked, truth = world(texts=300, seed=1)
    flat_p = precision_at(fit(rows, y, flat(32)).ranked(asked, None, 3).labels, truth, 1)
    tree = grown(pifa(rows, y), 4, seed=0)
    found = recursive.fit(rows, y, tree, beam=4)
    assert len(found.levels) == 2
    assert precision_at(found.ranked(asked, 3, beam=4).labels, truth, 1) > flat_p - 0.05
    assert precision_at(found.ranked(asked, 3, beam=4, alone=True).labels, truth, 1) > flat_p - 0.05
    chance = precision_at(np.tile(np.arange(3), (300, 1)), truth, 1)
    assert flat_p > chance + 0.2


def test_a_path_is_the_product_of_its_steps() -> None:
    rows, y = world()
    tree = grown(pifa(rows, y), 3, seed=0)
    found = recursive.fit(rows, y, tree, beam=8)
    first, last = (level.margins(rows).astype(float) for level in found.levels)
    path = -(np.maximum(0, 1 - first[:, tree.cluster]) ** 3) - np.maximum(0, 1 - last) ** 3
    answer = found.ranked(rows, 5, beam=8)
    assert answer.scores == pytest.approx(np.take_along_axis(path, top(path, 5), axis=1), abs=1e-4)
    assert np.exp(answer.scores).max() <= 1
    narrow = found.clusters(rows, beam=2)
    assert narrow is not None
    assert (np.diff(narrow.indptr) == 2).all()


def test_without_depth_the_way_down_is_one_vs_rest() -> None:
    rows, y = world()
    found = recursive.fit(rows, y, flat(32))
    assert found.clusters(rows) is None
    alone = found.ranked(rows, 4, alone=True)
    assert np.array_equal(alone.labels, fit(rows, y, flat(32)).ranked(rows, None, 4).labels)


def test_a_list_is_a_row_with_its_zeros() -> None:
    row = recursive.sparse(Ranked(np.array([[2, 0, -1]]), np.array([[0.0, -1.0, -np.inf]])), 4)
    assert row.nnz == 2
    assert row.toarray().tolist() == [[-1, 0, 0, 0]]
