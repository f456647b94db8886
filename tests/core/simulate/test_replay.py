from __future__ import annotations

import numpy as np
import pytest

from core.simulate.replay import STRATEGIES, Corpus, Plan, Point, area, labels_to_reach, replay

PHRASES = ("血壓偏高要注意", "每天服用藥物", "長輩容易跌倒", "補充維他命", "多喝白開水", "早點上床睡覺", "散步半小時")


def corpus(size: int = 400, seed: int = 0) -> Corpus:
    """Texts of seven phrases; the first three are the labels, the third one rare."""
    draw = np.random.default_rng(seed)
    chosen = draw.random((size, len(PHRASES))) < [0.6, 0.3, 0.05, 0.5, 0.5, 0.5, 0.5]
    texts = ["，".join(PHRASES[k] for k in draw.permutation(np.flatnonzero(row))) for row in chosen]
    half = size // 2
    y = chosen[:, :3].astype(np.int8)
    return Corpus(pool_texts=texts[:half], pool_y=y[:half], test_texts=texts[half:], test_y=y[half:])


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_curve_counts_its_labels_and_rises(strategy):
    curve = list(replay(corpus(), Plan(strategy=strategy, first=10, batch=15, steps=6)))
    assert [point.labelled for point in curve] == [10, 25, 40, 55, 70, 85, 100]
    assert curve[-1].macro_f1 > curve[0].macro_f1
    assert all(0 <= point.tail_f1 <= 1 and len(point.f1) == 3 for point in curve)
    positives = np.array([point.positives for point in curve])
    assert (np.diff(positives, axis=0) >= 0).all()


def test_the_same_plan_gives_the_same_curve_and_every_strategy_the_same_start():
    first, again = (list(replay(corpus(), Plan(steps=3, batch=10))) for _ in range(2))
    assert first == again
    starts = {next(replay(corpus(), Plan(strategy=name))) for name in STRATEGIES}
    assert len(starts) == 1
    assert next(replay(corpus(), Plan(seed=1))) not in starts


def test_no_text_is_asked_twice_and_the_pool_may_run_out():
    small = corpus(80)
    curve = list(replay(small, Plan(first=15, batch=20, steps=9)))
    assert [point.labelled for point in curve] == [15, 35, 40]
    assert curve[-1].positives == tuple(np.asarray(small.pool_y).sum(axis=0))


def test_our_queue_finds_more_of_the_rare_label_than_chance():
    found = {
        name: sum(
            list(replay(corpus(1000), Plan(strategy=name, seed=seed, steps=5)))[-1].positives[2] for seed in range(3)
        )
        for name in ("tail", "random")
    }
    assert found["tail"] > found["random"]


def test_the_tail_is_the_rarest_third():
    assert corpus().tail.tolist() == [2]
    y = np.array([[1, 0, 1, 1, 1, 1]] * 3 + [[1, 1, 1, 0, 1, 1]])
    assert Corpus(pool_texts=["a"] * 4, pool_y=y, test_texts=["a"] * 4, test_y=y).tail.tolist() == [1, 3]


def test_area_and_labels_to_reach_read_a_curve():
    rest = {"micro_f1": 0.0, "tail_f1": 0.0, "f1": (), "positives": ()}
    curve = [Point(labelled=n, macro_f1=f, **rest) for n, f in ((10, 0.2), (20, 0.4), (40, 0.6))]
    assert area(curve, "macro_f1") == pytest.approx((0.3 * 10 + 0.5 * 20) / 30)
    assert area(curve[:1], "macro_f1") == 0.2
    assert np.isnan(area([], "macro_f1"))
    assert labels_to_reach(curve, 0.4, "macro_f1") == 20
    assert labels_to_reach(curve, 0.7, "macro_f1") is None


def test_what_cannot_be_replayed_is_refused():
    with pytest.raises(ValueError):
        Plan(strategy="luck")
    with pytest.raises(ValueError):
        Plan(batch=0)
    with pytest.raises(ValueError):
        Corpus(pool_texts=["a"], pool_y=np.zeros((2, 3)), test_texts=[], test_y=np.zeros((0, 3)))
    with pytest.raises(ValueError):
        Corpus(pool_texts=["a"], pool_y=np.zeros((1, 3)), test_texts=["b"], test_y=np.zeros((1, 2)))
