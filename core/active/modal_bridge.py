"""The loop driven through modAL: our models as its estimator, our ranking as its query strategy.

    learner = ActiveLearner(estimator=LinearEstimator(), query_strategy=tail_uncertainty(seed=0),
                            X_training=as_texts(first), y_training=first_labels)
    positions, texts = learner.query(as_texts(pool), n_instances=10)
    learner.teach(texts, labels_of(positions))

``by_name`` makes a query strategy of every strategy of our registry, and of modAL's own multi-label ones as
baselines ("modal:min_confidence"); ``BASELINES`` says of each what is wrong with it.

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
from modAL import multilabel
from modAL.models import ActiveLearner
from numpy.typing import NDArray
from scipy.special import logit
from sklearn.base import BaseEstimator

from core.active.candidates import Candidates
from core.active.registry import STRATEGIES, strategy
from core.active.select import rank
from core.config import RoundConfig
from core.distill.pipeline import RoundData, run_round
from core.errors import BadSetting
from core.models.linear import LinearModel
from core.seeds import derive, numbers
from core.splits import hold_out
from core.train.predict import load_student

__all__ = [
    "BASELINES",
    "ActiveLearner",
    "LinearEstimator",
    "StudentEstimator",
    "as_texts",
    "by_name",
    "random_choice",
    "tail_uncertainty",
]

Strategy = Callable[..., tuple[NDArray[np.int64], NDArray[np.float64]]]
GOLD_SHARE = 0.1
FOLDS = 3


def as_texts(texts: Sequence[str]) -> NDArray[np.object_]:
    """Texts as modAL can stack and index them. Shapes: → (N,) of str objects."""
    array = np.empty(len(texts), dtype=object)
    array[:] = list(texts)
    return array


class LinearEstimator(BaseEstimator):
    """``core.models.linear`` with scikit-learn's verbs: a refit takes a fraction of a second.

    With ``members`` it also fits so many models on texts drawn with replacement: the committee of those strategies that
    need one, and together the teacher.
    """

    def __init__(self, *, seed: int = 0, members: int = 0) -> None:
        self.seed = seed
        self.members = members

    def fit(self, X: Sequence[str], y: NDArray) -> LinearEstimator:
        texts, y = list(X), np.asarray(y)
        self.model_ = LinearModel().fit(texts, y, seed=self.seed)
        self.committee_ = []
        for member in range(self.members):
            drawn = numbers(self.seed, "member", member).integers(0, len(texts), len(texts))
            model = LinearModel(self.model_.vectoriser)
            self.committee_.append(model.fit([texts[n] for n in drawn], y[drawn], seed=self.seed))
        self.positives_ = y.sum(axis=0)
        self.n_labelled_ = len(texts)
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

    def looked_at(self, what: str, learner: ActiveLearner, X: Sequence[str]) -> Any:
        """A field of ``Candidates`` for these texts, or None where there is none.

        Shapes: committee (M, N, K); teacher (N, K); labelled_probs (L, K), out of sample by folds; embeddings CSR.
        """
        vectoriser, taught = self.model_.vectoriser, learner.X_training
        assert vectoriser is not None
        if what in ("embeddings", "labelled_embeddings"):
            return vectoriser.transform(list(X if what == "embeddings" else taught))
        if what == "labelled_probs":
            return self._out_of_sample(list(taught), np.asarray(learner.y_training))
        if what in ("committee", "teacher") and self.committee_:
            members = np.stack([model.probabilities(list(X)) for model in self.committee_])
            return members if what == "committee" else members.mean(axis=0)
        return None

    def _out_of_sample(self, texts: list[str], y: NDArray) -> NDArray[np.float32]:
        fold = numbers(self.seed, "folds").permutation(len(texts)) % FOLDS
        found = self.model_.probabilities(texts)  # of a text that has no fold but its own
        for held in range(FOLDS):
            rest, part = np.flatnonzero(fold != held), np.flatnonzero(fold == held)
            if len(rest) and len(part):
                model = LinearModel(self.model_.vectoriser).fit([texts[n] for n in rest], y[rest], seed=self.seed)
                found[part] = model.probabilities([texts[n] for n in part])
        return found


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


def by_name(name: str, *, seed: int) -> Strategy:
    """A query strategy of our registry, or one of modAL's own as "modal:NAME".

    What a strategy looks at beside probabilities comes from the estimator's ``looked_at``; an estimator without it
    still gives the probabilities of the texts it was taught, which then are in-sample.
    Raises BadSetting: no strategy of that name. The query raises StrategyNeeds: the estimator lacks what it looks at.
    """
    if name.startswith("modal:"):
        return _baseline(name)
    if name not in STRATEGIES:
        raise BadSetting(field="strategy", value=name, why=" | ".join([*STRATEGIES, *BASELINES]))
    chosen = strategy(name)

    def query(
        learner: ActiveLearner, X: Sequence[str], n_instances: int = 1
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        candidates = _candidates(learner, X, {*chosen.needs, *chosen.uses})
        positions = chosen(candidates, n_instances, _stream(seed, learner.estimator))
        known = np.zeros(len(candidates)) if chosen.score is None else chosen.score(candidates)
        return positions, known[positions]

    return query


def _candidates(learner: ActiveLearner, X: Sequence[str], wanted: set[str]) -> Candidates:
    estimator = learner.estimator
    given: dict[str, Any] = {}
    for what in sorted(wanted):
        if hasattr(estimator, "looked_at"):
            given[what] = estimator.looked_at(what, learner, X)
        elif what == "labelled_probs":
            given[what] = estimator.predict_proba(learner.X_training)
    return Candidates(
        probs=estimator.predict_proba(X), thresholds=estimator.thresholds_, labelled_y=learner.y_training, **given
    )


# What modAL 0.4 ships for many labels, by its own names, each run with a learner of ours to see what it does.
BASELINES: dict[str, str] = {
    "modal:min_confidence": "takes the least min p: the text with the most surely absent label, not the least sure",
    "modal:avg_confidence": "takes the greatest mean p: the text with the most labels, not the least sure",
    "modal:max_score": "takes the greatest p of a given label: what the learner is surest of",
    "modal:avg_score": "takes the greatest mean of p/2 for given labels and -p/2 for others: many sure labels",
    "modal:max_loss": "fails with an ActiveLearner (no classes_), here given them; its loss is reckoned from decisions "
    "of 0 and 1 instead of distances, and so depends on the number of given labels alone",
    "modal:mean_max_loss": "fails and is mended as max_loss is, with the same defect",
    "modal:svm_binary_minimum": "gives one text however many are wanted, here asked again without it; wants SVMs, here "
    "log-odds from the threshold; with random_tie_break it takes the greatest distance instead of the least",
}


class _Seen:
    """A learner as modAL's multi-label strategies expect it: with ``classes_`` and one decision function a label."""

    def __init__(self, learner: ActiveLearner) -> None:
        self._learner, self._thresholds = learner, learner.estimator.thresholds_
        self.classes_ = np.arange(len(self._thresholds))
        self.estimator = self  # modAL asks learner.estimator.estimators_
        self.estimators_ = [_Decision(self, k) for k in range(len(self.classes_))]

    def predict(self, X: Sequence[str]) -> NDArray[np.int64]:
        return np.asarray(self._learner.predict(X)).astype(np.int64)

    def predict_proba(self, X: Sequence[str]) -> NDArray[np.float64]:
        return np.asarray(self._learner.predict_proba(X), dtype=np.float64)

    def distance(self, X: Sequence[str], label: int) -> NDArray[np.float64]:
        p = self.predict_proba(X)[:, label].clip(1e-12, 1 - 1e-12)
        return logit(p) - logit(np.clip(self._thresholds[label], 1e-12, 1 - 1e-12))


