import numpy as np
import pytest

from core.active.need import LEAST_GAP, need


def test_without_figures_it_is_support_alone() -> None:
    np.testing.assert_allclose(need([0, 1, 3]), np.array([1, 1 / 2, 1 / 4]) / 1.75)


def test_a_weak_figure_raises_and_a_good_one_lowers_the_share() -> None:
    shares = need([9, 9, 9], [0.2, 0.5, 0.8], target=0.8)
    np.testing.assert_allclose(shares, np.array([0.6, 0.3, LEAST_GAP]) / (0.9 + LEAST_GAP))


def test_what_was_not_measured_counts_as_nothing_reached() -> None:
    np.testing.assert_allclose(need([9, 9], [np.nan, 0.4], target=0.8), [2 / 3, 1 / 3])


def test_a_label_past_its_target_is_still_asked_about() -> None:
    assert need([50, 50], [0.95, 0.95]).tolist() == [0.5, 0.5]


@pytest.mark.parametrize("order", [[2, 0, 1], [1, 2, 0]])
def test_the_order_of_the_labels_changes_no_bit(order: list[int]) -> None:
    counts, f1 = np.array([5, 0, 7]), np.array([0.1, np.nan, 0.7])
    assert need(counts[order], f1[order]).tolist() == need(counts, f1)[order].tolist()


@pytest.mark.parametrize(("counts", "f1"), [([-1, 2], None), ([[1]], None), ([1, 2], [0.5]), ([1, 2], [0.5, 1.5])])
def test_what_makes_no_sense_is_refused(counts: list, f1: list | None) -> None:
    with pytest.raises(ValueError):
        need(counts, f1)


def test_no_label_no_share() -> None:
    assert need([]).tolist() == []
