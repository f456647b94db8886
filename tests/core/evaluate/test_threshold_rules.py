"""Each rule against a search by brute force, and what few positives do to it."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from sklearn.metrics import f1_score

from core.config import THRESHOLDS
from core.evaluate.threshold_rules import (
    GRID,
    RULES,
    best_global,
    best_per_label,
    choose,
    micromacro,
    of_probabilities,
    scutfbr,
)


def made(seed: int, n: int = 24, k: int = 3) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    y = rng.random((n, k)) < np.linspace(0.6, 0.15, k)
    return np.round(0.3 * y + 0.7 * rng.random((n, k)), 2), y


def cuts_of(scores: np.ndarray) -> list[float]:
    seen = np.unique(scores)
    return [seen[0], *((seen[1:] + seen[:-1]) / 2), np.nextafter(seen[-1], 2)]


@pytest.mark.parametrize("seed", range(5))
def test_one_cut_for_all_is_the_grids_best(seed: int) -> None:
    scores, y = made(seed)
    found = best_global(scores, y)
    by_cut = [f1_score(y, scores >= cut, average="micro", zero_division=0) for cut in GRID]
    assert found == GRID[int(np.argmax(by_cut))]
    assert (choose("global", scores, y) == found).all()


@pytest.mark.parametrize("seed", range(5))
def test_a_cut_for_each_label_is_the_best_there_is(seed: int) -> None:
    scores, y = made(seed)
    for k, cut in enumerate(best_per_label(scores, y)):
        best = max(f1_score(y[:, k], scores[:, k] >= each, zero_division=0) for each in cuts_of(scores[:, k]))
        assert f1_score(y[:, k], scores[:, k] >= cut, zero_division=0) == pytest.approx(best)


@pytest.mark.parametrize("seed", range(5))
def test_micromacro_maximises_what_it_says_label_by_label(seed: int) -> None:
    scores, y = made(seed)
    found = micromacro(scores, y, np.zeros(len(y), dtype=int))
    order = np.argsort(-y.sum(axis=0), kind="stable")
    done: list[int] = []
    for i, k in enumerate(order, start=1):

        def value(cut: float, k: int = k, i: int = i, done: tuple[int, ...] = tuple(done)) -> float:
            cols = [*done, k]
            predicted = scores[:, cols] >= [*(found[j] for j in done), cut]
            micro = f1_score(y[:, cols].ravel(), predicted.ravel(), zero_division=0)
            return micro + f1_score(y[:, k], scores[:, k] >= cut, zero_division=0) / i

        assert value(found[k]) == pytest.approx(max(map(value, cuts_of(scores[:, k]))))
        done.append(int(k))


def test_folds_cuts_are_averaged() -> None:
    scores, y = made(1, n=40)
    folds = np.arange(40) % 4
    for rule, alone in (("per_label", best_per_label), ("micromacro", lambda s, t: micromacro(s, t, np.zeros(len(t))))):
        if rule == "micromacro":  # frequencies are of all texts, so the order of labels must be the same in each fold
            y[:, 0], y[:, 2] = True, False
            y[:4, 2] = True
        expected = np.mean([alone(scores[folds == f], y[folds == f]) for f in range(4)], axis=0)
        np.testing.assert_allclose(choose(rule, scores, y, folds), expected)


def test_below_the_floor_a_label_is_cut_at_its_highest_score() -> None:
    rng = np.random.default_rng(0)
    scores, y = rng.random((60, 2)), np.zeros((60, 2), dtype=bool)
    y[:, 0] = scores[:, 0] > 0.5  # plain
    y[rng.permutation(60)[:3], 1] = True  # chance alone
    folds = np.arange(60) % 3
    cuts = scutfbr(scores, y, folds, floors=[0.4])
    assert cuts[0] == pytest.approx(0.5, abs=0.05)
    tops = [scores[folds == f, 1].max() for f in range(3)]
    assert cuts[1] == pytest.approx(np.mean(tops), abs=1e-9)


def test_few_positives_overfit_a_cut_of_their_own_and_the_averaged_rules_less() -> None:
    """Scores that tell a rare label faintly: the cut that is best on three positives costs F1 on new texts."""
    shown: dict[str, list[float]] = {"per_label_once": [], "per_label": [], "micromacro": []}
    for seed in range(60):
        rng = np.random.default_rng(seed)
        y = rng.random((4000, 2)) < (0.3, 0.02)
        scores = 1 / (1 + np.exp(-(rng.normal(size=(4000, 2)) + np.where(y, 1.2, -1.2))))
        some, rest, folds = slice(0, 200), slice(200, None), np.arange(200) % 5
        cuts = {
            "per_label_once": choose("per_label", scores[some], y[some]),
            "per_label": choose("per_label", scores[some], y[some], folds),
            "micromacro": choose("micromacro", scores[some], y[some]),
        }
        for name, cut in cuts.items():
            shown[name].append(
                f1_score(y[some, 1], scores[some, 1] >= cut[1], zero_division=0)
                - f1_score(y[rest, 1], scores[rest, 1] >= cut[1], zero_division=0)
            )
    optimism = {name: float(np.mean(each)) for name, each in shown.items()}
    assert optimism["per_label_once"] > 0.1, optimism
    assert optimism["per_label"] < optimism["per_label_once"], optimism


@pytest.mark.parametrize("rule", RULES)
def test_what_is_degenerate_is_defined(rule: str) -> None:
    scores, y = made(2)
    y[:, 1], y[:, 2] = False, True
    cuts = choose(rule, scores, y, np.arange(len(y)) % 3)
    assert np.isfinite(cuts).all()
    if rule in ("per_label", "micromacro"):
        assert not (scores[:, 1] >= cuts[1]).all()
    same = choose(rule, np.full((6, 2), 0.5), np.tile([[True, False]], (6, 1)))
    assert np.isfinite(same).all()
    assert choose(rule, scores[:, ::-1], y[:, ::-1]).tolist() == choose(rule, scores, y)[::-1].tolist()


def test_monotone_scores_give_the_same_predictions() -> None:
    scores, y = made(3)
    for rule in ("per_label", "micromacro"):
        for f in (lambda s: 10 * s - 3, lambda s: s * 2):
            np.testing.assert_array_equal(
                scores >= choose(rule, scores, y), f(scores) >= choose(rule, f(scores), y), rule
            )


@pytest.mark.parametrize(
    "bad",
    [
        lambda s, y: choose("nothing", s, y),
        lambda s, y: choose("half", s[:5], y),
        lambda s, y: choose("half", np.where(s == s.max(), np.nan, s), y),
        lambda s, y: choose("half", s[:0], y[:0]),
        lambda s, y: choose("micromacro", s, y, np.zeros(3)),
    ],
)
def test_bad_input_is_said(bad) -> None:
    with pytest.raises(ValueError, match=r"none of|scores|number"):
        bad(*made(4))


def test_labels_do_not_wait_for_each_other_in_time() -> None:
    """A thousand labels: nothing here grows with the square of their number."""
    scores, y = made(5, n=50, k=1000)
    assert choose("micromacro", scores, y).shape == (1000,)
    assert list(itertools.islice(choose("scutfbr", scores, y, np.arange(50) % 3), 1))


def test_a_round_names_these_rules_and_its_cuts_are_probabilities() -> None:
    assert ("auto", *RULES) == THRESHOLDS
    scores, y = made(6)
    y[:, 1] = False
    for rule in RULES:
        cuts = of_probabilities(rule, scores, y)
        assert ((cuts >= 0.02) & (cuts <= 0.98)).all()
    assert of_probabilities("micromacro", scores[:0], y[:0]).tolist() == [0.5] * 3
