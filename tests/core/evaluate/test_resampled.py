"""Agreement of many votes: the same figures as one by one, and intervals that hold the truth as often as they say."""

from __future__ import annotations

from itertools import combinations

import krippendorff
import numpy as np
import pytest

from core.evaluate import agreement, resampled
from core.evaluate.agreement import MISSING
from core.evaluate.pairs import kappa_estimates, pairs
from core.evaluate.resampled import Estimate, Readings, drawn_sums, label_alphas, read_twice, set_alpha


def drawn(seed: int, n: int, *, people: int = 4, labels: int = 3, noise: float = 0.15, twos: bool = False) -> Readings:
    """Texts with true labels of falling frequency, read by two people or more, each of whom errs now and then."""
    random = np.random.default_rng(seed)
    truth = random.random((n, labels)) < 0.5 / np.arange(1, labels + 1)
    readers = np.full(n, 2) if twos else random.integers(1, people + 1, size=n)
    texts = np.repeat(np.arange(n), readers)
    who = np.concatenate([np.sort(random.permutation(people)[:m]) for m in readers]) if n else np.zeros(0, int)
    votes = truth[texts] ^ (random.random((len(texts), labels)) < noise)
    members, sets = np.unique(votes, axis=0, return_inverse=True)
    return read_twice(texts, who, sets.ravel(), members.reshape(-1, labels).astype(bool))


def as_sets(readings: Readings) -> list[list[tuple[int, frozenset[str]]]]:
    found: list[list[tuple[int, frozenset[str]]]] = [[] for _ in range(readings.n)]
    for text, person, number in zip(readings.texts, readings.people, readings.sets, strict=True):
        chosen = frozenset(f"k{k}" for k in np.flatnonzero(readings.members[number]))
        found[text].append((int(person), chosen))
    return found


def as_votes(readings: Readings, people: int) -> np.ndarray:
    labels = [f"k{k}" for k in range(readings.members.shape[1])]
    return agreement.as_votes(as_sets(readings), range(people), labels)


def values(found: tuple[Estimate | None, ...]) -> list[float]:
    return [np.nan if each is None else each.value for each in found]


def holds(found: Estimate | None, truth: float) -> bool:
    return found is not None and found.low is not None and found.high is not None and found.low <= truth <= found.high


@pytest.mark.parametrize("seed", range(4))
def test_the_figures_are_those_of_the_plain_functions_and_of_the_fields_package(seed: int) -> None:
    readings = drawn(seed, 60, people=5, labels=4)
    votes = as_votes(readings, 5)
    alphas = values(label_alphas(readings))
    assert alphas == pytest.approx(agreement.krippendorff_alpha(votes), nan_ok=True)
    theirs = [
        krippendorff.alpha(np.where(votes[:, :, k] == MISSING, np.nan, votes[:, :, k]), level_of_measurement="nominal")
        for k in range(4)
    ]
    assert alphas == pytest.approx(theirs)
    whole = set_alpha(readings)
    assert whole is not None
    assert whole.value == pytest.approx(agreement.set_alpha([[s for _, s in text] for text in as_sets(readings)]))
    assert whole.n == readings.n
    found = pairs(readings)
    assert [tuple(each) for each in found.people] == list(combinations(range(5), 2))
    for (a, b), n, kappas, chosen in zip(found.people, found.n, found.kappas(), found.chosen, strict=True):
        assert n == ((votes[a] != MISSING) & (votes[b] != MISSING))[:, 0].sum()
        want = agreement.cohen_kappa(votes[a], votes[b])
        assert kappas == pytest.approx(want, nan_ok=True)
        assert values(kappa_estimates(int(n), chosen)) == pytest.approx(want, nan_ok=True)


def test_many_texts_and_sets_go_the_short_way_to_the_same_place(monkeypatch: pytest.MonkeyPatch) -> None:
    readings = drawn(7, 400, people=4, labels=5)
    exact, tables = set_alpha(readings), pairs(readings)
    monkeypatch.setattr(resampled, "FEW_SETS", 0)  # the expected distance to first order
    first_order = set_alpha(readings)
    monkeypatch.setattr(resampled, "MANY", 0)  # sums from their normal limit
    limit = set_alpha(readings)
    assert exact is not None
    for other in (first_order, limit):
        assert other is not None
        assert other.value == exact.value
        assert other.low == pytest.approx(exact.low, abs=0.01)
        assert other.high == pytest.approx(exact.high, abs=0.01)
    monkeypatch.setattr(resampled, "MANY_SETS", 10)  # votes drawn instead of all
    monkeypatch.setattr(resampled, "PAIRS", 300_000)
    sampled = set_alpha(readings)
    assert sampled is not None
    assert sampled.value == pytest.approx(exact.value, abs=0.01)
    assert sampled.low == pytest.approx(exact.low, abs=0.02)
    monkeypatch.setattr("core.evaluate.pairs.CELLS", 0)
    assert (pairs(readings).chosen == tables.chosen).all()


