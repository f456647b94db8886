"""What is found to need attention, in which order, and that nothing is found where nothing is amiss."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from sqlite_utils import Database

from core.evaluate.proportion import share
from core.evaluate.resampled import Estimate
from core.services import annotating, labelling, scheduling
from core.services.dashboard.agreed import apart
from core.services.dashboard.attention import Finding, findings
from core.services.dashboard.overview import Live, glance, live
from db import jobs, rounds
from db.connect import execute, writing
from db.records import QueueRow
from tests.conftest import NOW, make_project
from tests.core.services.dashboard.measuring import gold_ids, import_texts, publish
from tests.flows.test_click import save


def beat(db: Database, now: float = NOW) -> None:
    with writing(db):
        jobs.worker_beat(db, pid=1, doing="", now=now)


def found(db: Database, project: int, now: float = NOW) -> tuple[Finding, ...]:
    return findings(glance(db, project), live(db, project, now=now))


def codes(db: Database, project: int, now: float = NOW) -> list[str]:
    return [each.code for each in found(db, project, now)]


def of(db: Database, project: int, code: str, now: float = NOW) -> Finding:
    return next(each for each in found(db, project, now) if each.code == code)


@pytest.fixture
def calm(db: Database, people: dict[str, int], tmp_path: Path) -> int:
    """A project in which nothing is amiss: enough gold, a sure student, texts that wait and are ranked."""
    made = make_project(db)
    y = np.zeros((900, 3), dtype=bool)
    y[:, 0], y[::2, 1], y[::3, 2] = True, True, True
    import_texts(db, made, tmp_path, y[:60], split="train")
    import_texts(db, made, tmp_path, np.zeros((40, 3)), split="pool", name="等")
    import_texts(db, made, tmp_path, y, split="gold")
    probs = np.where(y, 0.9, 0.1)
    for second in (0, 1):
        publish(db, made, gold_ids(db, made), y, probs, thresholds=(0.5, 0.5, 0.5), now=NOW + second)
    rank(db, made)
    beat(db)
    return made


def rank(db: Database, project: int) -> None:
    waits = db.query("SELECT id FROM documents WHERE project_id = ? AND state = 'open' AND role = 'pool'", (project,))
    queue = [QueueRow(document_id=each["id"], rank=n, score=0.5, reason={}) for n, each in enumerate(waits)]
    with writing(db):
        rounds.replace_queue(db, project, queue, source="linear", round_id=None)


def test_where_nothing_is_amiss_nothing_is_said(db: Database, calm: int) -> None:
    assert codes(db, calm) == []


def test_a_silent_worker_comes_first_and_says_since_when(db: Database, calm: int) -> None:
    assert codes(db, calm, NOW + 29) == []
    told = found(db, calm, NOW + 45)[0]
    assert (told.code, told.severity) == ("worker_silent", "act")
    assert told.fields["silent_s"] == pytest.approx(45)
    with writing(db):
        execute(db, "DELETE FROM workers")
    assert codes(db, calm)[0] == "worker_never"


def test_a_round_that_failed_says_why(db: Database, calm: int) -> None:
    with writing(db):
        job_id = jobs.enqueue(db, calm, "round", dedupe_key="x", payload={}, by=None, now=NOW)
        job = jobs.claim(db, lease_s=60, max_attempts=3, now=NOW)
        assert job is not None
        assert job.id == job_id
        jobs.finish(db, job, "failed", error={"code": "TooFewLabels", "fields": {"have": "1", "need": "2"}}, now=NOW)
    assert of(db, calm, "round_failed").fields["code"] == "TooFewLabels"


def test_the_queue_runs_low_then_dry(db: Database, calm: int, people: dict[str, int]) -> None:
    for n in range(20):
        text = annotating.next_texts(db, calm, people["ann"], n=1, now=NOW)[0]
        annotating.apply(db, calm, people["ann"], [save(f"u{n}", text.id, "k0", "k1", "k2")], now=NOW)
    told = of(db, calm, "queue_low")
    assert (told.severity, told.fields) == ("look", {"left": 20, "decided": 20})
    assert "queue_low" not in codes(db, calm, NOW + 90_000)  # nobody decides anything any more
    for n in range(20):
        text = annotating.next_texts(db, calm, people["ann"], n=1, now=NOW)[0]
        annotating.apply(db, calm, people["ann"], [save(f"v{n}", text.id, "k0", "k1", "k2")], now=NOW)
    assert codes(db, calm)[0] == "queue_dry"


def test_texts_without_a_rank_are_told_of(db: Database, calm: int) -> None:
    with writing(db):
        execute(db, "DELETE FROM queue")
    assert of(db, calm, "queue_unranked").fields == {"left": 40}


def test_an_archived_project_needs_neither_worker_nor_texts(db: Database, calm: int) -> None:
    with writing(db):
        execute(db, "UPDATE projects SET archived_at = 1 WHERE id = :p", p=calm)
    assert codes(db, calm, NOW + 999) == []


def test_a_fall_beyond_its_interval_is_told_and_a_small_one_is_not(db: Database, calm: int) -> None:
    ids = gold_ids(db, calm)
    y = np.zeros((900, 3), dtype=bool)
    y[:, 0], y[::2, 1], y[::3, 2] = True, True, True
    worse = np.where(y, 0.9, 0.1)
    worse[::6, 2] = 0.1  # half of the rarest label's positives
    publish(db, calm, ids, y, worse, thresholds=(0.5, 0.5, 0.5), now=NOW + 2)
    told = of(db, calm, "f1_fell")
    assert told.label == "k2"
    assert told.fields["drop"] == pytest.approx(1 - 2 / 3)
    assert 0 < told.fields["least"] < told.fields["drop"] < told.fields["most"]
    assert (told.fields["round"], told.fields["since"], told.fields["n"]) == (3, 2, 900)
    assert {"macro_fell", "tail_fell"} <= set(codes(db, calm))
    a_little = worse.copy()
    a_little[1, 0] = 0.1
    publish(db, calm, ids, y, a_little, thresholds=(0.5, 0.5, 0.5), now=NOW + 3)
    assert not {"f1_fell", "macro_fell", "tail_fell"} & set(codes(db, calm))


def test_too_few_gold_positives_say_how_many_texts_are_lacking(
    db: Database, people: dict[str, int], tmp_path: Path
) -> None:
    made = make_project(db, labels=("甲", "乙", "丙", "丁"))
    y = np.zeros((28, 4), dtype=bool)
    y[:, 0], y[:7, 1], y[:7, 2] = True, True, True
    import_texts(db, made, tmp_path, y, split="gold")
    probs = np.where(y, 0.9, 0.1)
    probs[:, 2] = 0.1
    publish(db, made, gold_ids(db, made), y, probs, thresholds=(0.5,) * 4)
    few, missed, none = (of(db, made, code) for code in ("few_gold", "few_gold_no_hit", "none_in_gold"))
    assert (few.label, few.fields["positives"], few.fields["more"], few.fields["waits"]) == ("k1", 7, 12, 0)
    assert (missed.label, missed.fields["support"]) == ("k2", 7)
    assert missed.fields["at_most"] == pytest.approx(stats.binomtest(0, 7).proportion_ci(method="wilson").high)
    assert (none.label, none.fields["n"], none.fields["more"]) == ("k3", 28, None)
    order = [each.label for each in found(db, made) if each.label]
    assert order == ["k3", "k2", "k1"]  # the rarest first


def test_of_many_labels_one_sentence_is_said(db: Database, people: dict[str, int], tmp_path: Path) -> None:
    made = make_project(db, labels=tuple(f"標{n}" for n in range(90)))
    y = np.zeros((50, 90), dtype=bool)
    y[:, 0], y[:4, 1:30], y[:20, 30:40] = True, True, True
    import_texts(db, made, tmp_path, y, split="gold")
    import_texts(db, made, tmp_path, y[:3, :], split="train")
    publish(db, made, gold_ids(db, made), y, np.where(y, 0.1, 0.0), thresholds=(0.5,) * 90)
    told = {each.code: each for each in found(db, made)}
    assert set(told) >= {"few_gold_many", "no_hit_many", "unused_many"}
    assert len(told) == len(found(db, made)) < 10
    few = told["few_gold_many"].fields
    assert (few["count"], few["more"]) == (79, 75)  # six more at 4 of 50
    assert set(few["labels"]) == {f"k{k}" for k in (*range(1, 30), *range(40, 90))}
    assert few["labels"][0] in {f"k{k}" for k in range(40, 90)}  # the rarest first
    assert told["no_hit_many"].fields["count"] == 11
    for each in told.values():
        json.dumps(each.fields, allow_nan=False)


def test_many_labels_that_gold_has_never_seen(db: Database, people: dict[str, int], tmp_path: Path) -> None:
    made = make_project(db, labels=tuple(f"標{n}" for n in range(9)))
    y = np.zeros((50, 9), dtype=bool)
    y[:, 0] = True
    import_texts(db, made, tmp_path, y, split="gold")
    bound = stats.binomtest(0, 50).proportion_ci(method="wilson").high
    assert of(db, made, "none_in_gold_many").fields["more"] == int(np.ceil(10 / bound))


def test_enough_positives_without_a_hit_and_a_wide_interval(
    db: Database, people: dict[str, int], tmp_path: Path
) -> None:
    made = make_project(db)
    y = np.zeros((60, 3), dtype=bool)
    y[:, 0], y[:20, 1], y[:12, 2] = True, True, True
    import_texts(db, made, tmp_path, y, split="gold")
    probs = np.where(y, 0.9, 0.1)
    probs[:10, 1], probs[:, 2] = 0.1, 0.1
    publish(db, made, gold_ids(db, made), y, probs, thresholds=(0.5,) * 3)
    assert of(db, made, "no_hit").label == "k2"
    wide = of(db, made, "wide")
    assert (wide.label, wide.fields["labels"]) == ("k1", 1)
    half = (wide.fields["high"] - wide.fields["low"]) / 2
    assert wide.fields["more"] == pytest.approx(60 * ((half / 0.1) ** 2 - 1), abs=1)


def test_a_label_that_nobody_uses(db: Database, calm: int, people: dict[str, int]) -> None:
    made = labelling.add(db, calm, {"zh": "新的"}, by=people["lee"], now=NOW)
    told = of(db, calm, "unused")
    assert told.fields == {"n": 60}
    assert told.label == made.key
    assert "outdated" not in codes(db, calm)  # there is no student on disk to be outdated


def test_gold_that_waits_and_flags(db: Database, people: dict[str, int], tmp_path: Path) -> None:
    made = make_project(db)
    import_texts(db, made, tmp_path, np.zeros((5, 3)), split="gold")
    import_texts(db, made, tmp_path, np.zeros((5, 3)), split="pool")
    text = annotating.next_texts(db, made, people["ann"], n=1, now=NOW)[0]
    annotating.apply(db, made, people["ann"], [save("f", text.id, decision="flagged")], now=NOW)
    assert of(db, made, "gold_waits").fields == {"waits": 5, "n": 5}
    assert of(db, made, "flagged").fields == {"n": 1}
    told = [each.severity for each in found(db, made)]
    assert told == sorted(told, key=["act", "look", "know"].index)
    bare = make_project(db, key="bare")
    assert "no_gold" in codes(db, bare)


def label_both(db: Database, project: int, people: dict[str, int], n: int, *, alike: bool, tag: str) -> None:
    """Ann and bob label the next n texts; unlike ones share no label."""
    for who, keys in (("ann", ("k0", "k1")), ("bob", ("k0", "k1") if alike else ("k1", "k2"))):
        for text in annotating.next_texts(db, project, people[who], n=n, now=NOW):
            annotating.apply(
                db, project, people[who], [save(f"{tag}-{who}-{text.id}", text.id, keys[text.id % 2])], now=NOW
            )


def test_people_who_agree_less_of_late_are_told_of(db: Database, people: dict[str, int], tmp_path: Path) -> None:
    made = make_project(db, overlap=2)
    import_texts(db, made, tmp_path, np.zeros((160, 3)), split="pool")
    label_both(db, made, people, 120, alike=True, tag="a")
    assert "agreement_fell" not in codes(db, made)
    label_both(db, made, people, 30, alike=False, tag="b")
    told = of(db, made, "agreement_fell")
    assert told.fields["before"] == pytest.approx(1)
    assert told.fields["alpha"] < 0.7
    assert told.fields["n"] + told.fields["n_before"] == 150
    assert 0 < told.fields["least"] < told.fields["most"]


def test_the_interval_of_a_difference_covers() -> None:
    rng, covered = np.random.default_rng(2), 0
    for _ in range(1000):
        first, second = share(int(rng.binomial(40, 0.6)), 40), share(int(rng.binomial(120, 0.8)), 120)
        gain = apart(*(Estimate(each.value, each.low, each.high, each.n) for each in (first, second)))
        assert gain is not None
        covered += gain.low <= 0.6 - 0.8 <= gain.high
    assert 0.93 <= covered / 1000 <= 0.98
    assert apart(Estimate(0.5, None, None, 3), Estimate(0.5, 0.4, 0.6, 30)) is None


def test_every_finding_can_be_written_down(db: Database, calm: int) -> None:
    seen = live(db, calm, now=NOW + 99)
    bad = findings(replace(glance(db, calm), n_gold=0, n_flagged=3, outdated=True), seen)
    assert [each.code for each in bad] == ["worker_silent", "no_gold", "outdated", "flagged"]
    for each in bad:
        json.dumps(each.fields, allow_nan=False)
    assert isinstance(seen, Live)
    assert scheduling.WORKER_SILENT_S < 99
