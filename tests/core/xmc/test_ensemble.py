"""Lists of labels put together, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from core.xmc.ensemble import average, rank_average
from core.xmc.ranker import Ranked

FIRST = Ranked(np.array([[0, 1, 2]]), np.array([[0.9, 0.5, 0.1]]))
SECOND = Ranked(np.array([[1, 3, -1]]), np.array([[0.8, 0.6, -np.inf]]))


def test_the_mean_of_scores_by_hand() -> None:
    both = average([FIRST, SECOND], 4)
    assert both.labels.tolist() == [[1, 0, 3, 2]]
    assert both.scores[0] == pytest.approx([0.65, 0.45, 0.3, 0.05])


def test_the_mean_of_places_by_hand() -> None:
    both = rank_average([FIRST, SECOND], 3)
    assert both.labels.tolist() == [[1, 0, 3]]  # places 2/3 and 1; 1 and none; none and 2/3
    assert both.scores[0] == pytest.approx([5 / 6, 1 / 2, 1 / 3])


def test_of_ranks_only_the_order_counts_and_one_list_stays_as_it_is() -> None:
    other = Ranked(FIRST.labels, np.array([[5.0, -2.0, -7.0]]))
    assert np.array_equal(rank_average([other, SECOND], 3).labels, rank_average([FIRST, SECOND], 3).labels)
    assert np.array_equal(rank_average([other], 3).labels, other.labels)
    short = rank_average([SECOND], 5)
    assert short.labels.tolist() == [[1, 3, -1, -1, -1]]


def test_what_has_no_mean_is_refused() -> None:
    with pytest.raises(ValueError, match="below 0"):
        average([Ranked(FIRST.labels, FIRST.scores - 1)], 3)
    with pytest.raises(ValueError, match="texts"):
        rank_average([], 3)
