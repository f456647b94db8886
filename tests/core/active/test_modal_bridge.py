"""modAL's own teach and query, with nothing in its place."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone

from core.active.modal_bridge import (
    ActiveLearner,
    LinearEstimator,
    StudentEstimator,
    as_texts,
    random_choice,
    tail_uncertainty,
)
from core.config import RoundConfig
from core.errors import TooFewLabels

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
    code = "import sys, core.active.select, core.models.linear; sys.exit(bool({'modAL', 'torch'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0
