"""The published baseline on texts: words by TF-IDF, then ``core.models.svm``. Source: huang2021 and its code."""

from __future__ import annotations

from collections.abc import Generator, Sequence

import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer

from core.models.svm import Chosen, tuned_rows
from core.reproduce.linear import GRAMS


def tuned(
    train_texts: Sequence[str],
    train_y: NDArray,
    valid_texts: Sequence[str],
    valid_y: NDArray,
    test_texts: Sequence[str],
    *,
    words: bool = True,
) -> Generator[float, None, Chosen]:
    """As ``core.models.svm.tuned_rows``, of texts; ``words`` as ``weighed``. Shapes: y (N, K)."""
    rows, valid, test = weighed(train_texts, valid_texts, test_texts, words=words)
    return (yield from tuned_rows(rows, train_y, valid, valid_y, test))


def weighed(train_texts: Sequence[str], *asked: Sequence[str], words: bool) -> list[sp.csr_matrix]:
    """Each part's words by TF-IDF, which knows the training texts alone. Shapes: → (N, F) each.

    Without ``words`` between blanks, as in Chinese, the same counts are of 1 to 4 characters.
    """
    counter = CountVectorizer() if words else CountVectorizer(analyzer="char", ngram_range=GRAMS)
    weigher = TfidfTransformer()
    rows = weigher.fit_transform(counter.fit_transform(train_texts))
    empty = sp.csr_matrix((0, rows.shape[1]))
    return [rows, *(weigher.transform(counter.transform(texts)) if len(texts) else empty for texts in asked)]
