"""The counts that are kept as a project changes are those that counting anew would give."""

from __future__ import annotations

from pathlib import Path

from sqlite_utils import Database

from core.services import adjudicating, annotating, projects, reviewing
from db import annotations, documents, migrations
from db.connect import rows
from tests.conftest import NOW, make_project
from tests.core.services.test_settling import decide
from tests.flows.test_click import fill, save


def check_tallies(db: Database) -> None:
    """Kept and counted anew are the same, for every project and every person in it."""
    kept = rows(db, "SELECT project_id, role, documents, open, labelled FROM tallies ORDER BY 1, 2")
    anew = rows(
        db,
        "SELECT project_id, role, count(*) AS documents, sum(state = 'open') AS open, sum(EXISTS (SELECT 1 "
        "FROM current_annotations c WHERE c.document_id = d.id AND c.decision = 'labelled')) AS labelled "
        "FROM documents d GROUP BY 1, 2 ORDER BY 1, 2",
    )
    assert kept == anew
    kept = rows(
        db,
        "SELECT project_id, user_id, decided, waiting FROM own_tallies WHERE decided != 0 OR waiting != 0 "
        "ORDER BY 1, 2",
    )
    anew = rows(
        db,
        "SELECT c.project_id, c.user_id, count(*) AS decided, sum(d.state = 'open') AS waiting "
        "FROM current_annotations c JOIN documents d ON d.id = c.document_id "
        "WHERE c.decision IN ('labelled', 'flagged') GROUP BY 1, 2 ORDER BY 1, 2",
    )
    assert kept == anew


def test_whatever_is_done_to_texts_is_counted(db: Database, people: dict[str, int], tmp_path: Path) -> None:
    project = make_project(db, overlap=2)
    fill(db, project, tmp_path, n=6)
    fill(db, project, tmp_path, n=9, labels=["甲"])
    ann, bob, rae = people["ann"], people["bob"], people["rae"]
    decide(db, project, ann, 1, "k0")
    decide(db, project, bob, 1, "k1")
    decide(db, project, ann, 2, decision="flagged")
    decide(db, project, ann, 3, decision="skipped")
    decide(db, project, bob, 4, "k0")
    check_tallies(db)
    revised = [
        {**save("r1", 1, "k2", decision="skipped"), "kind": "revise"},
        {**save("r2", 2, "k2"), "kind": "revise"},
        {"uid": "u1", "kind": "undo", "target": f"{ann}-3"},
    ]
    assert len(annotating.apply(db, project, ann, revised, now=NOW).acked) == 3
    check_tallies(db)
    adjudicating.settle(db, project, 4, ["k1"], by=rae, now=NOW)
    adjudicating.leave_out(db, project, 2, by=rae, now=NOW)
    check_tallies(db)
    adjudicating.reopen(db, project, 4, by=rae, now=NOW)
    decide(db, project, ann, 5, decision="flagged")
    reviewing.put_back(db, project, 5, by=rae, now=NOW)
    wider = projects.ProjectSettings.from_mapping({"gold_share": 0, "overlap": 1})
    projects.update_settings(db, project, wider, by=people["lee"], now=NOW)
    check_tallies(db)
    assert documents.counts(db, project)["pool"]["documents"] == 9
    assert documents.counts(db, make_project(db, key="empty"))["gold"] == {"documents": 0, "open": 0, "labelled": 0}


def test_what_an_older_file_holds_is_counted_when_it_is_brought_up(
    db: Database, people: dict[str, int], tmp_path: Path
) -> None:
    project = make_project(db, overlap=2)
    fill(db, project, tmp_path, n=3)
    fill(db, project, tmp_path, n=5, labels=["甲"])
    decide(db, project, people["ann"], 1, "k0")
    decide(db, project, people["ann"], 2, decision="skipped")
    decide(db, project, people["bob"], 2, "k0")
    for each in rows(db, "SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE '%tally_%'"):
        db.conn.execute(f"DROP TRIGGER {each['name']}")
    for table in ("tallies", "own_tallies"):
        db.conn.execute(f"DROP TABLE {table}")
        step = next(step for step in migrations.STEPS if f"CREATE TABLE {table}" in step)
        for statement in filter(str.strip, step.split(";\n")):
            db.conn.execute(statement)
    check_tallies(db)
    assert documents.counts(db, project)["pool"] == {"documents": 5, "open": 3, "labelled": 4}
    assert annotations.tally(db, project, people["ann"]) == (1, 1)
    decide(db, project, people["bob"], 1, "k0")
    check_tallies(db)
    assert annotations.tally(db, project, people["ann"]) == (1, 0)
    assert annotations.tally(db, project, people["rae"]) == (0, 0)
