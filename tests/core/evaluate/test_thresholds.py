import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from core.evaluate.thresholds import PRIOR, choose


def test_a_label_without_validation_positives_keeps_one_half():
    np.testing.assert_array_equal(choose(np.array([[0.1, 0.9], [0.8, 0.2]]), np.array([[0, 0], [0, 1]]))[:1], [0.5])


def test_few_positives_move_the_cut_a_little_and_many_move_it_far():
    few_p = np.array([0.05, 0.1, 0.2, 0.3])[:, None]
    few_y = np.array([0, 0, 1, 1])[:, None]
    many_p, many_y = np.repeat(few_p, 100, axis=0), np.repeat(few_y, 100, axis=0)
    few, many = choose(few_p, few_y)[0], choose(many_p, many_y)[0]
    assert np.isclose(few, (2 * 0.15 + PRIOR * 0.5) / (2 + PRIOR))
    assert 0.15 < many < 0.2 < few < 0.5


def test_a_cut_that_cannot_be_bettered_stays_one_half():
    p = np.array([0.2, 0.4, 0.6, 0.9])[:, None]
    assert choose(p, np.array([0, 0, 1, 1])[:, None])[0] == 0.5


def test_no_validation_at_all():
    np.testing.assert_array_equal(choose(np.empty((0, 3)), np.empty((0, 3))), [0.5] * 3)


@given(arrays(np.float64, (12, 2), elements=st.floats(0, 1)), arrays(np.int8, (12, 2), elements=st.integers(0, 1)))
def test_always_between_the_probabilities(p, y):
    assert ((choose(p, y) >= 0) & (choose(p, y) <= 1)).all()
