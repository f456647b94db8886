"""Why texts wait in the queue: as SQL counts them, after a decision and under a new ranking too."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sqlite_utils import Database

from core.services.dashboard import queued
from core.services.dashboard.queued import Reason
from db import rounds
from db.connect import execute, rows, writing
from tests.conftest import NOW, make_project
from tests.core.services.dashboard.measuring import import_texts
from tests.core.services.dashboard.modelled import rank

ASKED = {"label": "k1", "probability": 0.5, "threshold": 0.5, "random": False, "words": False}
COUNTED = (
    "SELECT coalesce(json_extract(q.reason, '$.label'), '') AS label, q.source, count(*) AS n, "
    "coalesce(json_extract(q.reason, '$.random'), 0) AS random, "
    "coalesce(json_extract(q.reason, '$.words'), 0) AS words "
    "FROM queue q JOIN documents d ON d.id = q.document_id WHERE q.project_id = :p AND d.state = 'open' "
    "GROUP BY 1, 2, 4, 5 ORDER BY 1, 2, 4, 5"
)


@pytest.fixture
def project(db: Database, people: dict[str, int], tmp_path: Path) -> int:
    made = make_project(db, labels=("甲", "乙"))
    import_texts(db, made, tmp_path, np.zeros((12, 2)), split="pool", name="等")
    return made


def by_sql(db: Database, project: int) -> list[Reason]:
    found = rows(db, COUNTED, p=project)
    return [Reason(**{**each, "random": bool(each["random"]), "words": bool(each["words"])}) for each in found]


def note(db: Database, project: int, at: float) -> None:
    """As the worker does with each ranking."""
    with writing(db):
        rounds.set_fast_lane(db, project, annotation_id=0, n_labelled=0, seconds=1.0, now=at)


REASONS = [ASKED] * 4 + [{**ASKED, "words": True}] * 3 + [{**ASKED, "label": "k0", "random": True}] * 3 + [{}] * 2


@pytest.mark.parametrize("noted", [True, False])
def test_it_is_what_sql_counts_and_follows_decisions_and_rankings(db: Database, project: int, noted: bool) -> None:
    rank(db, project, REASONS)
    if noted:
        note(db, project, NOW)
    first = queued.reasons(db, project)
    assert first == by_sql(db, project)
    assert sum(each.n for each in first) == 12

    texts = rows(db, "SELECT document_id FROM queue WHERE project_id = :p ORDER BY document_id", p=project)
    with writing(db):
        for each in (texts[0], texts[5]):
            execute(db, "UPDATE documents SET state = 'done' WHERE id = :d", d=each["document_id"])
    second = queued.reasons(db, project)
    assert second == by_sql(db, project)
    assert sum(each.n for each in second) == 10

    rank(db, project, [*reversed(REASONS)])
    if noted:
        note(db, project, NOW + 1)
    third = queued.reasons(db, project)
    assert third == by_sql(db, project)
    assert third != second


def test_an_empty_queue_has_no_reason(db: Database, project: int) -> None:
    assert queued.reasons(db, project) == []
