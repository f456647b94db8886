"""Rare means the same on every tab, in the comparison of rounds, in the forecast and in the report."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sqlite_utils import Database

from core.services import forecasting
from core.services.dashboard import long_tail, overview, per_label, rarity, report, rounds, together
from core.services.dashboard.report import Wanted
from core.services.standing import standing
from tests.conftest import NOW, make_project
from tests.core.services.dashboard.measuring import gold_ids, import_texts
from tests.core.services.dashboard.modelled import publish, said

GOLD = np.zeros((120, 9), dtype=bool)
POOL = np.zeros((90, 9), dtype=bool)
for _k, (_in_gold, _in_pool) in enumerate(
    [(90, 60), (12, 2), (5, 70), (60, 40), (50, 9), (40, 30), (30, 0), (14, 3), (6, 50)]
):
    GOLD[:_in_gold, _k], POOL[:_in_pool, _k] = True, True  # the third is rare in gold and common in the pool
ORDER = ["k0", "k3", "k2", "k5", "k4", "k8", "k6", "k7", "k1"]


@pytest.fixture
def project(db: Database, people: dict[str, int], tmp_path: Path) -> int:
    made = make_project(db, labels=tuple(f"標籤{n}" for n in range(9)))
    import_texts(db, made, tmp_path, POOL, split="train")
    import_texts(db, made, tmp_path, GOLD, split="gold")
    for turn in (1, 2):
        publish(db, made, gold_ids(db, made), GOLD, said(GOLD, turn), thresholds=(0.5,) * 9, now=NOW + turn)
    return made


def test_each_view_orders_labels_by_pool_and_gold_together(db: Database, project: int) -> None:
    assert rarity.often(standing(db, project)) == dict(
        zip([f"k{n}" for n in range(9)], (GOLD.sum(axis=0) + POOL.sum(axis=0)).tolist(), strict=True)
    )
    assert [each.label.key for each in overview.glance(db, project).labels] == ORDER
    assert [each.scope for each in per_label.labels(db, project).labels] == ORDER
    assert [each.key for each in long_tail.long_tail(db, project).labels] == ORDER
    assert [each.key for each in together.view(db, project).labels] == ORDER
    assert [each.label.key for each in rounds.compare(db, project, 2, 1).labels] == ORDER
    tables = {each.name: each for each in report.report(db, project, Wanted(lang="en"), now=NOW).tables}
    assert [row[-1] for row in tables["labels"].rows] == ORDER


def test_each_view_has_the_same_tail(db: Database, project: int) -> None:
    tail = set(ORDER[-4:])
    score = overview.glance(db, project).tail
    assert score is not None
    assert set(score.keys) == tail
    assert {each.key for each in long_tail.long_tail(db, project).labels if each.band == "tail"} == tail
    assert {each.scope for each in per_label.labels(db, project).labels if each.band == "tail"} == tail
    assert set(forecasting.when_to_stop(db, project).tail) == tail
    assert forecasting.when_to_stop(db, project).rare.points[-1].f1 == pytest.approx(score.value)
    assert rounds.compare(db, project, 2, 1).tail_labels == 4
