"""Figures from lists of likely labels: the same as those of dense answers."""

from __future__ import annotations

from dataclasses import astuple

import numpy as np
import pytest
import scipy.sparse as sp

from core.evaluate import metrics, wide
from core.evaluate.ranking import ndcg_at, precision_at, propensities, psp_at


def world(texts: int = 40, labels: int = 30) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    y = (rng.random((texts, labels)) < np.linspace(0.3, 0.0, labels)).astype(np.int8)
    probs = np.where(rng.random(y.shape) < 0.3, rng.random(y.shape), 0) + 0.3 * y
    return probs.clip(0, 1), y, rng.uniform(0.1, 0.6, labels)


@pytest.mark.parametrize("together", [7, 512])
def test_the_rows_are_those_of_dense_answers(together: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wide, "_TOGETHER", together)
    probs, y, cuts = world()
    keys = [f"k{n}" for n in range(y.shape[1])]
    said = {"keys": keys, "model": "student", "split": "gold", "seed": 3}
    expected = metrics.rows(probs, y, cuts, **said)
    found = wide.rows(sp.csr_matrix(probs), sp.csr_matrix(y), cuts, **said)
    assert len(found) == len(expected)
    for mine, theirs in zip(found, expected, strict=True):
        assert [v for v in astuple(mine) if isinstance(v, str)] == [v for v in astuple(theirs) if isinstance(v, str)]
        numbers = [[v for v in astuple(each) if isinstance(v, float | int)] for each in (mine, theirs)]
        assert numbers[0] == pytest.approx(numbers[1])
    alone = wide.rows(sp.csr_matrix(probs), sp.csr_matrix(y), cuts, labels=False, **said)
    assert [each.scope for each in alone] == list(metrics.AGGREGATES)


def test_without_a_text_all_figures_are_0() -> None:
    none = sp.csr_matrix((0, 3))
    found = wide.rows(none, none, np.full(3, 0.5), keys=["a", "b", "c"], model="student", split="gold")
    assert {each.f1 for each in found} == {0.0}
    assert {each.value for each in wide.at_k(np.zeros((0, 5)), none, np.ones(3), model="m", split="gold")} == {0.0}


def test_places_have_the_published_figures_within_their_interval() -> None:
    probs, y, _ = world()
    ranked = np.argsort(-probs, axis=1, kind="stable")[:, :5]
    truth, weights = sp.csr_matrix(y), propensities(y.sum(axis=0), len(y))
    found = {(e.measure, e.k): e for e in wide.at_k(ranked, truth, weights, model="student", split="gold")}
    assert found["P", 3].value == pytest.approx(precision_at(ranked, truth, 3))
    assert found["nDCG", 5].value == pytest.approx(ndcg_at(ranked, truth, 5))
    assert found["PSP", 5].value == pytest.approx(psp_at(ranked, truth, 5, weights))
    assert all(0 < each.low <= each.value <= each.high <= 1 for each in found.values())
    assert {each.n for each in found.values()} == {len(y)}
