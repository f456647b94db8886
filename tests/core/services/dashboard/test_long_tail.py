"""The long tail's figures against scikit-learn, against the worker's own need, and against the queue's rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import f1_score
from sqlite_utils import Database

from core.services import labelling
from core.services.dashboard.long_tail import LongTail, long_tail
from core.worker.needs import needs
from db import rounds
from db.connect import execute, writing
from db.errors import NotFound
from tests.conftest import NOW, make_project
from tests.core.services.dashboard.measuring import gold_ids, import_texts
from tests.core.services.dashboard.modelled import labelled, publish, rank, said

LABELS = tuple(f"標籤{n}" for n in range(9))
SHARES = (0.1, 0.6, 0.4, 0.3, 0.25, 0.2, 0.15, 0.02, 0.08)
CUTS = (0.5, 0.4, 0.5, 0.45, 0.5, 0.5, 0.35, 0.5, 0.3)
GOLD, POOL = labelled(2, 200, SHARES), labelled(1, 120, SHARES[::-1])
ANSWERS = said(GOLD, 4)
ASKED = {"probability": 0.5, "threshold": 0.5, "random": False, "words": False}


@pytest.fixture
def project(db: Database, people: dict[str, int], tmp_path: Path) -> int:
    made = make_project(db, labels=LABELS)
    import_texts(db, made, tmp_path, POOL, split="train")
    import_texts(db, made, tmp_path, GOLD, split="gold")
    import_texts(db, made, tmp_path, np.zeros((40, 9)), split="pool", name="等")
    publish(db, made, gold_ids(db, made), GOLD, ANSWERS, thresholds=CUTS)
    return made


def by_key(found: LongTail) -> dict[str, int]:
    return {line.key: n for n, line in enumerate(found.labels)}


def test_labels_are_ordered_and_banded_by_pool_and_gold_together(db: Database, project: int) -> None:
    found = long_tail(db, project)
    support = GOLD.sum(axis=0)
    both = support + POOL.sum(axis=0)
    assert [line.key for line in found.labels] == [f"k{k}" for k in np.argsort(-both, kind="stable")]
    assert [line.band for line in found.labels] == ["head"] * 2 + ["medium"] * 3 + ["tail"] * 4
    for line in found.labels:
        k = int(line.key[1:])
        assert (line.pool, line.gold) == (POOL[:, k].sum(), support[k])
        assert line.share is not None
        assert line.share.value == support[k] / 200
    assert (found.n_pool, found.n_gold, found.round, found.n) == (120, 200, 1, 200)


def test_a_bands_f1_is_scikit_learns_mean_over_its_labels(db: Database, project: int) -> None:
    found, named = long_tail(db, project), ANSWERS["student"] >= np.array(CUTS)
    rng = np.random.default_rng(0)
    for band in found.bands:
        at = np.array([int(line.key[1:]) for line in found.labels if line.band == band.band])
        wanted = f1_score(GOLD[:, at], named[:, at], average="macro", zero_division=0)
        assert (band.n, band.marks) == (len(at), GOLD[:, at].sum())
        assert band.f1 == pytest.approx(wanted)
        drawn = []
        for _ in range(400):
            texts = rng.integers(200, size=200)
            drawn.append(f1_score(GOLD[np.ix_(texts, at)], named[np.ix_(texts, at)], average="macro", zero_division=0))
        assert (band.low, band.high) == pytest.approx(tuple(np.percentile(drawn, [2.5, 97.5])), abs=0.03)


def test_the_gain_of_distillation_is_the_student_less_its_twin(db: Database, project: int) -> None:
    found = long_tail(db, project)
    student, twin = (ANSWERS[model] >= np.array(CUTS) for model in ("student", "standalone"))
    wanted = f1_score(GOLD, student, average=None, zero_division=0) - f1_score(
        GOLD, twin, average=None, zero_division=0
    )
    for line in found.labels:
        assert line.gain is not None
        assert line.gain.difference == pytest.approx(wanted[int(line.key[1:])])
    rare = [int(line.key[1:]) for line in found.labels if line.band == "tail"]
    assert found.macro is not None
    assert found.tail is not None
    assert found.macro.difference == pytest.approx(wanted.mean())
    assert found.tail.difference == pytest.approx(wanted[rare].mean())
    assert found.compared == 200


def test_need_is_the_workers(db: Database, project: int) -> None:
    figures, keys = rounds.metrics(db, project, number=1), [f"k{n}" for n in range(9)]
    wanted = dict(zip(keys, needs(figures, keys, POOL.sum(axis=0), target=0.8), strict=True))
    assert {line.key: line.need for line in long_tail(db, project).labels} == pytest.approx(wanted)
    with writing(db):  # a student of other labels has no say, as in the worker
        execute(db, "UPDATE models SET fingerprint = 'other' WHERE project_id = :p", p=project)
    alone = dict(zip(keys, needs([], keys, POOL.sum(axis=0), target=0.8), strict=True))
    assert {line.key: line.need for line in long_tail(db, project).labels} == pytest.approx(alone)


def test_the_queue_is_counted_by_reason_and_only_what_still_waits(db: Database, project: int) -> None:
    reasons = [
        {**ASKED, "label": "k7"}, {**ASKED, "label": "k7"}, {**ASKED, "label": "k0", "words": True},
        {**ASKED, "label": "k7", "random": True}, {**ASKED, "label": "old"},
    ]  # fmt: skip
    rank(db, project, reasons)
    found = long_tail(db, project)
    assert (found.queue.n, found.queue.random, found.queue.others) == (40, 8, 8)
    assert found.queue.sources == ("student",)
    assert {line.key: (line.asked, line.sought) for line in found.labels if line.asked or line.sought} == {
        "k7": (16, 0), "k0": (0, 8),
    }  # fmt: skip
    with writing(db):
        execute(db, "UPDATE documents SET state = 'done' WHERE id IN (SELECT document_id FROM queue WHERE rank < 10)")
    later = long_tail(db, project)
    assert (later.queue.n, later.queue.random) == (30, 6)
    assert later.queue.by_need
    assert later.queue.strategy == "long_tail"


def test_a_place_that_names_no_label_is_chances(db: Database, project: int) -> None:
    rank(db, project, [{}], source="linear")
    found = long_tail(db, project).queue
    assert (found.n, found.random, found.others) == (40, 40, 0)


def test_without_a_round_the_counts_stand_alone(db: Database, people: dict[str, int], tmp_path: Path) -> None:
    made = make_project(db, labels=LABELS)
    empty = long_tail(db, made)
    assert [line.share for line in empty.labels] == [None] * 9
    assert sum(line.need for line in empty.labels) == pytest.approx(1)
    assert (empty.queue.n, empty.round, empty.macro, empty.compared) == (0, None, None, None)
    assert [band.f1 for band in empty.bands] == [None] * 3
    import_texts(db, made, tmp_path, POOL, split="train")
    order = np.argsort(-POOL.sum(axis=0), kind="stable")
    assert [line.key for line in long_tail(db, made).labels] == [f"k{k}" for k in order]  # no gold: by the pool
    with pytest.raises(NotFound):
        long_tail(db, 99)


def test_one_label_is_the_tail_and_a_label_made_since_has_no_figure(
    db: Database, people: dict[str, int], project: int
) -> None:
    alone = make_project(db, key="one", labels=("甲",))
    assert [(band.band, band.n) for band in long_tail(db, alone).bands] == [("tail", 1)]
    labelling.retire(db, project, "k7", by=people["lee"], now=NOW)
    labelling.retire(db, project, "k1", by=people["lee"], now=NOW)
    found = long_tail(db, project)
    assert len(found.labels) == 7
    assert all(line.gain is not None for line in found.labels)


def test_a_round_without_answers_has_bands_without_intervals(
    db: Database, people: dict[str, int], tmp_path: Path
) -> None:
    made = make_project(db, labels=LABELS)
    import_texts(db, made, tmp_path, GOLD, split="gold")
    publish(db, made, gold_ids(db, made), GOLD, ANSWERS, thresholds=CUTS, kept=False)
    found = long_tail(db, made)
    assert all(band.f1 is not None and band.low is None for band in found.bands)
    assert {line.gain for line in found.labels} == {None}
