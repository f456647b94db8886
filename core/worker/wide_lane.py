"""The fast lane of thousands of labels: only labels that have new examples are learned anew, and all is lists.

A linear model of every label on every labelled text would take minutes. Between two rounds a few labels get examples
that the student has not seen: those texts are the ones that it has scored as waiting texts and that are labelled now.
For these labels alone a linear model is fitted, each once an example comes; its likeliest texts are averaged with the
student's lists, threshold with threshold. Before there is a student, the labels with the fewest examples are learned.

Of a learned label's scores those are kept that can still count: its likeliest texts, and those that the student lists
for it. So memory grows with labels, not with labels times texts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.special import expit, logit

from core.active import top_k
from core.active.top_k import TopCandidates
from core.models.linear import THRESHOLD, FastLane, LinearModel
from core.predictions import rows_of
from core.services.projects import Project
from core.services.settling import LabelledText
from core.worker.needs import Figure, label_words, needs
from core.worker.snapshots import sparse_rows
from core.worker.words import named_by_words

MOST = 200  # labels learned at one refit; the others follow at the next ones
TEXTS = 300  # of a label, that its linear model names
KEPT = 1_200  # scores of a label; once fewer than TEXTS of them wait, it is learned anew
_TOGETHER = 16  # labels whose weights are dense at a time
_CHUNK = 8_000  # texts scored at a time: bounds the memory, changes no result


@dataclass(frozen=True)
class Scores:
    """What a label's linear model said of texts; ``whole``: of every one that waited. Shapes: (m,) each."""

    positives: int
    texts: NDArray[np.int32]  # positions of the lane's
    probs: NDArray[np.float32]
    whole: bool

    def serves(self, at: NDArray[np.int64]) -> bool:
        """Whether enough of the texts wait still; ``at``: where each of the lane's texts stands among those, or -1."""
        return self.whole or int(np.count_nonzero(at[self.texts] >= 0)) >= TEXTS


