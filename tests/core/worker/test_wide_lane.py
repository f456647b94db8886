"""The fast lane of many labels: what it keeps of a label's scores, and that nothing is lost by it."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
import scipy.sparse as sp

from core.models.linear import FastLane
from core.worker import wide_lane
from core.worker.wide_lane import WideLane, _kept

WORDS = ("頭痛", "發燒", "咳嗽", "失眠", "過敏", "胃痛", "背痛", "疲倦")


def lane_of(n: int) -> FastLane:
    rng = np.random.default_rng(0)
    drawn = rng.integers(len(WORDS), size=(n, 4))
    return FastLane([f"{m} " + "，".join(WORDS[w] for w in each) for m, each in enumerate(drawn)])


def learned(texts: int, labels: int, *, kept: int, monkeypatch: pytest.MonkeyPatch, student: bool = True) -> tuple:
    """A lane of which the first tenth is labelled and the rest waits, with what the student lists of each."""
    monkeypatch.setattr(wide_lane, "KEPT", kept)
    monkeypatch.setattr(wide_lane, "TEXTS", 20)
    monkeypatch.setattr(wide_lane, "_CHUNK", 64)
    wide = WideLane(lane_of(texts), {n: n for n in range(texts)})
    rng = np.random.default_rng(1)
    taught, asked = np.arange(texts // 10), np.arange(texts // 10, texts)
    y = sp.csr_matrix((rng.random((len(taught), labels)) < 0.2).astype(np.int8))
    positives = np.asarray(y.sum(axis=0)).ravel().astype(np.int64)
    scored = (rng.random(len(asked)) < 0.8) & student
    listed = sp.random(len(asked), labels, 0.05, "csr", rng=rng)
    listed = sp.csr_matrix(sp.diags(scored.astype(float)) @ listed)
    listed.eliminate_zeros()
    at = np.full(texts, -1)
    at[asked] = np.arange(len(asked))
    due = wide._due(positives, np.flatnonzero(positives), at)
    wide._learn(y, taught, positives, due, asked, scored, listed.tocsc())
    cut = rng.uniform(0.1, 0.9, labels)
    return wide, wide._blended(listed, scored, at, cut), positives, at


@pytest.mark.parametrize("student", [True, False], ids=["beside a student", "before the first round"])
def test_what_is_kept_ranks_as_all_scores_would(student: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    every = learned(600, 12, kept=10_000, monkeypatch=monkeypatch, student=student)[1]
    wide, few, _, _ = learned(600, 12, kept=40, monkeypatch=monkeypatch, student=student)
    assert any(not scores.whole for scores in wide.learned.values())
    np.testing.assert_allclose(few[0].toarray(), every[0].toarray())
    np.testing.assert_allclose(few[1], every[1])


def test_memory_grows_with_labels_not_with_labels_times_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wide_lane, "MOST", 400)

    def held(texts: int) -> int:
        tracemalloc.start()
        wide = learned(texts, 400, kept=50, monkeypatch=monkeypatch)[0]
        before = tracemalloc.get_traced_memory()[0]
        assert len(wide.learned) > 350
        wide.learned.clear()
        found = before - tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        return found

    # Of 3,000 texts a score of each would be 4.8 MB; two kinds of 50, and what the student lists of a twentieth.
    assert held(3_000) < 2_400_000


def test_a_label_is_learned_anew_once_few_of_its_texts_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    wide, _, positives, at = learned(600, 6, kept=40, monkeypatch=monkeypatch)
    labels = np.flatnonzero(positives)
    assert wide._due(positives, labels, at) == []
    k = int(labels[0])
    gone = at.copy()
    gone[wide.learned[k].texts] = -1
    assert k in wide._due(positives, labels, gone)
    more = positives.copy()
    more[k] += 1
    assert wide._due(more, labels, at) == [k]


def test_texts_that_the_student_has_not_scored_are_kept_beside_the_others() -> None:
    scores = np.linspace(0.99, 0.01, 4_000, dtype=np.float32)  # the unscored ones have the lowest
    asked, scored = np.arange(4_000), np.arange(4_000) < 2_500
    found = _kept(3, scores, asked, scored, np.array([2_400]))
    assert set(range(wide_lane.KEPT)) <= set(found.texts.tolist())
    assert set(range(2_500, 2_500 + wide_lane.KEPT)) <= set(found.texts.tolist())
    assert 2_400 in found.texts
    assert len(found.texts) == 2 * wide_lane.KEPT + 1
    assert not found.whole
