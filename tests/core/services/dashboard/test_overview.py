"""Each figure of the overview against another way to compute it."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import f1_score
from sqlite_utils import Database

from core.evaluate.agreement import set_alpha
from core.evaluate.paired import paired_f1
from core.services import adjudicating, annotating, labelling
from core.services.dashboard.overview import glance, live
from core.services.dashboard.waiting import Waiting
from db import jobs
from db.connect import writing
from db.errors import NotFound
from tests.conftest import NOW, make_project
from tests.core.services.dashboard.measuring import gold_ids, import_texts, publish
from tests.flows.test_click import save

LABELS = tuple(f"標籤{n}" for n in range(9))
SHARES = np.array([0.7, 0.5, 0.4, 0.3, 0.25, 0.2, 0.15, 0.12, 0.08])
CUTS = (0.5, 0.4, 0.5, 0.45, 0.5, 0.5, 0.35, 0.5, 0.3)


def drawn(seed: int, n: int, shares: np.ndarray = SHARES) -> tuple[np.ndarray, np.random.Generator]:
    rng = np.random.default_rng(seed)
    y = rng.random((n, len(shares))) < shares
    y[:, 0] |= ~y.any(axis=1)  # a text has a label
    return y, rng


def answered(y: np.ndarray, rng: np.random.Generator, *, noise: float) -> np.ndarray:
    return np.clip(np.where(y, 0.75, 0.2) + rng.normal(0, noise, y.shape), 0, 1).astype(np.float32)


@pytest.fixture
def project(db: Database, people: dict[str, int], tmp_path: Path) -> int:
    made = make_project(db, labels=LABELS, overlap=2)
    pool, rng = drawn(1, 120)
    gold, _ = drawn(2, 200)
    import_texts(db, made, tmp_path, pool, split="train")
    import_texts(db, made, tmp_path, gold, split="gold")
    ids = gold_ids(db, made)
    publish(db, made, ids, gold, answered(gold, rng, noise=0.35), thresholds=CUTS)
    publish(db, made, ids, gold, answered(gold, rng, noise=0.2), thresholds=CUTS, now=NOW + 60)
    return made


def decided(seed: int, noise: float, before: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Truth and decisions of the project's rounds, drawn as above; ``before`` 1: of the round before."""
    gold, _ = drawn(2, 200)
    _, rng = drawn(1, 120)
    first = answered(gold, rng, noise=0.35)
    second = answered(gold, rng, noise=0.2)
    return gold, (first if before else second).astype(float) >= np.array(CUTS)


def test_macro_and_tail_are_those_of_scikit_learn(db: Database, project: int) -> None:
    found = glance(db, project)
    y, said = decided(1, 0.2)
    assert found.macro is not None
    assert found.tail is not None
    assert found.macro.value == pytest.approx(f1_score(y, said, average="macro", zero_division=0))
    rare = [int(key[1:]) for key in found.tail.keys]
    assert sorted(rare) == sorted(np.argsort(y.sum(axis=0))[:4].tolist())
    of_tail = f1_score(y[:, rare], said[:, rare], average="macro", zero_division=0)
    assert found.tail.value == pytest.approx(of_tail)
    assert (found.macro.round, found.macro.n, found.round) == (2, 200, 2)
    assert found.tail.positives == y[:, rare].sum()


def test_the_tails_interval_is_a_bootstraps(db: Database, project: int) -> None:
    found = glance(db, project).tail
    assert found is not None
    y, said = decided(1, 0.2)
    rare = [int(key[1:]) for key in found.keys]
    rng = np.random.default_rng(5)
    draws = [
        f1_score(y[at][:, rare], said[at][:, rare], average="macro", zero_division=0)
        for at in rng.integers(200, size=(400, 200))
    ]
    assert (found.low, found.high) == pytest.approx(np.percentile(draws, [2.5, 97.5]), abs=0.02)


def test_the_tails_interval_covers_what_many_more_texts_would_give() -> None:
    rng = np.random.default_rng(8)
    shares = np.array([0.25, 0.2, 0.15, 0.1])
    everything = rng.random((40_000, 4)) < shares
    said = np.where(rng.random(everything.shape) < 0.75, everything, rng.random(everything.shape) < shares)
    truth = f1_score(everything, said, average="macro")
    covered = 0
    for seed in range(200):
        at = rng.integers(len(everything), size=150)
        found = paired_f1(everything[at], said[at], np.zeros((150, 4)), tail=range(4), draws=400, seed=seed).tail
        assert found is not None
        covered += found.low <= truth <= found.high
    assert 0.9 <= covered / 200 <= 0.99


