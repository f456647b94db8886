"""Texts that have a label's own words: what a dense comparison gives, of each label the nearest."""

from __future__ import annotations

import numpy as np
import pytest

from core.models.linear import FastLane
from core.worker import words
from core.worker.words import named_by_words

TEXTS = ["血壓高了要量", "睡眠不足", "魚油膠囊", "血壓藥", "散步", "睡不好怎麼辦", "今天天氣", "油脂"]
LABELS = ["血壓", "睡眠", "魚油", "無關之詞龘"]


@pytest.mark.parametrize("together", [1, 128])
def test_it_is_what_the_lane_says_of_labels_that_are_few(together: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(words, "_TOGETHER", together)
    lane, at = FastLane(TEXTS), np.arange(len(TEXTS))
    found = named_by_words(lane, at, LABELS, np.array([0, 9, 1, 0])).toarray()
    expected = lane.relevance(at, LABELS)
    expected[:, 1] = 0  # nine positives: nobody looks for its words
    assert found == pytest.approx(expected)
    assert not found[:, 3].any()


def test_the_nearest_alone_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(words, "EACH", 1)
    lane = FastLane(TEXTS)
    found = named_by_words(lane, np.arange(len(TEXTS)), LABELS, np.zeros(4, dtype=int))
    assert np.diff(found.tocsc().indptr).tolist() == [1, 1, 1, 0]
    assert found.max() == 1
    assert named_by_words(lane, [], LABELS, np.zeros(4, dtype=int)).shape == (0, 4)
