import numpy as np
import pytest

from core.splits import hold_out

RNG = np.random.default_rng(0)


def texts(n: int) -> list[str]:
    return [f"text {i}" for i in range(n)]


def test_parts_are_disjoint_whole_and_of_the_asked_size():
    y = (RNG.random((400, 9)) < np.linspace(0.75, 0.04, 9)).astype(int)
    train, valid = hold_out(texts(400), y, share=0.15, seed=0)
    assert sorted([*train, *valid]) == list(range(400))
    assert abs(len(valid) - 60) <= 4
    expected = 0.15 * y.sum(axis=0)
    assert (np.abs(y[valid].sum(axis=0) - expected) <= 0.25 * expected + 2).all()


def test_split_follows_the_texts_not_their_order():
    y = (RNG.random((60, 3)) < 0.4).astype(int)
    names, shuffle = texts(60), RNG.permutation(60)
    first = {names[n] for n in hold_out(names, y, share=0.2, seed=3)[1]}
    again = hold_out([names[n] for n in shuffle], y[shuffle], share=0.2, seed=3)[1]
    assert first == {names[shuffle[n]] for n in again}
    assert first != {names[n] for n in hold_out(names, y, share=0.2, seed=4)[1]}


@pytest.mark.parametrize("seed", range(10))
def test_a_label_with_one_positive_keeps_it_in_training(seed: int):
    y = np.zeros((30, 3), dtype=int)
    y[:20, 0], y[5, 1] = 1, 1
    train, valid = hold_out(texts(30), y, share=0.15, seed=seed)
    assert y[train, 1].sum() == 1
    assert len(valid) >= 3


@pytest.mark.parametrize("n", [0, 1, 2, 3, 9, 10, 11])
@pytest.mark.parametrize("fill", [0, 1])
def test_tiny_and_constant_sets_split_without_a_crash(n: int, fill: int):
    train, valid = hold_out(texts(n), np.full((n, 2), fill), share=0.15, seed=0)
    assert sorted([*train, *valid]) == list(range(n))
    assert len(valid) >= (1 if n > 1 else 0)
    assert len(train) >= min(n, 1)


def test_one_label_in_use_is_stratified_too():
    y = np.zeros((40, 3), dtype=np.int8)
    y[:20, 1] = 1
    train, valid = hold_out([f"text {n}" for n in range(40)], y, share=0.25, seed=0)
    assert sorted([*train, *valid]) == list(range(40))
    assert y[valid, 1].sum() == 5
