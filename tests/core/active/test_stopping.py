"""Signals of when to stop, by hand and against libraries; rules that say nothing too early."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import entropy
from sklearn.metrics import cohen_kappa_score, f1_score

from core.active.stopping import (
    MIN_GOLD,
    MIN_TEXTS,
    STOP_SET,
    Gain,
    Ruling,
    Signals,
    changed,
    gain,
    kappas,
    overall_uncertainty,
    rulings,
    stop_set,
)

RNG = np.random.default_rng(7)


def drawn(n: int, k: int, share: float = 0.4) -> np.ndarray:
    return RNG.random((n, k)) < share


def test_uncertainty_is_the_mean_binary_entropy() -> None:
    probs = RNG.random((40, 3))
    known = np.mean([entropy([p, 1 - p], base=2) for p in probs.ravel()])
    assert overall_uncertainty(probs) == pytest.approx(known)
    assert overall_uncertainty(np.array([[0.0, 1.0]])) == 0
    assert overall_uncertainty(np.full((2, 2), 0.5)) == 1
    assert overall_uncertainty(np.zeros((0, 3))) is None


def test_change_counts_decisions_and_texts() -> None:
    before = np.array([[1, 0], [0, 0], [1, 1], [0, 1]])
    after = np.array([[1, 0], [1, 1], [1, 0], [0, 1]])
    assert changed(before, after) == (3 / 8, 2 / 4)
    assert changed(before, before) == (0, 0)
    assert changed(before[:0], after[:0]) is None


def test_kappa_is_cohens_and_undefined_where_both_say_always_the_same() -> None:
    before, after = drawn(200, 3), drawn(200, 3)
    after[:120] = before[:120]
    before[:, 2] = after[:, 2] = False
    found = kappas(before, after)
    for k in range(2):
        assert found[k] == pytest.approx(cohen_kappa_score(before[:, k], after[:, k]))
    assert np.isnan(found[2])
    assert np.isnan(kappas(before[:0], after[:0])).all()


def test_a_gain_is_the_difference_of_macro_f1_within_its_interval() -> None:
    y = drawn(300, 4)
    before, after = y ^ drawn(300, 4, 0.3), y ^ drawn(300, 4, 0.1)
    found = gain(before, after, y)
    one, other = (f1_score(y, each, average="macro") for each in (after, before))
    assert found.f1 == pytest.approx(one - other)
    assert 0 < found.low < found.f1 < found.high
    assert (found.n, found.positives) == (300, pytest.approx(y.sum() / 4))
    assert gain(after, after, y).high == 0


@pytest.mark.parametrize("shape", [(3, 2), (4, 3)])
def test_unlike_shapes_are_refused(shape: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="shapes"):
        changed(np.zeros((4, 2)), np.zeros(shape))
    with pytest.raises(ValueError, match="shape"):
        gain(np.zeros((4, 2)), np.zeros((4, 2)), np.zeros(shape))


def test_the_stop_set_stays_while_texts_leave_and_come() -> None:
    ids = np.arange(1, 5 * STOP_SET)
    before = set(ids[stop_set(ids)])
    left = np.array([each for each in ids if each % 10])  # a tenth was labelled
    after = set(left[stop_set(left)])
    assert len(before) == len(after) == STOP_SET
    assert {each for each in before if each % 10} <= after
    assert stop_set(ids[:10]).tolist() == list(range(10))
    assert abs(np.mean(list(before)) / ids.mean() - 1) < 0.1  # spread over all of them


QUIET = Signals(
    uncertainty=0.01, n_pool=500, against=1, n_both=400, decisions_changed=0.001, texts_changed=0.01, kappa=0.99
)
LOUD = Signals(uncertainty=0.6, n_pool=500, against=1, n_both=400, decisions_changed=0.2, texts_changed=0.7, kappa=0.3)
FIRST = Signals(uncertainty=0.01, n_pool=500)
LEVEL, RISING = Gain(0.001, -0.01, 0.01, 300, 40.0), Gain(0.05, 0.02, 0.09, 300, 40.0)


def verdicts(history: list[Signals], risen: Gain | None) -> list[str]:
    return [each.verdict for each in rulings(history, risen)]


def test_one_round_is_too_early_for_every_rule() -> None:
    assert verdicts([], None) == ["too_early"] * 4
    found = rulings([FIRST], None)
    assert {each.verdict for each in found} == {"too_early"}
    assert {each.why for each in found} == {"rounds"}


def test_each_rule_waits_for_its_window_and_then_says_what_it_sees() -> None:
    assert verdicts([FIRST, QUIET], LEVEL) == ["may_stop", "too_early", "too_early", "too_early"]
    assert verdicts([FIRST, QUIET, QUIET], LEVEL) == ["may_stop", "may_stop", "too_early", "too_early"]
    assert verdicts([FIRST, QUIET, QUIET, QUIET], LEVEL) == ["may_stop"] * 4
    assert verdicts([FIRST, LOUD, LOUD, LOUD], RISING) == ["go_on"] * 4


def test_one_loud_round_in_the_window_is_enough_to_go_on() -> None:
    assert verdicts([FIRST, QUIET, QUIET, QUIET, LOUD], LEVEL)[:3] == ["go_on"] * 3


def test_a_gain_that_may_still_be_large_is_no_reason_to_stop() -> None:
    history = [FIRST, QUIET, QUIET, QUIET]
    unsure = Gain(0.0, -0.05, 0.05, 300, 40.0)
    assert verdicts(history, unsure)[3] == "go_on"


@pytest.mark.parametrize("few", [Gain(0.0, 0.0, 0.0, MIN_GOLD - 1, 40.0), Gain(0.0, 0.0, 0.0, 300, 9.0)])
def test_little_gold_gives_no_verdict(few: Gain) -> None:
    found = rulings([FIRST, QUIET, QUIET, QUIET], few)[3]
    assert (found.verdict, found.why) == ("too_early", "gold")


def test_few_texts_in_common_and_undefined_kappas_give_no_verdict() -> None:
    small = Signals(
        uncertainty=0.0, n_pool=MIN_TEXTS - 1, against=1, n_both=MIN_TEXTS - 1, decisions_changed=0.0, kappa=1.0
    )
    assert [each.why for each in rulings([small] * 4, LEVEL)[:3]] == ["texts"] * 3
    none = Signals(uncertainty=0.0, n_pool=500, against=1, n_both=400, decisions_changed=0.0, kappa=None)
    found: Ruling = rulings([none] * 4, LEVEL)[2]
    assert (found.verdict, found.why, found.value) == ("too_early", "labels", None)


@given(st.integers(1, 60), st.integers(1, 5), st.integers(0, 2**31))
def test_signals_lie_in_their_bounds(n: int, k: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    before, after = rng.random((n, k)) < 0.3, rng.random((n, k)) < 0.3
    shares = changed(before, after)
    assert shares is not None
    assert 0 <= shares[0] <= shares[1] <= 1
    found = kappas(before, after)
    assert ((found <= 1) | np.isnan(found)).all()
    uncertainty = overall_uncertainty(rng.random((n, k)))
    assert uncertainty is not None
    assert 0 <= uncertainty <= 1
