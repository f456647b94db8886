"""The fast lane of thousands of labels: only labels that have new examples are learned anew, and all is lists.

A linear model of every label on every labelled text would take minutes. Between two rounds a few labels get examples
that the student has not seen: those texts are the ones that it has scored as waiting texts and that are labelled now.
For these labels alone a linear model is fitted, each once an example comes; its likeliest texts are averaged with the
student's lists, threshold with threshold. Before there is a student, the labels with the fewest examples are learned.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
_TOGETHER = 16  # labels whose weights are dense at a time


@dataclass
class WideLane:
    """What is kept of one pool between refits. Positions are those of the lane's texts."""

    lane: FastLane
    positions: Mapping[int, int]  # by document
    learned: dict[int, tuple[int, NDArray[np.float32]]] = field(
        default_factory=dict
    )  # label → positives, scores of all
    student: int = 0  # whose lists the learned labels stand beside
    words: tuple[str, sp.csr_matrix] | None = None  # by the label set's fingerprint

    def state(
        self, project: Project, labelled: Sequence[LabelledText], waiting: Sequence[int],
        student: Mapping[str, Any] | None, blobs: Mapping[int, bytes], figures: Sequence[Figure],
    ) -> TopCandidates:  # fmt: skip
        """What a strategy may look at of the waiting texts, after learning what is new."""
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
        self._learn(y, taught, positives, np.flatnonzero(np.asarray(fresh.sum(axis=0)).ravel()))
        cut = np.full(len(positives), THRESHOLD)
        if student:
            cut = np.array([student["thresholds"][key] for key in project.label_set.keys])
        listed = rows_of([blobs.get(each) for each in waiting], len(positives))
        scored = np.array([each in blobs for each in waiting], dtype=bool)
        probs, thresholds = self._blended(listed, scored, asked, cut)
        given: dict[str, Any] = {}
        if top_k.looks(project.settings.acquisition):
            given = {
                "embeddings": self.lane.rows(asked),
                "words": self._words(project, positives)[asked],
                "need": needs(figures, project.label_set.keys, positives, target=project.settings.target_f1),
            }
        return TopCandidates(probs=probs, thresholds=thresholds, positives=positives, **given)

    def _learn(
        self, y: sp.csr_matrix, taught: NDArray[np.int64], positives: NDArray[np.int64], labels: NDArray[np.int64]
    ) -> None:
        """Fit those labels of which more or fewer texts are known than at their last fit, the rarest first."""
        self.learned = {k: kept for k, kept in self.learned.items() if positives[k]}
        due = [k for k in labels.tolist() if self.learned.get(k, (-1, None))[0] != positives[k]]
        due = sorted(due, key=lambda k: (positives[k], k))[:MOST]
        if not due or not len(taught):
            return
        rows, everything, columns = self.lane.rows(taught), self.lane.rows(np.arange(len(self.lane))), y.tocsc()
        for start in range(0, len(due), _TOGETHER):
            part = due[start : start + _TOGETHER]
            model = LinearModel().fit_rows(rows, columns[:, part].toarray(), seed=0)
            scores = model.probabilities_of_rows(everything)
            self.learned |= {k: (int(positives[k]), scores[:, n].copy()) for n, k in enumerate(part)}

    def _blended(
        self, listed: sp.csr_matrix, scored: NDArray[np.bool_], asked: NDArray[np.int64], cut: NDArray[np.float64]
    ) -> tuple[sp.csr_matrix, NDArray[np.float64]]:
        """As ``fast_lane.blend``, for the learned labels alone. Shapes: listed (P, K), scored and asked (P,)."""
        thresholds, labels = cut.copy(), np.array(sorted(self.learned), dtype=np.int64)
        if not len(labels) or not len(asked):
            return listed, thresholds
        thresholds[labels] = (THRESHOLD + cut[labels]) / 2
        others = np.ones(len(cut))
        others[labels] = 0
        columns = listed.tocsc()
        texts, values, sizes = [], [], []
        for k in labels.tolist():
            own = self.learned[k][1][asked].astype(np.float64)
            said = columns[:, [k]].toarray().ravel()
            moved = expit(logit(own.clip(1e-6, 1 - 1e-6)) + logit(thresholds[k]))
            p = np.where(scored, (own + said) / 2, moved)
            best = np.argpartition(-p, min(TEXTS, len(p)) - 1)[:TEXTS]
            texts.append(best)
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
