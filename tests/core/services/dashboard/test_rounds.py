"""Past rounds as they were, and two of them compared: every figure against scikit-learn on the texts both know."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import f1_score
from sqlite_utils import Database

from core.services import labelling, projects
from core.services.dashboard import rounds
from db import jobs
from db import rounds as round_rows
from db.connect import writing
from tests.conftest import NOW, make_project
from tests.core.services.dashboard.measuring import gold_ids, import_texts
from tests.core.services.dashboard.modelled import labelled, publish, said

CUTS = (0.5, 0.4, 0.5)
SHARES = (0.6, 0.4, 0.15)
Made = tuple[Database, int, list[int], np.ndarray, np.ndarray, np.ndarray]


@pytest.fixture
def made(db: Database, people: dict[str, int], tmp_path: Path) -> Made:
    """Round 1 on the first 60 gold texts; round 2, which is better, on all but the first ten."""
    project = make_project(db)
    import_texts(db, project, tmp_path, labelled(1, 80, SHARES), split="train")
    y = labelled(2, 80, SHARES)
    import_texts(db, project, tmp_path, y, split="gold")
    ids = gold_ids(db, project)
    weak, strong = said(y, 3, noise={"student": 0.6}), said(y, 4, noise={"student": 0.1})
    publish(db, project, ids[:60], y[:60], {"student": weak["student"][:60]}, thresholds=CUTS, now=NOW)
    publish(db, project, ids[10:], y[10:], {"student": strong["student"][10:]}, thresholds=CUTS, now=NOW + 500)
    return db, project, ids, y, weak["student"] >= np.array(CUTS), strong["student"] >= np.array(CUTS)


def test_two_rounds_are_compared_on_the_texts_that_both_know(made: Made) -> None:
    db, project, _, y, first, second = made
    found = rounds.compare(db, project, 2, 1)
    common = slice(10, 60)
    assert (found.why, found.n, found.n_later, found.n_earlier, found.changed) == ("", 50, 70, 60, 0)
    assert found.macro is not None
    ours = f1_score(y[common], second[common], average="macro", zero_division=0)
    theirs = f1_score(y[common], first[common], average="macro", zero_division=0)
    assert found.macro.difference == pytest.approx(ours - theirs)
    assert found.macro.low <= found.macro.difference <= found.macro.high
    assert found.macro.low > 0
    keys = projects.project(db, project).label_set.keys
    for each in found.labels:
        k = keys.index(each.label.key)
        assert each.support == y[common, k].sum()
        assert each.later == pytest.approx(f1_score(y[common, k], second[common, k], zero_division=0))
        assert each.earlier == pytest.approx(f1_score(y[common, k], first[common, k], zero_division=0))
        assert each.gain.difference == pytest.approx(each.later - each.earlier)
    assert [each.label.key for each in found.labels] == ["k0", "k1", "k2"], "from the commonest to the rarest"
    rare = [each for each in found.labels if each.label.key == "k2"]
    assert found.tail is not None
    assert (found.tail_labels, found.tail.difference) == (1, pytest.approx(rare[0].gain.difference))
    assert found.risen
    assert not found.fallen


def test_the_other_way_round_is_the_same_with_another_sign(made: Made) -> None:
    db, project, *_ = made
    there, back = rounds.compare(db, project, 2, 1), rounds.compare(db, project, 1, 2)
    assert there.macro is not None
    assert back.macro is not None
    assert back.macro.difference == pytest.approx(-there.macro.difference)
    assert {each.label.key for each in back.fallen} == {each.label.key for each in there.risen}


def test_labels_that_people_have_changed_since_are_counted_and_those_of_the_later_round_hold(
    db: Database, people: dict[str, int], tmp_path: Path
) -> None:
    project = make_project(db)
    y = labelled(2, 30, SHARES)
    import_texts(db, project, tmp_path, y, split="gold")
    ids, probs = gold_ids(db, project), said(y, 3, noise={"student": 0.2})
    publish(db, project, ids, y, probs, thresholds=CUTS, now=NOW)
    other = y.copy()
    other[:4, 2] ^= True
    publish(db, project, ids, other, probs, thresholds=CUTS, now=NOW + 1)
    found = rounds.compare(db, project, 2, 1)
    assert found.changed == 4
    assert found.macro is not None
    assert (found.macro.difference, found.macro.low, found.macro.high) == (0, 0, 0), "the same answers, one truth"


def test_what_cannot_be_compared_says_why(db: Database, tmp_path: Path) -> None:
    project = make_project(db)
    y = labelled(2, 30, SHARES)
    import_texts(db, project, tmp_path, y, split="gold")
    ids, probs = gold_ids(db, project), said(y, 3, noise={"student": 0.2})
    half = {"student": probs["student"][:15]}
    publish(db, project, ids[:15], y[:15], half, thresholds=CUTS, now=NOW)
    publish(db, project, ids[15:], y[15:], {"student": probs["student"][15:]}, thresholds=CUTS, now=NOW + 1)
    publish(db, project, ids, y, probs, thresholds=CUTS, kept=False, now=NOW + 2)
    assert rounds.compare(db, project, 2, 1).why == "no_common"
    assert rounds.compare(db, project, 3, 1).why == "no_answers"
    assert rounds.compare(db, project, 3, 99).why == "no_answers"


def test_a_label_that_is_retired_since_is_still_compared_under_its_name(made: Made, people: dict[str, int]) -> None:
    db, project, *_ = made
    from_db = rounds.compare(db, project, 2, 1)
    with writing(db):
        db.execute("INSERT OR IGNORE INTO members SELECT ?, id, 0 FROM users", [project])
    labelling.retire(db, project, "k1", by=people["lee"], now=NOW)
    found = rounds.compare(db, project, 2, 1)
    assert {each.label.zh for each in found.labels} == {"甲", "乙", "丙"}
    assert found.macro == from_db.macro
    assert found.labels[-1].label.key == "k1", "nothing has it any more"


def test_over_a_change_of_labels_those_of_both_are_compared_and_the_others_named(
    db: Database, people: dict[str, int], tmp_path: Path
) -> None:
    project = make_project(db, labels=("甲", "乙", "丙", "丁"))
    y = labelled(2, 40, (0.6, 0.4, 0.3, 0.3))
    import_texts(db, project, tmp_path, y, split="gold")
    ids, first = gold_ids(db, project), said(y, 3, noise={"student": 0.6})
    publish(db, project, ids, y, first, thresholds=(0.5,) * 4, now=NOW)
    labelling.merge(db, project, "k0", "k1", by=people["lee"], now=NOW)
    labelling.retire(db, project, "k3", by=people["lee"], now=NOW)
    new = labelling.add(db, project, {"zh": "戊"}, by=people["lee"], now=NOW).key
    today = np.stack([y[:, 0] | y[:, 1], y[:, 2], y[:, 3]], axis=1)
    assert projects.project(db, project).label_set.keys == ("k1", "k2", new)
    second = said(today, 4, noise={"student": 0.1})
    publish(db, project, ids, today, second, thresholds=CUTS, now=NOW + 500)
    found = rounds.compare(db, project, 2, 1)
    assert {each.label.key for each in found.labels} == {"k1", "k2"}
    assert [each.key for each in found.only_later] == [new]
    assert [each.key for each in found.only_earlier] == ["k0", "k3"]
    gains = []
    for column, (before, after) in {"k1": (1, 0), "k2": (2, 1)}.items():
        each = next(each for each in found.labels if each.label.key == column)
        ours = f1_score(today[:, after], second["student"][:, after] >= CUTS[after])
        theirs = f1_score(today[:, after], first["student"][:, before] >= 0.5)
        assert (each.later, each.earlier) == (pytest.approx(ours), pytest.approx(theirs))
        gains.append(ours - theirs)
    assert found.macro is not None
    assert found.macro.difference == pytest.approx(np.mean(gains))
    back = rounds.compare(db, project, 1, 2)
    assert [each.key for each in back.only_later] == ["k0", "k3"]


def test_rounds_without_a_label_in_common_still_name_theirs(
    db: Database, people: dict[str, int], tmp_path: Path
) -> None:
    project = make_project(db, labels=("甲",))
    y = labelled(2, 20, (0.6,))
    import_texts(db, project, tmp_path, y, split="gold")
    ids = gold_ids(db, project)
    publish(db, project, ids, y, said(y, 3), thresholds=(0.5,), now=NOW)
    new = labelling.add(db, project, {"zh": "乙"}, by=people["lee"], now=NOW).key
    labelling.retire(db, project, "k0", by=people["lee"], now=NOW)
    publish(db, project, ids, y, said(y, 3), thresholds=(0.5,), now=NOW + 5)
    found = rounds.compare(db, project, 2, 1)
    assert found.why == "no_common"
    assert ([each.key for each in found.only_later], [each.key for each in found.only_earlier]) == ([new], ["k0"])


def test_the_timeline_holds_every_round_as_it_ended(made: Made) -> None:
    db, project, *_ = made
    with writing(db):
        job_id = jobs.enqueue(db, project, "round", dedupe_key="t", payload={}, by=None, now=NOW)
        round_id, number = round_rows.begin(
            db, project, job_id, snapshot_annotation=0, config="{}", code_version="x", now=NOW + 900
        )
        round_rows.end(db, round_id, "failed", error={"code": "NoGold", "fields": {}}, now=NOW + 930)
    found = rounds.timeline(db, project)
    assert [each.row.number for each in found.rounds] == [1, 2, number]
    assert found.published == (2, 1)
    assert (found.in_use, found.of(99)) == (2, None)
    first, _, failed = found.rounds
    assert first.labelled == (first.row.n_train or 0) + (first.row.n_valid or 0)
    assert (failed.labelled, failed.seconds, failed.macro) == (None, 30.0, None)
    assert first.macro is not None
    assert first.macro.n == 60
    assert [(each.number, each.hindrance) for each in found.students] == [(2, "in_use"), (1, "gone")]


def test_a_project_without_rounds_has_an_empty_timeline(db: Database) -> None:
    found = rounds.timeline(db, make_project(db))
    assert (found.rounds, found.in_use, found.students, found.published) == ((), None, (), ())