@dataclass
class WideLane:
    """What is kept of one pool between refits. Positions are those of the lane's texts."""

    lane: FastLane
    positions: Mapping[int, int]  # by document
    learned: dict[int, Scores] = field(default_factory=dict)  # by label
    student: int = 0  # whose lists the learned labels stand beside
    words: tuple[str, sp.csr_matrix] | None = None  # by the label set's fingerprint

    def state(
        self, project: Project, labelled: Sequence[LabelledText], waiting: Sequence[int],
        student: Mapping[str, Any] | None, blobs: Mapping[int, bytes], figures: Sequence[Figure],
        alive: Callable[[], None] = lambda: None,
    ) -> TopCandidates:  # fmt: skip
        """What a strategy may look at of the waiting texts, after learning what is new.

        ``alive`` is called after every few labels: a first ranking may take minutes.
        """
        y = sparse_rows(project.label_set, labelled)
        positives = np.asarray(y.sum(axis=0)).ravel().astype(np.int64)
        taught = np.array([self.positions[each.document_id] for each in labelled], dtype=np.int64)
        asked = np.array([self.positions[each] for each in waiting], dtype=np.int64)
        number = int(student["id"]) if student else 0
        if number != self.student:
            self.student, self.learned = number, {}
        fresh = y
        if student:
            fresh = y[np.array([each.document_id in blobs for each in labelled], dtype=bool)]
        listed = rows_of([blobs.get(each) for each in waiting], len(positives))
        scored = np.array([each in blobs for each in waiting], dtype=bool)
        at = np.full(len(self.lane), -1, dtype=np.int64)
        at[asked] = np.arange(len(asked))
        due = self._due(positives, np.flatnonzero(np.asarray(fresh.sum(axis=0)).ravel()), at)
        self._learn(y, taught, positives, due, asked, scored, listed.tocsc(), alive)
        cut = np.full(len(positives), THRESHOLD)
        if student:
            cut = np.array([student["thresholds"][key] for key in project.label_set.keys])
        probs, thresholds = self._blended(listed, scored, at, cut)
        given: dict[str, Any] = {}
        if top_k.looks(project.settings.acquisition):
            given = {
                "embeddings": self.lane.rows(asked),
                "words": self._words(project, positives)[asked],
                "need": needs(figures, project.label_set.keys, positives, target=project.settings.target_f1),
            }
        return TopCandidates(probs=probs, thresholds=thresholds, positives=positives, **given)

    def _due(self, positives: NDArray[np.int64], labels: NDArray[np.int64], at: NDArray[np.int64]) -> list[int]:
        """Labels of which more or fewer texts are known than at their last fit, the rarest first."""
        self.learned = {k: kept for k, kept in self.learned.items() if positives[k]}
        due = [
            k for k in labels.tolist()
            if (had := self.learned.get(k)) is None or had.positives != positives[k] or not had.serves(at)
        ]  # fmt: skip
        return sorted(due, key=lambda k: (positives[k], k))[:MOST]

    def _learn(
        self, y: sp.csr_matrix, taught: NDArray[np.int64], positives: NDArray[np.int64], due: list[int],
        asked: NDArray[np.int64], scored: NDArray[np.bool_], listed: sp.csc_matrix,
        alive: Callable[[], None] = lambda: None,
    ) -> None:  # fmt: skip
        """Fit those labels, and keep what may count of what they say. Shapes: asked, scored (P,), listed (P, K)."""
        if not due or not len(taught):
            return
        rows, columns, n = self.lane.rows(taught), y.tocsc(), len(self.lane)
        for start in range(0, len(due), _TOGETHER):
            part = due[start : start + _TOGETHER]
            model = LinearModel().fit_rows(rows, columns[:, part].toarray(), seed=0)
            scores = np.concatenate(
                [
                    model.probabilities_of_rows(self.lane.rows(np.arange(some, min(some + _CHUNK, n))))
                    for some in range(0, n, _CHUNK)
                ]
            )
            for m, k in enumerate(part):
                by_student = asked[listed.indices[listed.indptr[k] : listed.indptr[k + 1]]]
                self.learned[k] = _kept(int(positives[k]), scores[:, m], asked, scored, by_student)
            alive()

    def _blended(
        self, listed: sp.csr_matrix, scored: NDArray[np.bool_], at: NDArray[np.int64], cut: NDArray[np.float64]
    ) -> tuple[sp.csr_matrix, NDArray[np.float64]]:
        """As ``fast_lane.blend``, for the learned labels alone; at most TEXTS texts of each.

        Shapes: listed (P, K), scored (P,), at (texts of the lane,).
        """
        thresholds, labels = cut.copy(), np.array(sorted(self.learned), dtype=np.int64)
        if not len(labels) or not len(scored):
            return listed, thresholds
        thresholds[labels] = (THRESHOLD + cut[labels]) / 2
        others = np.ones(len(cut))
        others[labels] = 0
        columns, said = listed.tocsc(), np.zeros(len(scored))
        texts, values, sizes = [], [], []
        for k in labels.tolist():
            kept = self.learned[k]
            rows = at[kept.texts]
            own = kept.probs[rows >= 0].astype(np.float64)
            rows = rows[rows >= 0]
            here = slice(columns.indptr[k], columns.indptr[k + 1])
            said[columns.indices[here]] = columns.data[here]
            moved = expit(logit(own.clip(1e-6, 1 - 1e-6)) + logit(thresholds[k]))
            p = np.where(scored[rows], (own + said[rows]) / 2, moved)
            said[columns.indices[here]] = 0
            best = _best(p, TEXTS)
            texts.append(rows[best])
            values.append(p[best])
            sizes.append(len(best))
        shape, named = listed.shape, (np.concatenate(texts), np.repeat(labels, sizes))
        return sp.csr_matrix(
            listed @ sp.diags(others) + sp.csr_matrix((np.concatenate(values), named), shape)
        ), thresholds

    def _words(self, project: Project, positives: NDArray[np.int64]) -> sp.csr_matrix:
        """Of all of the lane's texts: label words change hardly ever. What has left the few is passed over later."""
        words = label_words(project.label_set)
        mark = "\0".join(words)
        if self.words is None or self.words[0] != mark:
            self.words = (mark, named_by_words(self.lane, np.arange(len(self.lane)), words, positives))
        return self.words[1]


def _kept(
    positives: int, scores: NDArray[np.float32], asked: NDArray[np.int64], scored: NDArray[np.bool_],
    by_student: NDArray[np.int64],
) -> Scores:  # fmt: skip
    """The likeliest of the waiting texts, and those that the student lists.

    Texts that the student has scored and others are chosen apart, since only the first are averaged with it. Of a text
    that is left out neither score can then be above those of the texts of its kind that are kept.
    Shapes: scores of all the lane's texts; asked, scored (P,).
    """
    kinds = (asked[scored], asked[~scored])
    best = [kind[_best(scores[kind], KEPT)] for kind in kinds]
    texts = np.unique(np.concatenate([*best, by_student])).astype(np.int32)
    return Scores(positives, texts, scores[texts], all(len(kind) <= KEPT for kind in kinds))


def _best(values: NDArray, most: int) -> NDArray[np.int64]:
    """Positions of the highest, in no order. Shapes: (n,) → (min(n, most),)."""
    if len(values) <= most:
        return np.arange(len(values))
    return np.asarray(np.argpartition(-values, most - 1)[:most], dtype=np.int64)
