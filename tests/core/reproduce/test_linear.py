from __future__ import annotations

import numpy as np

from core.evaluate.metrics import aggregate
from core.reproduce.linear import BALANCES, COSTS, tuned
from tests.core.making import drained, small_data


def test_the_baseline_learns_what_characters_tell_and_says_what_it_chose() -> None:
    data = small_data(n=160)
    parts = data.train_texts[:120], data.train_y[:120], data.train_texts[120:140], data.train_y[120:140]
    shares, chosen = drained(tuned(*parts, seed=0))
    assert shares == sorted(shares)
    assert chosen.said["C"] in COSTS
    assert chosen.said["class_weight"] in [balance or "none" for balance in BALANCES]
    assert chosen.valid_probs.shape == (20, 3)
    found = chosen.model.probabilities(data.train_texts[140:])
    assert aggregate(found >= 0.5, data.train_y[140:])["macro"][2] > 0.8


def test_it_is_the_same_each_time_and_has_no_answer_for_no_text() -> None:
    data = small_data(n=60)
    parts = data.train_texts[:45], data.train_y[:45], data.train_texts[45:], data.train_y[45:]
    first, second = (drained(tuned(*parts, seed=3))[1].model.probabilities(data.gold_texts) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert drained(tuned(*parts, seed=3))[1].model.probabilities([]).shape == (0, 3)


def test_labels_of_one_class_and_no_validation_text_are_answered_by_frequency() -> None:
    texts, y = [f"text {n}" for n in range(12)], np.zeros((12, 2), dtype=int)
    y[:, 0] = 1
    model = drained(tuned(texts, y, [], np.zeros((0, 2)), seed=0))[1].model
    np.testing.assert_allclose(model.probabilities(["anything"]), [[13 / 14, 1 / 14]], rtol=1e-5)


def test_words_can_stand_for_characters_and_validation_texts_be_left_out() -> None:
    texts = [f"{'fever cough' if n % 2 else 'sleep well'} item{n}" for n in range(60)]
    y = np.array([[n % 2, 1 - n % 2] for n in range(60)])
    alone = drained(tuned(texts[:40], y[:40], texts[40:50], y[40:50], seed=0, words=True, again=False))[1]
    assert "fever cough" in alone.model.vectoriser.vocabulary_
    np.testing.assert_array_equal(alone.model.probabilities(texts[40:50]), alone.valid_probs)
    again = drained(tuned(texts[:40], y[:40], texts[40:50], y[40:50], seed=0, words=True))[1]
    assert not np.array_equal(again.model.probabilities(texts[50:]), alone.model.probabilities(texts[50:]))
    assert aggregate(alone.model.probabilities(texts[50:]) >= 0.5, y[50:])["macro"][2] == 1
