"""What every way of scoring doubted labels must obey, stated once over the table of them."""

from __future__ import annotations

import numpy as np
import pytest

from core.evaluate.doubts import FORMS, doubts
from tests.core.evaluate.test_doubts import world

pytestmark = pytest.mark.parametrize("form", FORMS)


def cells(found):
    return list(zip(found.text.tolist(), found.label.tolist(), strict=True))


def test_permuting_the_texts_permutes_the_list(form: str) -> None:
    probs, given, _ = world(1, n=400)
    shuffle = np.random.default_rng(7).permutation(len(probs))
    before, after = doubts(probs, given, seed=0, form=form), doubts(probs[shuffle], given[shuffle], seed=0, form=form)
    assert len(np.unique(before.score)) == len(before), "no ties"
    assert cells(before) == [(int(shuffle[n]), k) for n, k in cells(after)]


def test_permuting_the_labels_permutes_the_list(form: str) -> None:
    probs, given, _ = world(2, n=400)
    shuffle = np.array([2, 0, 1])
    before = doubts(probs, given, seed=0, form=form)
    after = doubts(probs[:, shuffle], given[:, shuffle], seed=0, form=form)
    assert cells(before) == [(n, int(shuffle[k])) for n, k in cells(after)]
    assert before.judged[shuffle].tolist() == after.judged.tolist()


def test_turning_a_cell_over_makes_it_more_doubtful_where_the_model_is_sure(form: str) -> None:
    probs, given, _ = world(3, wrong=0.0)
    sure = int(np.argmax(np.where(given[:, 0], probs[:, 0], 0)))
    turned = given.copy()
    turned[sure, 0] = False

    def place(labels) -> int:
        return cells(doubts(probs, labels, seed=0, form=form)).index((sure, 0))

    assert place(turned) < 10 < place(given)


def test_ties_stand_in_an_order_by_seed_and_either_may_come_first(form: str) -> None:
    probs, given, _ = world(4, n=40)
    twice, labels = np.repeat(probs, 2, axis=0), np.repeat(given, 2, axis=0)
    labels[:, 2] = False  # two labels that can be judged
    first, second, again = (cells(doubts(twice, labels, seed=seed, form=form)) for seed in (0, 1, 0))
    assert first == again
    assert first != second
    assert sorted(first) == sorted(second)
    leads = [{(n // 2, k): n % 2 for n, k in reversed(found)} for found in (first, second)]
    assert all(set(lead.values()) == {0, 1} for lead in leads)


def test_nothing_of_the_input_is_changed(form: str) -> None:
    probs, given, _ = world(5)
    copies = probs.copy(), given.copy()
    doubts(probs, given, seed=0, form=form, others=[(np.arange(100), probs[:100] / 2)])
    np.testing.assert_array_equal(probs, copies[0])
    np.testing.assert_array_equal(given, copies[1])
