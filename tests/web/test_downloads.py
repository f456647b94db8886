"""Downloads: who may have them, and that they are what the services say."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest
from sqlite_utils import Database
from starlette.requests import Request
from starlette.responses import Response
from starlette.testclient import TestClient
from starlette.types import Message

from core.services import membership
from core.services.accounts import User
from db.connect import open_database
from tests.conftest import make_project
from tests.published import import_labelled, publish_student
from tests.web.conftest import enter
from web import routes
from web.routes import Downloads


@pytest.fixture
def project_id(database: Path, people: dict[str, User], tmp_path: Path) -> int:
    with closing(open_database(database)) as db:
        made = make_project(db, key="p")
        import_labelled(db, made, tmp_path)
        return made


def test_labels_come_as_rows(client: TestClient, project_id: int) -> None:
    enter(client, "lead")
    answer = client.get(f"/download/labels/{project_id}.jsonl")
    assert answer.headers["content-disposition"].endswith("tagtail-p-labels.jsonl")
    rows = [json.loads(line) for line in answer.text.splitlines()]
    assert len(rows) == 60
    assert rows[0]["labels"] == ["甲"]
    table = client.get(f"/download/labels/{project_id}.csv?include=all")
    assert table.headers["content-type"].startswith("text/csv")
    assert len(table.text.strip().splitlines()) == 61


def test_the_student_comes_as_the_published_zip(
    client: TestClient, database: Path, project_id: int, people: dict[str, User], tmp_path: Path
) -> None:
    enter(client, "lead")
    assert client.get(f"/download/student/{project_id}").status_code == 404
    with closing(open_database(database)) as db:
        content = publish_student(db, project_id, tmp_path / "round", by=people["lead"].id, now=time.time())
    answer = client.get(f"/download/student/{project_id}")
    assert answer.content == content
    assert "tagtail-p-student.zip" in answer.headers["content-disposition"]


@pytest.mark.parametrize("path", ["student/1", "labels/1.jsonl", "labels/1.csv"])
def test_an_annotator_gets_a_sentence_instead(client: TestClient, project_id: int, path: str) -> None:
    enter(client, "annotator")
    answer = client.get(f"/download/{path}")
    assert answer.status_code == 403
    assert "權限" in answer.text


@pytest.mark.parametrize("path", ["student/1", "labels/1.jsonl", "student/99", "labels/99.csv"])
def test_the_lead_of_another_project_learns_nothing_of_this_one(
    client: TestClient, database: Path, project_id: int, people: dict[str, User], path: str
) -> None:
    with closing(open_database(database)) as db:
        membership.remove(db, project_id, people["lead"].id, by=people["admin"].id, now=time.time())
    enter(client, "lead")
    answer = client.get(f"/download/{path}")
    assert answer.status_code == 403
    assert "這個專案沒有你" in answer.text


@pytest.mark.parametrize(
    "path", ["student/99", "labels/99.csv", "labels/1.exe", "labels/1.csv?include=everything", "student/x"]
)
def test_what_does_not_exist_is_not_found(client: TestClient, project_id: int, path: str) -> None:
    enter(client, "admin")
    answer = client.get(f"/download/{path}")
    assert answer.status_code == (404 if path != "student/x" else 200)  # not one of our paths: the app's own answer


def test_nothing_labelled_is_a_sentence_and_not_an_empty_file(
    client: TestClient, database: Path, people: dict[str, User]
) -> None:
    with closing(open_database(database)) as db:
        empty = make_project(db, key="empty")
    enter(client, "lead")
    answer = client.get(f"/download/labels/{empty}.csv")
    assert answer.status_code == 409
    assert "content-disposition" not in answer.headers


def test_a_download_that_is_given_up_leaves_no_database_open(
    database: Path, project_id: int, people: dict[str, User], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Database] = []

    def noted(path: Path) -> Database:
        opened.append(open_database(path))
        return opened[-1]

    monkeypatch.setattr(routes, "open_database", noted)
    scope = {
        "type": "http", "method": "GET", "path": "", "query_string": b"include=all", "headers": [],
        "path_params": {"project_id": project_id, "format": "csv"}, "state": {"user": people["lead"]},
    }  # fmt: skip

    async def gone() -> dict[str, str]:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        await asyncio.sleep(0.05)  # slower than the browser leaves

    async def ask() -> Response:
        answer = await Downloads(database).labels(Request(scope))
        await answer(scope, gone, send)
        return answer

    held = asyncio.run(ask())  # as long as somebody holds it, nothing is collected
    assert held.status_code == 200
    (connection,) = opened
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        connection.conn.execute("SELECT 1")
