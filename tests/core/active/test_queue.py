from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.active import queue
from core.active.candidates import Candidates
from core.active.registry import STRATEGIES, Strategy
from core.active.select import rank
from core.errors import BadSetting, StrategyNeeds


def some(size: int = 200, seed: int = 0, *, unseen: bool = False) -> Candidates:
    draw = np.random.default_rng(seed)
    y = (draw.random((40, 4)) < 0.4).astype(int)
    y[0] = 1
    if unseen:
        y[:, 3] = 0
    return Candidates(probs=draw.random((size, 4)), thresholds=np.full(4, 0.5), labelled_y=y)


def test_the_first_strategy_of_the_product_orders_as_it_did() -> None:
    found = some()
    ours = queue.ranked("tail_uncertainty", found, np.random.default_rng(1), explore_share=0)
    theirs = rank(found.probs, found.thresholds, found.positives, rng=np.random.default_rng(1), explore_every=0)
    assert ours == theirs


@pytest.mark.parametrize("name", ["tail_uncertainty", "chance", "threshold_entropy"])
def test_a_queue_has_every_text_once_and_a_short_one_no_text_twice(name: str) -> None:
    whole = queue.ranked(name, some(), np.random.default_rng(0))
    assert sorted(each.position for each in whole) == list(range(200))
    short = queue.ranked(name, some(), np.random.default_rng(0), limit=50)
    assert len({each.position for each in short}) == 50
    assert queue.ranked(name, some(0), np.random.default_rng(0)) == []


def test_chance_has_its_share_and_more_while_a_label_is_unseen() -> None:
    def by_chance(found: Candidates, share: float) -> int:
        ranked = queue.ranked("threshold_entropy", found, np.random.default_rng(0), limit=40, explore_share=share)
        return sum(each.random for each in ranked)

    assert by_chance(some(), 0.1) == 4
    assert by_chance(some(), 0.5) == 20
    assert by_chance(some(unseen=True), 0.1) == 10
    assert by_chance(some(unseen=True), 0) == 0


def test_a_queue_is_short_where_each_text_is_weighed_against_those_before_it() -> None:
    assert queue.length("k_centre") < queue.length("mean_entropy") == queue.length("luck")


def test_what_chance_alone_orders_says_so() -> None:
    assert all(each.random for each in queue.ranked("chance", some(), np.random.default_rng(0)))


def test_an_unknown_strategy_is_refused_with_the_known_ones() -> None:
    with pytest.raises(BadSetting, match="tail_uncertainty"):
        queue.ranked("luck", some(), np.random.default_rng(0))
    assert not queue.serves("luck", ())
    assert queue.looks_at("luck") == set()


def test_a_strategy_that_needs_more_says_what(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Strategy(name="asked", function=lambda c, size, rng: np.arange(size), what="", needs=("committee",))
    monkeypatch.setitem(STRATEGIES, "asked", asked)
    assert queue.serves("asked", ("committee", "teacher"))
    assert not queue.serves("asked", ("teacher",))
    assert queue.looks_at("asked") == {"committee"}
    with pytest.raises(StrategyNeeds):
        queue.ranked("asked", some(), np.random.default_rng(0))
    committee = np.full((2, 200, 4), 0.5)
    assert queue.ranked("asked", replace(some(), committee=committee), np.random.default_rng(0), explore_share=0)
