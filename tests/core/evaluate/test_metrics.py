import numpy as np
import pytest
from sklearn.metrics import accuracy_score, precision_recall_fscore_support

from core.evaluate.metrics import AGGREGATES, aggregate, per_label, rows

RNG = np.random.default_rng(1)
Y = (RNG.random((80, 5)) < [0.7, 0.4, 0.2, 0.05, 0.0]).astype(int)
PROBS = np.clip(Y * 0.4 + RNG.random((80, 5)) * 0.6, 0, 1)
PREDICTED = PROBS >= 0.5


def test_figures_equal_scikit_learn():
    expected = precision_recall_fscore_support(Y, PREDICTED, zero_division=0, average=None)
    for ours, theirs in zip(per_label(PREDICTED, Y), expected, strict=False):
        np.testing.assert_allclose(ours, theirs)
    ours_all = aggregate(PREDICTED, Y)
    for name in ("macro", "micro", "weighted"):
        theirs_all = precision_recall_fscore_support(Y, PREDICTED, zero_division=0, average=name)
        np.testing.assert_allclose(ours_all[name], theirs_all[:3])
    assert ours_all["subset"] == pytest.approx((accuracy_score(Y, PREDICTED),) * 3)


def test_rows_hold_an_interval_and_what_to_name_beside_it():
    made = rows(PROBS, Y, np.full(5, 0.5), keys="abcde", model="student", split="gold", seed=3)
    assert [row.scope for row in made] == [*"abcde", *AGGREGATES]
    assert all(row.low <= row.f1 <= row.high for row in made if row.support)
    assert made == rows(PROBS, Y, np.full(5, 0.5), keys="abcde", model="student", split="gold", seed=3)
    assert [row.support for row in made[:5]] == Y.sum(axis=0).tolist()
    assert (made[4].support, made[4].f1, made[4].low, made[4].high) == (0, 0, None, None)  # nothing to be right about
    assert made[0].threshold == 0.5
    assert made[5].threshold is None


def test_the_interval_narrows_with_more_documents():
    def width(times: int) -> float:
        probs, y = np.tile(PROBS, (times, 1)), np.tile(Y, (times, 1))
        macro = rows(probs, y, np.full(5, 0.5), keys="abcde", model="m", split="s")[5]
        return macro.high - macro.low

    assert width(8) < 0.6 * width(1)


@pytest.mark.parametrize("n", [0, 1])
def test_no_or_one_document_is_no_crash(n: int):
    made = rows(PROBS[:n], Y[:n], np.full(5, 0.5), keys="abcde", model="m", split="s")
    assert len(made) == 9
    assert all(np.isfinite(row.f1) for row in made)
    assert all(np.isfinite(row.low) and np.isfinite(row.high) for row in made if row.low is not None)
    assert any(row.low is None for row in made)
