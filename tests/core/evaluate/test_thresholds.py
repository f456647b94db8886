import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from core.evaluate.thresholds import PRIOR, choose

RISING = np.linspace(0.01, 0.99, 99)[:, None]


def test_a_label_without_validation_positives_goes_by_its_frequency():
    found = choose(RISING, np.zeros((99, 1)), [0.25])[0]
    assert abs((found < RISING).mean() - 0.25) < 0.02


def test_a_model_whose_probabilities_are_all_high_is_cut_high_and_one_all_low_is_cut_low():
    y = (RISING > 0.8).astype(int)
    high, low = choose(0.9 + RISING / 20, y, [0.2])[0], choose(RISING / 20, y, [0.2])[0]
    assert 0.93 < high < 0.95
    assert 0.03 < low < 0.05


def test_few_positives_move_the_cut_a_little_and_many_move_it_far():
    few_p = np.array([0.05, 0.1, 0.2, 0.3])[:, None]
    few_y = np.array([0, 0, 1, 1])[:, None]
    many_p, many_y = np.repeat(few_p, 100, axis=0), np.repeat(few_y, 100, axis=0)
    few, many = choose(few_p, few_y, [0.0])[0], choose(many_p, many_y, [0.0])[0]
    assert np.isclose(few, (2 * 0.15 + PRIOR * 0.3) / (2 + PRIOR))
    assert 0.15 < many < 0.2 < few < 0.3


def test_no_validation_at_all():
    np.testing.assert_array_equal(choose(np.empty((0, 3)), np.empty((0, 3)), [0.1, 0.5, 0.9]), [0.5] * 3)


@given(
    arrays(np.float64, (12, 2), elements=st.floats(0, 1)),
    arrays(np.int8, (12, 2), elements=st.integers(0, 1)),
    arrays(np.float64, (2,), elements=st.floats(0, 1)),
)
def test_always_strictly_between_zero_and_one(p, y, prevalence):
    found = choose(p, y, prevalence)
    assert ((found > 0) & (found < 1)).all()
