"""The baselines of a round, held against scikit-learn on the same rows."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import f1_score
from sklearn.svm import LinearSVC

from core.config import RoundConfig
from core.models.linear import CharacterTfidf
from core.models.svm import MARGINS
from core.splits import hold_out
from core.steps import drained
from core.worker import baselines
from tests.core import making

CONFIG = RoundConfig(seed=3)


def test_the_machine_is_scikit_learns_and_its_cut_one_for_all_labels() -> None:
    data = making.small_data(n=120)
    found = drained(baselines.svm_steps(data, CONFIG))
    cuts = {each.threshold for each in found if each.scope in data.label_keys}
    assert len(cuts) == 1
    (cut,) = cuts
    assert cut in (0.0, *MARGINS)
    train, _ = hold_out(data.train_texts, np.asarray(data.train_y), share=CONFIG.valid_share, seed=CONFIG.seed)
    texts = [data.train_texts[n] for n in train]
    grams = CharacterTfidf().fit(texts)
    rows, gold = (grams.transform(each).astype(float) for each in (texts, data.gold_texts))

    def by_hand(balance: str | None) -> list[float]:
        out = []
        for k in range(3):
            machine = LinearSVC(max_iter=10_000, random_state=123, class_weight=balance)
            machine.fit(rows, data.train_y[train, k])
            out.append(f1_score(data.gold_y[:, k], machine.decision_function(gold) >= cut))
        return out

    f1 = [next(each.f1 for each in found if each.scope == key) for key in data.label_keys]
    assert any(f1 == pytest.approx(by_hand(balance)) for balance in (None, "balanced"))
    assert np.mean(f1) > 0.6


def test_its_figures_are_of_gold_alone() -> None:
    data = making.small_data()
    figures = drained(baselines.svm_steps(data, CONFIG))
    assert {(each.model, each.split, each.n) for each in figures} == {("svm", "gold", len(data.gold_texts))}


def test_the_linear_model_is_cut_at_one_half() -> None:
    data = making.small_data()
    found, probs = drained(baselines.linear_steps(data, 0))
    assert probs.shape == data.gold_y.shape
    for k, key in enumerate(data.label_keys):
        row = next(each for each in found if each.scope == key)
        assert row.threshold == 0.5
        assert row.f1 == pytest.approx(f1_score(data.gold_y[:, k], probs[:, k] >= 0.5))
