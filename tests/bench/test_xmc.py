"""The bench of large label sets on small ones: what is made, that each way answers, how figures are put together."""

from __future__ import annotations

import argparse

import numpy as np
import pytest

from bench.xmc.__main__ import WAYS, crossing, part, summary
from bench.xmc.made import made
from core.evaluate.ranking import precision_at

SMALL = {"texts": 400, "asked": 100, "width": 32, "steps": 120, "seed": 0}


def test_made_texts_have_labels_by_zipfs_law() -> None:
    data = made(60, 600, 16, asked=100)
    taught = data.y[data.taught].toarray()
    assert taught.sum(axis=0).min() >= 1
    assert taught[:, 0].sum() > 5 * taught[:, 30:].sum(axis=0).mean()
    assert data.y.sum(axis=1).min() >= 1
    assert np.linalg.norm(data.encoded, axis=1) == pytest.approx(1, abs=1e-5)
    again = made(60, 600, 16, asked=100)
    assert (again.rows != data.rows).nnz == 0
    assert data.tested == slice(500, 600)


@pytest.fixture(scope="module")
def found() -> dict[str, list[dict]]:
    args = argparse.Namespace(**SMALL)
    return {way: [part(args, str(labels), way) for labels in (24, 200)] for way in WAYS}


def test_each_way_learns_and_answers(found: dict[str, list[dict]]) -> None:
    chance = precision_at(np.zeros((100, 1), dtype=int), made(24, 500, 32, asked=100).y[400:], 1)
    for way in WAYS[1:]:
        for each in found[way]:
            assert min(each["query_s"], each["together_s"], each["step_s"]) > 0
            assert each["mb"] > 50
        assert found[way][0]["P@1"] > 100 * chance, way
    assert [each["clusters"] for each in found["tree"]] == [2, 4]


def test_the_lists_stand_beside_the_labels(found: dict[str, list[dict]]) -> None:
    told = summary([24, 200], found)
    for name in ("flat_s", "tree_s", "aplc_s", "peak_mb", "flat_step_s", "ranker_s"):
        assert len(told[name]) == 2
    assert set(told["growth"]) == set(WAYS[1:])
    assert told["peak_mb"][0] == max(found[way][0]["mb"] for way in WAYS[1:])


def test_where_one_way_overtakes_another() -> None:
    # behind by ln 10 at 100 labels, ahead by ln 10 at 10,000: even at 1,000
    assert crossing([100, 10_000], [1.0, 100.0], [10.0, 10.0]) == 1_000
    assert crossing([100, 1_000], [2.0, 3.0], [1.0, 1.0]) == 100
    assert crossing([100, 1_000], [2.0, 3.0], [1.0, 4.0]) is None
    assert crossing([10, 100, 1_000], [2.0, 1.0, 4.0], [1.0, 2.0, 2.0]) == 316