def test_the_change_is_paired_over_the_same_texts(db: Database, project: int) -> None:
    found = glance(db, project)
    assert found.macro is not None
    assert found.macro.change.gain is not None
    y, now = decided(1, 0.2)
    _, then = decided(1, 0.35, before=1)
    change = found.macro.change
    before = f1_score(y, then, average="macro", zero_division=0)
    assert change.gain.difference == pytest.approx(found.macro.value - before)
    assert change.gain.low <= change.gain.difference <= change.gain.high
    assert (change.since, change.n, change.all_texts, change.why) == (1, 200, True, "")
    for state in found.labels:
        k = int(state.label.key[1:])
        of_label = f1_score(y[:, k], now[:, k], zero_division=0) - f1_score(y[:, k], then[:, k], zero_division=0)
        assert state.change is not None
        assert state.change.difference == pytest.approx(of_label)
    assert found.tail is not None
    rare = [int(key[1:]) for key in found.tail.keys]
    assert [n for n, _ in found.tail.history] == [1, 2]
    assert found.tail.history[0][1] == pytest.approx(
        f1_score(y[:, rare], then[:, rare], average="macro", zero_division=0)
    )


def test_counts_and_order(db: Database, project: int) -> None:
    found = glance(db, project)
    pool, _ = drawn(1, 120)
    gold, _ = drawn(2, 200)
    assert (found.n_pool, found.n_labelled, found.waiting) == (120, 120, Waiting(untouched=0, second=0))
    assert (found.n_gold, found.n_gold_labelled) == (200, 200)
    assert [each.pool for each in found.labels] == [int(pool[:, int(s.label.key[1:])].sum()) for s in found.labels]
    assert [each.gold for each in found.labels] == [int(gold[:, int(s.label.key[1:])].sum()) for s in found.labels]
    assert all(a.pool + a.gold >= b.pool + b.gold for a, b in pairwise(found.labels))


def test_where_gold_has_grown_only_common_texts_are_compared(db: Database, project: int, tmp_path: Path) -> None:
    more, rng = drawn(9, 40)
    import_texts(db, project, tmp_path, more, split="gold", name="更多")
    gold, _ = drawn(2, 200)
    both = np.concatenate([gold, more])
    publish(db, project, gold_ids(db, project), both, answered(both, rng, noise=0.2), thresholds=CUTS, now=NOW + 99)
    change = glance(db, project).macro.change  # type: ignore[union-attr]
    assert (change.since, change.n, change.all_texts) == (2, 200, False)
    assert change.gain is not None


def test_what_cannot_be_compared_says_why(db: Database, people: dict[str, int], tmp_path: Path) -> None:
    other = make_project(db, key="other", labels=LABELS)
    gold, rng = drawn(2, 60)
    import_texts(db, other, tmp_path, gold, split="gold")
    ids = gold_ids(db, other)
    publish(db, other, ids[:30], gold[:30], answered(gold[:30], rng, noise=0.2), thresholds=CUTS)
    assert glance(db, other).macro.change.why == "first"  # type: ignore[union-attr]
    publish(db, other, ids[30:], gold[30:], answered(gold[30:], rng, noise=0.2), thresholds=CUTS, now=NOW + 1)
    assert glance(db, other).macro.change.why == "no_common"  # type: ignore[union-attr]
    publish(db, other, ids, gold, answered(gold, rng, noise=0.2), thresholds=CUTS, kept=False, now=NOW + 2)
    found = glance(db, other)
    assert found.macro is not None
    assert found.tail is not None
    assert (found.macro.change.why, found.macro.change.since) == ("no_answers", 2)
    assert found.tail.low is None
    assert found.tail.value > 0
    publish(db, other, ids, gold, answered(gold, rng, noise=0.3), thresholds=CUTS, now=NOW + 3)
    assert glance(db, other).macro.change.since == 2  # type: ignore[union-attr]


def test_a_label_that_is_new_or_gone_since_the_round_before(db: Database, project: int, people: dict[str, int]) -> None:
    gold, rng = drawn(2, 200)
    ids = gold_ids(db, project)
    labelling.retire(db, project, "k0", by=people["lee"], now=NOW + 3)
    first = answered(gold[:, 1:], rng, noise=0.2)
    publish(db, project, ids, gold[:, 1:], first, thresholds=CUTS[1:], now=NOW + 4)
    found = glance(db, project).macro
    assert found is not None
    assert found.change.gain is not None  # over the eight labels that there are still
    _, then = decided(1, 0.2)
    now = f1_score(gold[:, 1:], first.astype(float) >= np.array(CUTS[1:]), average="macro", zero_division=0)
    assert found.change.gain.difference == pytest.approx(
        now - f1_score(gold[:, 1:], then[:, 1:], average="macro", zero_division=0)
    )
    labelling.bring_back(db, project, "k0", by=people["lee"], now=NOW + 5)
    publish(db, project, ids, gold, answered(gold, rng, noise=0.2), thresholds=CUTS, now=NOW + 6)
    found = glance(db, project).macro
    assert found is not None
    assert (found.change.why, found.change.since, found.change.gain) == ("other_labels", 3, None)


