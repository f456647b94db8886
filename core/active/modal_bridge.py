"""The loop driven through modAL: our models as its estimator, our ranking as its query strategy.

    learner = ActiveLearner(estimator=LinearEstimator(), query_strategy=tail_uncertainty(seed=0),
                            X_training=as_texts(first), y_training=first_labels)
    positions, texts = learner.query(as_texts(pool), n_instances=10)
    learner.teach(texts, labels_of(positions))

What modAL 0.4 accepts, tried:
- X is an object array of shape (N,) (see ``as_texts``): ``teach`` stacks with ``np.concatenate``, which keeps
  it so. Lists and string arrays work too, but pass through arrays of fixed-width strings: one long text makes
  all rows as wide as itself. Columns of shape (N, 1), pandas Series and DataFrames do not work.
- y is (N, K) of 0 and 1.
- A strategy must return (positions, metrics): ``query`` unpacks whatever it gets into two, so that a bare
  array of two positions would be torn into "one position, and a metric". It also calls a strategy that raised
  a second time.
- ``teach`` trains anew on everything taught so far, unless ``only_new=True``.

modAL is heavy and is imported here alone; never import this module in the process that serves pages.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from modAL.models import ActiveLearner
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from core.active.select import rank
from core.config import RoundConfig
from core.distill.pipeline import RoundData, run_round
from core.models.linear import LinearModel
from core.seeds import derive, numbers
from core.splits import hold_out
from core.train.predict import load_student

__all__ = ["ActiveLearner", "LinearEstimator", "StudentEstimator", "as_texts", "random_choice", "tail_uncertainty"]

Strategy = Callable[..., tuple[NDArray[np.int64], NDArray[np.float64]]]
GOLD_SHARE = 0.1


def as_texts(texts: Sequence[str]) -> NDArray[np.object_]:
    """Texts as modAL can stack and index them. Shapes: → (N,) of str objects."""
    array = np.empty(len(texts), dtype=object)
    array[:] = list(texts)
    return array


class LinearEstimator(BaseEstimator):
    """``core.models.linear`` with scikit-learn's verbs: a refit takes a fraction of a second."""

    def __init__(self, *, seed: int = 0) -> None:
        self.seed = seed

    def fit(self, X: Sequence[str], y: NDArray) -> LinearEstimator:
        self.model_ = LinearModel().fit(list(X), np.asarray(y), seed=self.seed)
        self.positives_ = np.asarray(y).sum(axis=0)
        self.n_labelled_ = len(X)
        return self

    @property
    def thresholds_(self) -> NDArray[np.float64]:
        return self.model_.thresholds

    def predict_proba(self, X: Sequence[str]) -> NDArray[np.float32]:
        """Shapes: N texts → (N, K)."""
        return self.model_.probabilities(list(X))

    def predict(self, X: Sequence[str]) -> NDArray[np.int8]:
        """Shapes: N texts → (N, K) of 0 and 1, each label cut at its threshold."""
        return (self.predict_proba(X) >= self.thresholds_).astype(np.int8)


class StudentEstimator(BaseEstimator):
    """A whole round of distillation behind ``fit``: teachers, soft targets, student, thresholds.

    A round measures itself on gold. Give ``gold`` as (texts, labels); without it a tenth of what ``fit`` is
    given is set aside for that and not trained on. ``pool_texts`` are read for word vectors alone.
    ``work_dir`` keeps the vectors' cache and the latest student between fits; without it they go when ``fit``
    ends.
    """

    def __init__(
        self,
        *,
        config: RoundConfig | None = None,
        label_keys: Sequence[str] | None = None,
        gold: tuple[Sequence[str], NDArray] | None = None,
        pool_texts: Sequence[str] = (),
        work_dir: Path | None = None,
    ) -> None:
        self.config = config
        self.label_keys = label_keys
        self.gold = gold
        self.pool_texts = pool_texts
        self.work_dir = work_dir

    def fit(self, X: Sequence[str], y: NDArray) -> StudentEstimator:
        """Raises what a round raises: TooFewLabels, LabelWithoutPositives, ModelUnavailable."""
        config = self.config or RoundConfig()
        data = self._data(list(X), np.asarray(y), config)
        with tempfile.TemporaryDirectory() as scratch:
            home = Path(self.work_dir or scratch)
            steps = run_round(data, config, home / "student", home / "cache")
            self.reports_ = 0
            while True:
                try:
                    next(steps)
                    self.reports_ += 1
                except StopIteration as finished:
                    result = finished.value
                    break
            self.student_ = load_student(result.student_dir)
        self.metrics_, self.warnings_, self.timings_ = result.metrics, result.warnings, result.timings
        self.thresholds_ = result.thresholds["student"]
        self.positives_ = np.asarray(y).sum(axis=0)
        self.n_labelled_ = len(X)
        return self

    def predict_proba(self, X: Sequence[str]) -> NDArray[np.float32]:
        """Shapes: N texts → (N, K)."""
        return self.student_.probabilities(list(X))

    def predict(self, X: Sequence[str]) -> NDArray[np.int8]:
        """Shapes: N texts → (N, K) of 0 and 1, each label cut at its threshold."""
        return (self.predict_proba(X) >= self.thresholds_).astype(np.int8)

    def _data(self, texts: list[str], y: NDArray, config: RoundConfig) -> RoundData:
        keys = list(self.label_keys or (f"label{k}" for k in range(y.shape[1])))
        if self.gold is None:
            train, held = hold_out(texts, y, share=GOLD_SHARE, seed=derive(config.seed, "bridge"))
            gold_texts, gold_y = [texts[n] for n in held], y[held]
            texts, y = [texts[n] for n in train], y[train]
        else:
            gold_texts, gold_y = list(self.gold[0]), np.asarray(self.gold[1])
        return RoundData(
            label_keys=keys,
            train_texts=texts,
            train_y=y,
            gold_texts=gold_texts,
            gold_y=gold_y,
            pool_ids=np.arange(len(self.pool_texts)),
            pool_texts=list(self.pool_texts),
        )


def tail_uncertainty(*, seed: int, explore_every: int | None = None) -> Strategy:
    """The product's own order (``core.active.select``) as a query strategy; each query draws from its own stream."""

    def query(
        learner: ActiveLearner, X: Sequence[str], n_instances: int = 1
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        estimator = learner.estimator
        ranked = rank(
            estimator.predict_proba(X),
            estimator.thresholds_,
            estimator.positives_,
            rng=_stream(seed, estimator),
            explore_every=explore_every,
            limit=n_instances,
        )
        positions = np.array([item.position for item in ranked], dtype=np.int64)
        return positions, np.array([item.score for item in ranked])

    return query


def random_choice(*, seed: int) -> Strategy:
    """Texts at random: what every strategy has to beat."""

    def query(
        learner: ActiveLearner, X: Sequence[str], n_instances: int = 1
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        size = min(n_instances, len(X))
        positions = _stream(seed, learner.estimator).choice(len(X), size=size, replace=False)
        return positions, np.zeros(size)

    return query


def _stream(seed: int, estimator: Any) -> np.random.Generator:
    """Named by how much has been taught: the same loop draws the same, the next query draws anew."""
    return numbers(seed, "query", getattr(estimator, "n_labelled_", 0))
