"""After a start, what leads ask for is read before anybody asks."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from core.services.standing import standing
from core.services.worklog import worklog
from db import votes
from db import worklog as log_rows
from db.connect import open_database, reading
from tests.conftest import make_project
from tests.published import import_labelled
from web.warming import Warming


def never(*_: object, **__: object) -> None:
    raise AssertionError("read again")


def test_the_first_look_reads_no_decision_again(
    database: Path, people: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(open_database(database)) as db:
        project_id = make_project(db)
        import_labelled(db, project_id, tmp_path)
        warming = Warming(database)
        warming.start()
        assert warming.wait(60)
        monkeypatch.setattr(votes, "current", never)
        monkeypatch.setattr(log_rows, "decisions", never)
        with reading(db):
            assert len(standing(db, project_id).documents) == 60
            worklog(db, project_id)


def test_a_database_that_is_not_there_is_no_end_of_the_server(tmp_path: Path) -> None:
    warming = Warming(tmp_path / "none.db")
    warming.start()
    assert warming.wait(60)
    warming.stop()