def test_a_student_that_finds_nothing_is_not_sure_of_it(db: Database, people: dict[str, int], tmp_path: Path) -> None:
    made = make_project(db)
    gold = np.zeros((40, 3), dtype=bool)
    gold[:, 0], gold[:20, 1], gold[:7, 2] = True, True, True
    import_texts(db, made, tmp_path, gold, split="gold")
    probs = np.where(gold, 0.9, 0.1)
    probs[:, 2] = 0.1
    publish(db, made, gold_ids(db, made), gold, probs, thresholds=(0.5, 0.5, 0.5))
    rarest = glance(db, made).labels[-1]
    assert rarest.missed
    assert not rarest.stable
    assert rarest.needed is not None
    assert rarest.needed.expected == 18  # three more at 7 of 40


def test_agreement_is_alpha_over_texts_read_twice(db: Database, people: dict[str, int], tmp_path: Path) -> None:
    made = make_project(db, overlap=2)
    import_texts(db, made, tmp_path, np.zeros((30, 3), dtype=bool), split="pool")
    rng, told = np.random.default_rng(4), {}
    for who in ("ann", "bob"):
        texts = annotating.next_texts(db, made, people[who], n=30, now=NOW)
        for text in texts:
            chosen = [f"k{k}" for k in range(3) if rng.random() < 0.3 + 0.5 * (text.id % 3 == k)] or ["k0"]
            annotating.apply(db, made, people[who], [save(f"{who}{text.id}", text.id, *chosen)], now=NOW)
            told.setdefault(text.id, []).append(frozenset(chosen))
    found = glance(db, made).agreement
    assert found.now is not None
    assert found.now.value == pytest.approx(set_alpha(told.values()))
    assert found.now.n == 30
    assert found.drop is None  # nothing earlier to compare with
    first = next(iter(told))
    adjudicating.leave_out(db, made, first, seen=None, by=people["rae"], now=NOW)
    assert glance(db, made).agreement.now.n == 29  # type: ignore[union-attr]


def test_at_work_is_who_holds_a_text_or_decided_just_now(db: Database, people: dict[str, int], tmp_path: Path) -> None:
    made = make_project(db)
    import_texts(db, made, tmp_path, np.zeros((12, 3), dtype=bool), split="pool")
    assert live(db, made, now=NOW).people == ()
    text = annotating.next_texts(db, made, people["ann"], n=1, now=NOW)[0]
    assert live(db, made, now=NOW + 1).people == ("ann",)
    annotating.apply(db, made, people["ann"], [save("u1", text.id, "k0")], now=NOW + 2)
    seen = live(db, made, now=NOW + 200)
    assert (seen.people, seen.decided, seen.n_left) == (("ann",), 1, 11)
    assert live(db, made, now=NOW + 303).people == ()
    assert live(db, made, now=NOW + 90_000).decided == 0
    adjudicating.settle(db, made, text.id, ["k1"], seen=None, by=people["rae"], now=NOW + 400)
    assert live(db, made, now=NOW + 401).people == ("rae",)


def test_the_workers_silence_is_told_in_seconds(db: Database, project_id: int) -> None:
    assert live(db, project_id, now=NOW).silent_s is None
    with writing(db):
        jobs.worker_beat(db, pid=1, doing="", now=NOW)
    assert live(db, project_id, now=NOW + 45).silent_s == pytest.approx(45)
    assert not live(db, project_id, now=NOW + 45).status.worker_alive
    assert live(db, project_id, now=NOW + 5).status.worker_alive


@pytest.mark.parametrize("labels", [("唯一",), tuple(f"標{n}" for n in range(90))])
def test_projects_of_any_shape_have_a_glance(db: Database, labels: tuple[str, ...], tmp_path: Path) -> None:
    made = make_project(db, labels=labels)
    empty = glance(db, made)
    assert (empty.macro, empty.tail, empty.agreement.now) == (None, None, None)
    assert len(empty.labels) == len(labels)
    y = np.zeros((5, len(labels)), dtype=bool)
    y[:, 0] = True
    import_texts(db, made, tmp_path, y, split="gold")
    publish(db, made, gold_ids(db, made), y, np.zeros(y.shape), thresholds=[0.5] * len(labels))
    found = glance(db, made)
    assert found.macro is not None
    assert found.macro.value == 0
    assert found.tail is not None
    assert len(found.tail.keys) == max(1, round(4 * len(labels) / 9))
    for each in (found.macro, found.tail):
        assert np.isfinite([each.value, each.low, each.high]).all()


def test_a_round_that_measured_nothing_has_no_score(db: Database, project_id: int) -> None:
    publish(db, project_id, [], np.zeros((0, 3)), np.zeros((0, 3)), thresholds=(0.5, 0.5, 0.5))
    found = glance(db, project_id)
    assert found.round == 1
    assert found.macro is not None
    assert found.tail is not None
    assert found.tail.low is None


def test_no_such_project(db: Database) -> None:
    with pytest.raises(NotFound):
        glance(db, 99)
