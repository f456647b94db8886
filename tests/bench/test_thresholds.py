"""Thresholds on few positives: which rules overfit, in a simulation whose truth is known."""

import json

import numpy as np
import pytest

from bench import thresholds
from bench.thresholds import LEVELS, SEPARATION, best_f1, by_level, draw, fresh_f1, seen_f1, shares_of, simulate


@pytest.fixture(scope="module")
def found():
    return simulate(draws=30, valid=500)


def of(found, rule: str, which: str) -> np.ndarray:
    return by_level(found[rule][which])


def test_f1_on_fresh_texts_is_what_many_texts_give():
    shares = np.array([0.02, 0.3])
    p, y, counted = draw(shares, 200_000, SEPARATION, np.random.default_rng(0))
    for cut in (0.05, 0.3, 0.7):
        cuts = np.full(2, cut)
        np.testing.assert_allclose(seen_f1(cuts, p, y), fresh_f1(cuts, shares, SEPARATION), atol=0.01)
    assert np.abs(counted - shares).max() < 0.01
    assert y.mean(axis=0) == pytest.approx(shares)
    assert np.mean(y[np.abs(p - 0.4) < 0.02]) == pytest.approx(0.4, abs=0.03), "scores are honest"


def test_a_cut_tuned_on_few_positives_promises_more_than_it_keeps(found):
    """The fewer positives, the more; and as many as fifty are enough."""
    seen, fresh = (of(found, "per_label, in one part", which) for which in ("seen", "fresh"))
    optimism = seen - fresh
    assert optimism[0] > 0.15
    assert optimism[LEVELS.index(50)] < 0.06
    assert (np.diff(optimism[: len(LEVELS)]) < 0.01).all()


@pytest.mark.parametrize("rule", ["micromacro", "scutfbr", "smoothed (auto)"])
def test_the_rules_for_rare_labels_overfit_less_and_reach_more(found, rule: str):
    few = slice(0, LEVELS.index(10))
    naive = "per_label, in one part"
    assert (of(found, rule, "fresh")[few] > of(found, naive, "fresh")[few] + 0.01).all()
    optimism = of(found, rule, "seen") - of(found, rule, "fresh")
    assert (optimism[few] < (of(found, naive, "seen") - of(found, naive, "fresh"))[few] - 0.05).all()
    best = by_level(best_f1(shares_of(500), SEPARATION)[None])
    assert (of(found, rule, "fresh") <= best + 1e-6).all()


def test_where_positives_are_many_the_rules_agree(found):
    head = [of(found, rule, "fresh")[-1] for rule in found if rule not in ("half", "global")]
    assert np.ptp(head) < 0.01


def test_it_prints_a_table_and_json(capsys: pytest.CaptureFixture[str]):
    thresholds.main(["--draws", "2", "--valid", "300"])
    *table, last = capsys.readouterr().out.strip().splitlines()
    said = json.loads(last)
    assert len(table) == 2 + len(thresholds.RULES)
    assert set(said["rules"]) == {"best there is", *thresholds.RULES}
    assert all(len(row["fresh"]) == len(LEVELS) + 1 for row in said["rules"].values())