class _Decision:
    def __init__(self, seen: _Seen, label: int) -> None:
        self._seen, self._label = seen, label

    def decision_function(self, X: Sequence[str]) -> NDArray[np.float64]:
        return self._seen.distance(X, self._label)


def _baseline(name: str) -> Strategy:
    """Without random_tie_break: modAL draws from numpy's global state, and gives the drawn batch worst first."""
    if name not in BASELINES:
        raise BadSetting(field="strategy", value=name, why=" | ".join([*STRATEGIES, *BASELINES]))
    plain = name.removeprefix("modal:")

    def query(
        learner: ActiveLearner, X: Sequence[str], n_instances: int = 1
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        seen, size = _Seen(learner), min(n_instances, len(X))  # modAL asserts that the pool is large enough
        if not size:
            return np.zeros(0, dtype=np.int64), np.zeros(0)
        if plain == "svm_binary_minimum":
            return _one_by_one(seen, X, size)
        positions, values = getattr(multilabel, plain)(seen, X, n_instances=size, random_tie_break=False)
        return np.asarray(positions, dtype=np.int64), np.asarray(values, dtype=np.float64)

    return query


def _one_by_one(seen: _Seen, X: Sequence[str], size: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    left, chosen = np.arange(len(X)), np.zeros(0, dtype=np.int64)
    while len(chosen) < size:
        at = int(multilabel.SVM_binary_minimum(seen, np.asarray(X)[left]))
        chosen, left = np.append(chosen, left[at]), np.delete(left, at)
    return chosen, np.abs([seen.distance(X, k) for k in range(len(seen.classes_))]).min(axis=0)[chosen]


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
