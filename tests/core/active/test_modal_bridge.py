"""modAL's own teach and query, with nothing in its place."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from modAL import multilabel
from sklearn.base import BaseEstimator, clone
from sklearn.multiclass import OneVsRestClassifier
from sklearn.svm import LinearSVC

from core.active.modal_bridge import (
    BASELINES,
    ActiveLearner,
    LinearEstimator,
    StudentEstimator,
    as_texts,
    by_name,
    random_choice,
    tail_uncertainty,
)
from core.active.registry import STRATEGIES
from core.active.uncertainty import entropy
from core.config import RoundConfig
from core.errors import BadSetting, StrategyNeeds, TooFewLabels

# modAL still calls a scikit-learn argument by the name that it had before 1.6
pytestmark = pytest.mark.filterwarnings("ignore:'force_all_finite' was renamed:FutureWarning")

ROOT = Path(__file__).resolve().parents[3]
PHRASES = ("血壓偏高要注意", "每天服用藥物", "長輩容易跌倒", "補充維他命", "多喝白開水", "早點上床睡覺", "散步半小時")
SMALL = RoundConfig(
    vector_size=8, filters=8, hidden=16, max_tokens=40, class_weights=(0.5, 2.0), max_epochs=4, patience=4, threads=2
)


def corpus(size: int, seed: int = 0):
    """Texts of ten phrases; the first three phrases are the labels, the third one rare."""
    draw = np.random.default_rng(seed)
    chosen = draw.random((size, len(PHRASES))) < [0.6, 0.35, 0.12, 0.5, 0.5, 0.5, 0.5]
    texts = [
        "，".join(PHRASES[k] for k in draw.permutation(np.flatnonzero(row))) + f"。{n}" for n, row in enumerate(chosen)
    ]
    return as_texts(texts), chosen[:, :3].astype(np.int8)


def macro_f1(y, predicted):
    hits = (y & predicted).sum(axis=0)
    return (2 * hits / np.maximum(y.sum(axis=0) + predicted.sum(axis=0), 1)).mean()


def test_a_loop_of_queries_and_teachings_learns_what_is_taught():
    X, y = corpus(300)
    rest = np.arange(12, 300)
    learner = ActiveLearner(LinearEstimator(), tail_uncertainty(seed=0), X[:12], y[:12])
    before = macro_f1(y, learner.predict(X))
    for step in range(4):
        positions, texts = learner.query(X[rest], n_instances=8)
        assert positions.shape == (8,)
        assert len(set(positions.tolist())) == 8
        assert (X[rest][positions] == texts).all()
        learner.teach(texts, y[rest][positions])
        rest = np.delete(rest, positions)
        assert learner.X_training.shape == (12 + 8 * (step + 1),)
        assert learner.y_training.shape == (12 + 8 * (step + 1), 3)
        assert learner.estimator.n_labelled_ == 12 + 8 * (step + 1)
    assert macro_f1(y, learner.predict(X)) > before
    assert learner.predict_proba(X).shape == (300, 3)


def test_two_texts_are_two_positions_and_not_a_position_and_a_metric():
    X, y = corpus(60)
    learner = ActiveLearner(LinearEstimator(), tail_uncertainty(seed=0), X[:20], y[:20])
    for wanted in (1, 2, 3):
        positions, texts, scores = learner.query(X[20:], n_instances=wanted, return_metrics=True)
        assert len(positions) == len(texts) == len(scores) == wanted


def test_the_query_is_our_ranking_without_the_random_places():
    X, y = corpus(80)
    learner = ActiveLearner(LinearEstimator(), tail_uncertainty(seed=0, explore_every=0), X[:30], y[:30])
    positions, _, scores = learner.query(X[30:], n_instances=50, return_metrics=True)
    assert sorted(positions) == list(range(50))
    assert (np.diff(scores) <= 0).all()


def test_random_choice_is_seeded_and_moves_on_with_each_teaching():
    X, y = corpus(60)
    draws = []
    for _ in range(2):
        learner = ActiveLearner(LinearEstimator(), random_choice(seed=5), X[:20], y[:20])
        first, texts = learner.query(X[20:], n_instances=5)
        learner.teach(texts, y[20:][first])
        draws.append((first.tolist(), learner.query(X[20:], n_instances=5)[0].tolist()))
    assert draws[0] == draws[1]
    assert draws[0][0] != draws[0][1]


@pytest.mark.parametrize("name", [*STRATEGIES, *BASELINES])
def test_each_strategy_by_name_drives_a_learner(name):
    X, y = corpus(70)
    learner = ActiveLearner(LinearEstimator(members=3), by_name(name, seed=0), X[:30], y[:30])
    positions, texts = learner.query(X[30:], n_instances=6)
    assert len(set(positions.tolist())) == 6
    assert (X[30:][positions] == texts).all()
    learner.teach(texts, y[30:][positions])
    assert len(learner.query(X[30:33], n_instances=6)[0]) == 3  # a pool smaller than the batch


def test_what_an_estimator_lacks_and_an_unknown_name_are_said():
    X, y = corpus(40)
    for name in ("bald", "disagreement"):
        with pytest.raises(StrategyNeeds):
            ActiveLearner(LinearEstimator(), by_name(name, seed=0), X[:30], y[:30]).query(X[30:])
    for name in ("best", "modal:best"):
        with pytest.raises(BadSetting, match="modal:min_confidence"):
            by_name(name, seed=0)


class Fixed(BaseEstimator):
    """Knows the probabilities of each text, so that one sees what a strategy takes."""

    def __init__(self, known=None):
        self.known = known

    def fit(self, X, y):
        self.thresholds_, self.n_labelled_ = np.full(y.shape[1], 0.5), len(X)
        return self

    def predict_proba(self, X):
        return np.array([self.known[text] for text in X])

    def predict(self, X):
        return (self.predict_proba(X) >= 0.5).astype(int)


def fixed_query(name, probs, size):
    X = as_texts([str(n) for n in range(len(probs))])
    known = dict(zip(X, probs.tolist(), strict=True))
    learner = ActiveLearner(Fixed(known), by_name(name, seed=0), X[:2], np.eye(probs.shape[1], dtype=int)[:2])
    return learner.query(X, n_instances=size, return_metrics=True)


def long_tailed(size=2000):
    draw = np.random.default_rng(0)
    return draw.beta(0.2 * np.linspace(2, 0.2, 9), 1.5, (size, 9))


def test_what_is_wrong_with_modals_confidences():
    probs = long_tailed()
    doubt = entropy(probs).mean(axis=1)
    chosen = {
        name: fixed_query(name, probs, 50)[0]
        for name in (
            "modal:min_confidence",
            "modal:avg_confidence",
            "modal:max_score",
            "modal:avg_score",
            "mean_entropy",
        )
    }
    assert set(chosen["modal:min_confidence"]) == set(np.argsort(probs.min(axis=1))[:50])
    assert set(chosen["modal:avg_confidence"]) == set(np.argsort(-probs.mean(axis=1))[:50])
    assert set(chosen["modal:max_score"]) == set(np.argsort(-probs.max(axis=1))[:50])  # what it is surest of
    given = (probs >= 0.5).sum(axis=1)
    assert given[chosen["modal:avg_score"]].mean() > 2 * given.mean()
    assert doubt[chosen["modal:min_confidence"]].mean() < doubt.mean() < doubt[chosen["mean_entropy"]].mean()


@pytest.mark.parametrize("name", ["modal:max_loss", "modal:mean_max_loss"])
def test_modals_losses_depend_on_the_number_of_given_labels_alone(name):
    probs = long_tailed(300)
    positions, _, losses = fixed_query(name, probs, 300)
    given = (probs >= 0.5).sum(axis=1)[positions]
    for number in set(given.tolist()):
        assert np.ptp(losses[given == number]) < 1e-12


def test_modals_binary_minimum_is_the_nearest_and_its_tie_break_the_furthest():
    probs = long_tailed(200)
    nearest = np.abs(np.log(probs.clip(1e-12)) - np.log1p(-probs.clip(max=1 - 1e-12))).min(axis=1)
    positions, _, distances = fixed_query("modal:svm_binary_minimum", probs, 5)
    assert positions.tolist() == np.argsort(nearest)[:5].tolist()
    assert distances == pytest.approx(np.sort(nearest)[:5])
    rows = np.random.default_rng(0).standard_normal((200, 4))
    machines = ActiveLearner(
        OneVsRestClassifier(LinearSVC()), X_training=rows, y_training=(rows[:, :2] > 0).astype(int)
    )
    distances = np.abs(machines.estimator.decision_function(rows)).min(axis=1)
    assert multilabel.SVM_binary_minimum(machines, rows) == distances.argmin()
    assert multilabel.SVM_binary_minimum(machines, rows, random_tie_break=True)[0] == distances.argmax()


def test_the_distilled_student_is_taught_and_queried(tmp_path):
    X, y = corpus(90)
    estimator = StudentEstimator(config=SMALL, label_keys=("pressure", "drug", "senior"), work_dir=tmp_path)
    learner = ActiveLearner(estimator, tail_uncertainty(seed=1), X[:40], y[:40])
    before = learner.predict_proba(X)
    positions, texts = learner.query(X[40:], n_instances=10)
    assert set(positions.tolist()) <= set(range(50))
    learner.teach(texts, y[40:][positions])
    after = learner.predict_proba(X)
    assert before.shape == after.shape == (90, 3)
    assert np.abs(before - after).max() > 1e-4  # it was trained anew
    assert estimator.n_labelled_ == 50
    assert estimator.positives_.tolist() == (y[:40].sum(axis=0) + y[40:][positions].sum(axis=0)).tolist()
    gold = {row.scope: row for row in estimator.metrics_ if (row.model, row.split) == ("student", "gold")}
    assert set(gold) >= {"pressure", "drug", "senior", "macro"}
    assert gold["macro"].n == 5  # a tenth of the fifty, not trained on
    assert set(np.unique(learner.predict(X))) <= {0, 1}
    assert (tmp_path / "student" / "student.json").exists()


def test_given_gold_is_used_and_too_few_texts_are_said(tmp_path):
    X, y = corpus(60)
    estimator = StudentEstimator(config=SMALL, gold=(X[50:], y[50:]), pool_texts=list(X[40:50]))
    estimator.fit(X[:40], y[:40])
    assert {row.n for row in estimator.metrics_ if row.split == "gold"} == {10}
    with pytest.raises(TooFewLabels):
        StudentEstimator(config=SMALL).fit(X[:4], y[:4])


def test_estimators_can_be_cloned_as_scikit_learn_clones():
    copy = clone(StudentEstimator(config=SMALL, label_keys=("a", "b")))
    assert (copy.config, copy.label_keys) == (SMALL, ("a", "b"))
    assert clone(LinearEstimator(seed=4)).seed == 4


def test_the_ranking_itself_needs_neither_modal_nor_torch():
    code = (
        "import sys, core.active.registry, core.active.likeness\n"
        "heavy = {'modAL', 'torch', 'sklearn'} & set(sys.modules)\n"
        "import core.active.select, core.models.linear\n"
        "sys.exit(bool(heavy or {'modAL', 'torch'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0
