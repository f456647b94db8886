"""What a round's figures are still about, once labels have been merged, retired or added."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sqlite_utils import Database

from core.services import labelling, projects
from core.services.dashboard import long_tail, overview, per_label, told
from core.services.dashboard.relabelled import Relabelled
from tests.conftest import NOW, make_project
from tests.core.services.dashboard.measuring import gold_ids, import_texts, publish

GOLD = np.eye(4, dtype=bool)[np.arange(40) % 4]


@pytest.fixture
def project(db: Database, people: dict[str, int], tmp_path: Path) -> int:
    made = make_project(db, labels=("甲", "乙", "丙", "丁"))
    import_texts(db, made, tmp_path, GOLD[:8], split="train")
    import_texts(db, made, tmp_path, GOLD, split="gold")
    publish(db, made, gold_ids(db, made), GOLD, np.where(GOLD, 0.9, 0.1), thresholds=(0.5,) * 4, now=NOW)
    return made


def seen(db: Database, project: int) -> Relabelled | None:
    """As each tab has it, which is the same."""
    found = overview.glance(db, project).relabelled
    assert per_label.labels(db, project).relabelled == found == long_tail.long_tail(db, project).relabelled
    return found


def test_nothing_is_said_while_the_labels_are_the_rounds(db: Database, project: int) -> None:
    assert seen(db, project) is None
    assert seen(db, make_project(db, key="none")) is None


def test_each_change_is_named(db: Database, people: dict[str, int], project: int) -> None:
    by = people["lee"]
    labelling.merge(db, project, "k0", "k1", by=by, now=NOW)
    labelling.retire(db, project, "k3", by=by, now=NOW)
    key = labelling.add(db, project, {"zh": "戊", "en": "fifth"}, by=by, now=NOW).key
    found = seen(db, project)
    assert found is not None
    assert (found.round, found.n, found.merged, found.retired) == (1, 4, (("k0", "k1"),), ("k3",))
    assert found.added == (key,)
    names = projects.project(db, project).label_set.names("en")
    assert (
        "Round 1 learnt 4 labels; since then label 0 was merged into label 1, label 3 was retired, fifth was added."
        in (told.relabelled(found, names, "en"))
    )
    names = projects.project(db, project).label_set.names("zh")
    assert "第 1 輪學的是 4 個標籤；之後甲併入乙，丁停用了，加入了戊。" in told.relabelled(found, names, "zh")


def test_a_chain_of_merges_leads_to_what_stands_today(db: Database, people: dict[str, int], project: int) -> None:
    by = people["lee"]
    labelling.merge(db, project, "k0", "k1", by=by, now=NOW)
    labelling.merge(db, project, "k1", "k2", by=by, now=NOW)
    found = seen(db, project)
    assert found is not None
    assert found.merged == (("k0", "k2"), ("k1", "k2"))
    labelling.retire(db, project, "k2", by=by, now=NOW)
    found = seen(db, project)
    assert found is not None
    assert (found.merged, found.retired) == ((), ("k0", "k1", "k2"))


def test_another_round_makes_it_silent(db: Database, people: dict[str, int], project: int) -> None:
    labelling.retire(db, project, "k3", by=people["lee"], now=NOW)
    y = GOLD[:, :3]
    publish(db, project, gold_ids(db, project), y, np.where(y, 0.9, 0.1), thresholds=(0.5,) * 3, now=NOW + 9)
    assert seen(db, project) is None
