"""The light learner: character n-grams weighted by TF-IDF, one logistic regression a label.

It is refitted in well under a second on a few hundred texts, needs no segmenter and no torch, and so re-ranks
the queue between two rounds. Its probabilities are those of a class-balanced fit: higher than the true
frequency for a rare label, and meant to be cut at 0.5.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from core.seeds import numbers
from core.steps import drained
from core.text.normalize import normalize

THRESHOLD = 0.5
MAX_FEATURES = 300_000
_CHUNK = 4_000  # texts vectorised at a time: bounds the memory, changes no result
_FOLDS = 5
_BITS = 21  # a Unicode code point fits in 21 bits, so three fit in one int64


class CharacterTfidf:
    """Texts as rows of weighted 1-, 2- and 3-grams of characters, without a Python loop over characters.

    Source: salton1988 (sublinear term frequency, smoothed inverse document frequency, rows of length one).
    """

    def __init__(self, *, min_documents: int = 2, max_features: int = MAX_FEATURES) -> None:
        self.min_documents = min_documents
        self.max_features = max_features
        self.grams: NDArray[np.int64] = np.zeros(0, dtype=np.int64)  # sorted codes, one a column
        self.idf: NDArray[np.float32] = np.zeros(0, dtype=np.float32)

    def fit(self, texts: Sequence[str]) -> CharacterTfidf:
        """Learn columns and weights from these texts; on a handful of texts a gram need not be repeated."""
        found: list[NDArray[np.int64]] = []
        seen_in: list[NDArray[np.int64]] = []
        for part in _parts(texts):
            owners, codes = _grams(part)
            grams, documents = np.unique(_distinct(codes, owners), return_counts=True)
            found.append(grams)
            seen_in.append(documents)
        if not found:
            raise ValueError("no text to learn grams from")
        grams, where = np.unique(np.concatenate(found), return_inverse=True)
        documents = np.bincount(where, weights=np.concatenate(seen_in), minlength=len(grams))
        enough = self.min_documents if len(texts) >= 10 * self.min_documents else 1
        keep = np.flatnonzero(documents >= enough)
        if len(keep) > self.max_features:
            commonest = np.lexsort((grams[keep], -documents[keep]))[: self.max_features]
            keep = np.sort(keep[commonest])
        self.grams = grams[keep]
        self.idf = (np.log((1 + len(texts)) / (1 + documents[keep])) + 1).astype(np.float32)
        return self

    def transform(self, texts: Sequence[str]) -> sp.csr_matrix:
        """Shapes: N texts → (N, grams) float32; a text without one known gram is an empty row."""
        rows = [self._rows(part) for part in _parts(texts)]
        return sp.vstack(rows, format="csr") if rows else self._rows([])

    def _rows(self, texts: Sequence[str]) -> sp.csr_matrix:
        owners, codes = _grams(texts)
        if not len(self.grams) or not len(codes):
            return sp.csr_matrix((len(texts), len(self.grams)), dtype=np.float32)
        column = np.searchsorted(self.grams, codes).clip(max=len(self.grams) - 1)
        known = self.grams[column] == codes
        counts = np.ones(int(known.sum()), dtype=np.float32)
        shape = (len(texts), len(self.grams))
        matrix = sp.coo_matrix((counts, (owners[known], column[known])), shape=shape).tocsr()  # sums repeats
        matrix.data = (1 + np.log(matrix.data)) * self.idf[matrix.indices]
        lengths = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel())
        matrix.data /= np.repeat(lengths, np.diff(matrix.indptr)).astype(np.float32)
        return matrix


class LinearModel:
    """One logistic regression a label over character grams. Shapes: Y (N, K) of 0 and 1."""

    def __init__(self, vectoriser: CharacterTfidf | None = None) -> None:
        self.vectoriser = vectoriser  # a fitted one is used as it is, so that a pool is vectorised once
        self._own = vectoriser is None
        self._weights: NDArray[np.float32] = np.zeros((0, 0), dtype=np.float32)
        self._offsets: NDArray[np.float32] = np.zeros(0, dtype=np.float32)

    @property
    def thresholds(self) -> NDArray[np.float64]:
        """Shapes: (K,); see the module's first paragraph."""
        return np.full(len(self._offsets), THRESHOLD)

    def fit(self, texts: Sequence[str], Y: NDArray, *, seed: int) -> LinearModel:
        """Raises ValueError: no text, or another number of rows than texts."""
        return drained(self.fit_steps(texts, Y, seed=seed))

    def fit_steps(self, texts: Sequence[str], Y: NDArray, *, seed: int) -> Generator[int, None, LinearModel]:
        """As ``fit``; yields how many labels are done."""
        if self._own:
            self.vectoriser = CharacterTfidf().fit(texts)
        assert self.vectoriser is not None
        yield 0
        return (yield from self._steps(self.vectoriser.transform(texts), Y, seed))

    def fit_rows(self, rows: sp.csr_matrix, Y: NDArray, *, seed: int) -> LinearModel:
        """As ``fit``, on rows that the vectoriser has already made."""
        return drained(self._steps(rows, Y, seed))

    def _steps(self, rows: sp.csr_matrix, Y: NDArray, seed: int) -> Generator[int, None, LinearModel]:
        Y = np.asarray(Y)
        if Y.ndim != 2 or rows.shape[0] != len(Y) or not len(Y):
            raise ValueError(f"{rows.shape[0]} texts, but labels of shape {Y.shape}")
        wide = rows.astype(np.float64)  # what the solver wants; converted once, not once a label
        fitted = []
        for k in range(Y.shape[1]):
            fitted.append(_one_label(wide, Y[:, k] > 0, seed))
            yield k + 1
        self._weights = np.array([w for w, _ in fitted], dtype=np.float32)
        self._weights = self._weights.reshape(Y.shape[1], rows.shape[1]).T
        self._offsets = np.array([b for _, b in fitted], dtype=np.float32)
        return self

    def probabilities(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Shapes: N texts → (N, K), dense."""
        if self.vectoriser is None:
            raise ValueError("fit comes first")
        return self.probabilities_of_rows(self.vectoriser.transform(texts))

    def probabilities_of_rows(self, rows: sp.csr_matrix) -> NDArray[np.float32]:
        logits = np.asarray(rows @ self._weights) + self._offsets  # (N, F) @ (F, K) -> (N, K)
        return (0.5 * (1 + np.tanh(0.5 * logits))).astype(np.float32)  # the sigmoid that cannot overflow


class FastLane:
    """A fixed pool, vectorised once; each refit trains the classifiers only and scores the whole pool.

    The grams and their weights come from all texts of the pool, labelled or not: that is unsupervised.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self._vectoriser = CharacterTfidf().fit(texts)
        self._rows = self._vectoriser.transform(texts)
        self._model = LinearModel(self._vectoriser)

    def __len__(self) -> int:
        return self._rows.shape[0]

    @property
    def model(self) -> LinearModel:
        """The model of the latest refit; it also scores texts outside the pool."""
        return self._model

    def unseen(self, positions: Sequence[int] | NDArray, Y: NDArray, *, seed: int) -> NDArray[np.float32]:
        """Each text's probabilities by a model that has not seen it. Shapes: positions (N,), Y (N, K) → (N, K)."""
        return drained(self.unseen_steps(positions, Y, seed=seed))

    def unseen_steps(
        self, positions: Sequence[int] | NDArray, Y: NDArray, *, seed: int
    ) -> Generator[int, None, NDArray[np.float32]]:
        """As ``unseen``; yields how many labels of a fold are done, fold after fold."""
        rows, Y = self.rows(positions), np.asarray(Y)
        number = numbers(seed, "unseen").permutation(len(Y)) % max(min(_FOLDS, len(Y)), 1)
        out = np.zeros(Y.shape, dtype=np.float32)
        for fold in range(int(number.max(initial=-1)) + 1):
            at = number == fold
            taught = at if at.all() else ~at  # a single text: nothing has been seen
            model = LinearModel(self._vectoriser)
            yield from model._steps(rows[taught], Y[taught], seed)
            out[at] = model.probabilities_of_rows(rows[at])
        return out

    def rows(self, positions: Sequence[int] | NDArray) -> sp.csr_matrix:
        """The pool's own rows of length one, where near-duplicates and spread are seen. Shapes: (N,) → (N, grams)."""
        return self._rows[np.asarray(positions, dtype=np.int64)]

    def relevance(self, positions: Sequence[int] | NDArray, queries: Sequence[str]) -> NDArray[np.float64]:
        """How near each text is to each query, the nearest of all is 1; 0 for a query without a known gram.

        Shapes: positions (N,), K queries → (N, K) in 0 … 1.
        """
        found = np.asarray((self._rows @ self._vectoriser.transform(queries).T).toarray(), dtype=np.float64)
        nearest = found.max(axis=0, initial=0)
        return (found / np.where(nearest > 0, nearest, 1)).clip(0, 1)[np.asarray(positions, dtype=np.int64)]

    def vectorise(self, texts: Sequence[str]) -> sp.csr_matrix:
        """Rows of texts outside the pool, for ``model.probabilities_of_rows`` after each refit."""
        return self._vectoriser.transform(texts)

    def refit(self, positions: Sequence[int] | NDArray, Y: NDArray, *, seed: int) -> NDArray[np.float32]:
        """Train on the texts at these positions, score all. Shapes: positions (N,), Y (N, K) → (P, K)."""
        self._model = LinearModel(self._vectoriser)
        self._model.fit_rows(self._rows[np.asarray(positions, dtype=np.int64)], Y, seed=seed)
        return self._model.probabilities_of_rows(self._rows)


def _one_label(rows: sp.csr_matrix, y: NDArray[np.bool_], seed: int) -> tuple[NDArray[np.float32], float]:
    """Weights and offset of one label; with one class, or no gram, the smoothed prevalence as offset."""
    positives = int(y.sum())
    if positives in (0, len(y)) or not rows.shape[1]:
        prevalence = (positives + 1) / (len(y) + 2)  # Laplace's rule
        return np.zeros(rows.shape[1], dtype=np.float32), float(np.log(prevalence / (1 - prevalence)))
    # balanced: without it a rare label of a small training set is never predicted at all
    solver = LogisticRegression(
        class_weight="balanced", solver="liblinear", dual=True, max_iter=2000, random_state=seed
    )
    solver.fit(rows, y)
    return solver.coef_[0].astype(np.float32), float(solver.intercept_[0])


def _parts(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(texts), _CHUNK):
        yield texts[start : start + _CHUNK]


def _distinct(codes: NDArray[np.int64], owners: NDArray[np.int64]) -> NDArray[np.int64]:
    """Each text's codes without repetition."""
    order = np.lexsort((owners, codes))
    codes, owners = codes[order], owners[order]
    first = np.ones(len(codes), dtype=bool)
    first[1:] = (codes[1:] != codes[:-1]) | (owners[1:] != owners[:-1])
    return codes[first]


def _grams(texts: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Every 1-, 2- and 3-gram as one number, and the text it stands in. Shapes: → (G,), (G,)."""
    cleaned = [normalize(text).lower() for text in texts]
    owner = np.repeat(np.arange(len(cleaned)), [len(text) for text in cleaned])
    # surrogatepass: a lone surrogate is wild input, not a reason to stop
    raw = "".join(cleaned).encode("utf-32-le", "surrogatepass")
    c = np.frombuffer(raw, dtype=np.uint32).astype(np.int64)
    codes, owners = [c], [owner]
    for n in (2, 3):
        if len(c) < n:
            break
        inside = owner[n - 1 :] == owner[: -(n - 1)]  # the window does not reach into the next text
        code = c[n - 1 :].copy()
        for back in range(1, n):
            code |= c[n - 1 - back : len(c) - back] << (_BITS * back)
        codes.append(code[inside])
        owners.append(owner[n - 1 :][inside])
    return np.concatenate(owners), np.concatenate(codes)