def test_the_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    """Nominal 95 %. The truth is the figure over very many texts of the same kind."""
    ours = drawn(0, 40_000, people=2, twos=True)
    alpha, alphas = set_alpha(ours, resamples=50), values(label_alphas(ours, resamples=50))
    kappas = pairs(ours).kappas()[0]
    assert alpha is not None
    held = {"set": 0, "label": 0, "kappa": 0}
    tries = 300
    for seed in range(1, tries + 1):
        few = drawn(seed, 60, people=2, twos=True)
        held["set"] += holds(set_alpha(few, resamples=400, seed=seed), alpha.value)
        held["label"] += holds(label_alphas(few, resamples=400, seed=seed)[0], alphas[0])
        table = pairs(few)
        found = kappa_estimates(int(table.n[0]), table.chosen[0], resamples=400, seed=seed)
        held["kappa"] += holds(found[0], float(kappas[0]))
    assert {name: 0.90 <= n / tries <= 0.99 for name, n in held.items()} == dict.fromkeys(held, True), held


def test_where_all_agree_the_lower_end_says_how_little_that_is() -> None:
    members = np.array([[True, False], [False, True]])
    for n, low in ((6, -0.2), (300, 0.95)):
        sets = np.repeat(np.arange(n) % 2, 2)
        readings = read_twice(np.repeat(np.arange(n), 2), np.tile([1, 2], n), sets, members)
        unseen = 1 - 0.025 ** (1 / n)  # of the texts may have two opinions, though none of n has
        for found in (set_alpha(readings), *label_alphas(readings)):
            assert found is not None
            assert found.low is not None
            assert (found.value, found.high) == (1, 1)
            assert found.low == pytest.approx(1 - unseen * 2 * n * (2 * n - 1) / (2 * n * n))
            assert (found.low < 0.3) if n == 6 else (found.low > low)
        kappa = kappa_estimates(n, pairs(readings).chosen[0])[0]
        assert kappa is not None
        assert kappa.low == pytest.approx(1 - unseen / 0.5)


def test_where_nothing_can_be_said_there_is_no_number() -> None:
    members = np.eye(2, dtype=bool)
    nobody = read_twice([], [], [], members)
    alone = read_twice([3, 5, 9], [1, 1, 2], [0, 1, 0], members)
    for readings in (nobody, alone):
        assert (readings.n, set_alpha(readings), label_alphas(readings)) == (0, None, (None, None))
        assert len(pairs(readings).n) == 0
    alike = read_twice([3, 3, 5, 5], [1, 2, 1, 2], [0, 0, 0, 0], members)
    assert set_alpha(alike) is None
    assert label_alphas(alike) == (None, None)
    assert kappa_estimates(2, pairs(alike).chosen[0]) == (None, None)


def test_votes_of_a_text_that_stand_apart_are_refused() -> None:
    with pytest.raises(ValueError, match="stand together"):
        read_twice([2, 1, 2], [1, 1, 2], [0, 0, 0], np.eye(2, dtype=bool))


def test_drawn_sums_have_the_mean_and_spread_of_a_bootstrap(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(3)
    rows, times = random.random((40, 2)), random.integers(1, 9, size=40)
    every = np.repeat(rows, times, axis=0)
    slow = np.array([every[random.integers(0, len(every), len(every))].sum(axis=0) for _ in range(4000)])
    for limit in (1000, 0):
        monkeypatch.setattr(resampled, "MANY", limit)
        quick = drawn_sums(rows, times, resamples=4000)
        assert quick.mean(axis=0) == pytest.approx(slow.mean(axis=0), rel=0.01)
        assert np.cov(quick.T) == pytest.approx(np.cov(slow.T), rel=0.15, abs=0.5)


def test_many_labels_are_packed_beyond_a_word() -> None:
    random = np.random.default_rng(5)
    members = np.unique(random.random((40, 90)) < 0.03, axis=0)
    sets = random.integers(0, len(members), size=120)
    readings = read_twice(np.repeat(np.arange(40), 3), np.tile([1, 2, 3], 40), sets, members)
    whole = set_alpha(readings)
    assert whole is not None
    assert whole.value == pytest.approx(agreement.set_alpha([[s for _, s in text] for text in as_sets(readings)]))
