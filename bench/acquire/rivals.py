"""The strategies of small-text and modAL, each asked through its own code for a batch of our learner's candidates.

Whatever a library's strategy looks at it gets as the library would give it: probabilities, labels as its type, dense
embeddings (``WIDTH`` directions of the pool's TF-IDF rows, of length one). Its draws come from numpy's global state,
which is seeded before each batch.

Left out, of small-text: SEALS and AnchorSubsampling (they choose what another strategy looks at), BALD (dropout at
prediction), DiscriminativeActiveLearning and ClassBalancer (single labels only), ProbCover and TypiClust (no say of
any label), LightweightCoreset (fails in its own arithmetic).
``modal:`` names and what is done about their faults: ``core.active.modal_bridge.BASELINES``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.decomposition import TruncatedSVD

from bench.acquire.loop import Asked, Chooser
from core.models.linear import THRESHOLD
from core.seeds import derive

FOLDER = Path(__file__).resolve().parents[2] / ".venv-bench"  # where `make bench-acquire` puts the libraries
WIDTH = 100
SMALL_TEXT = {
    "small_text:cvirs": ("CategoryVectorInconsistencyAndRanking", {"pbar": None}),
    "small_text:adaptive": ("AdaptiveActiveLearning", {}),
    "small_text:label_cardinality": ("LabelCardinalityInconsistency", {}),
    "small_text:breaking_ties": ("BreakingTies", {}),
    "small_text:least_confidence": ("LeastConfidence", {}),
    "small_text:prediction_entropy": ("PredictionEntropy", {}),
    "small_text:contrastive": ("ContrastiveActiveLearning", {"pbar": None}),
    "small_text:embedding_k_means": ("EmbeddingKMeans", {}),
    "small_text:greedy_coreset": ("GreedyCoreset", {}),
}


def installed() -> bool:
    """Whether small-text is where ``make bench-acquire`` puts it; from then on it can be imported."""
    if FOLDER.is_dir() and str(FOLDER) not in sys.path:
        sys.path.append(str(FOLDER))  # last: nothing of the product's own is replaced
    try:
        import small_text  # noqa: F401
    except ImportError:
        return False
    return True


def choosers() -> Iterator[tuple[str, Chooser]]:
    """Every strategy of the other libraries that can be asked for several labels. Raises ImportError."""
    import small_text

    for name, (kind, options) in SMALL_TEXT.items():
        yield name, _small_text(getattr(small_text, kind), options)
    from core.active.modal_bridge import BASELINES, by_name

    for name in BASELINES:
        yield name, _modal(by_name(name, seed=0))


class _Texts:
    """Positions in the pool as a data set of small-text."""

    is_multi_label = True

    def __init__(self, rows: NDArray[np.int64], n_labels: int) -> None:
        self.rows, self.target_labels = rows, np.arange(n_labels)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, at: NDArray[np.int64]) -> _Texts:
        return _Texts(self.rows[at], len(self.target_labels))


class _Classifier:
    """Our learner as a classifier of small-text: the probabilities are known already."""

    multi_label = True

    def __init__(self, asked: Asked) -> None:
        self._asked, self.num_classes = asked, asked.probs.shape[1]

    def predict_proba(self, texts: _Texts) -> NDArray[np.float64]:
        return self._asked.probs[texts.rows]

    def embed(self, texts: _Texts, *, return_proba: bool = False, **_: Any) -> Any:
        found = embeddings(self._asked)[texts.rows]
        return (found, self.predict_proba(texts)) if return_proba else found


def embeddings(asked: Asked) -> NDArray[np.float64]:
    """Of all texts of the pool, made once a curve. Shapes: → (N, WIDTH) or narrower, rows of length one."""
    if "embeddings" not in asked.kept:
        rows = asked.lane.rows(np.arange(len(asked.probs)))
        width = min(WIDTH, min(rows.shape) - 1)
        found = TruncatedSVD(width, random_state=derive(asked.seed, "embeddings") % 2**32).fit_transform(rows)
        asked.kept["embeddings"] = found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-12)
    return asked.kept["embeddings"]


def _small_text(kind: Callable[..., Any], options: dict[str, Any]) -> Chooser:
    def choose(asked: Asked, size: int) -> NDArray[np.int64]:
        np.random.seed(_seed(asked))
        found = kind(**options).query(
            _Classifier(asked),
            _Texts(np.arange(len(asked.probs)), asked.probs.shape[1]),
            asked.left,
            asked.taught,
            sp.csr_matrix(asked.y.astype(np.int64)),
            n=size,
        )
        return np.searchsorted(asked.left, np.asarray(found, dtype=np.int64))

    return choose


class _Learner:
    """Our learner as modAL's ``ActiveLearner``; X are positions among the texts that are left."""

    class _Estimator:
        def __init__(self, n_labels: int) -> None:
            self.thresholds_ = np.full(n_labels, THRESHOLD)

    def __init__(self, asked: Asked) -> None:
        self._probs, self.estimator = asked.probs[asked.left], self._Estimator(asked.probs.shape[1])

    def predict_proba(self, X: NDArray[np.int64]) -> NDArray[np.float64]:
        return self._probs[X]

    def predict(self, X: NDArray[np.int64]) -> NDArray[np.int8]:
        return (self._probs[X] >= THRESHOLD).astype(np.int8)


def _modal(query: Callable[..., Any]) -> Chooser:
    def choose(asked: Asked, size: int) -> NDArray[np.int64]:
        np.random.seed(_seed(asked))
        return np.asarray(query(_Learner(asked), np.arange(len(asked.left)), n_instances=size)[0], dtype=np.int64)

    return choose


def _seed(asked: Asked) -> int:
    return derive(asked.seed, "rivals", len(asked.y)) % 2**32
