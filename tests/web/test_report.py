"""The report over HTTP: for leads of the project, as the service makes it."""

from __future__ import annotations

import io
import time
import zipfile
from contextlib import closing
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from core.services import membership
from core.services.accounts import User
from db.connect import open_database
from tests.conftest import make_project
from tests.published import import_labelled
from tests.web.conftest import enter


@pytest.fixture
def project_id(database: Path, people: dict[str, User], tmp_path: Path) -> int:
    with closing(open_database(database)) as db:
        made = make_project(db, key="p")
        import_labelled(db, made, tmp_path)
        return made


@pytest.mark.parametrize(("query", "html_lang"), [("?lang=en", "en"), ("?lang=zh&names=1", "zh-Hant"), ("", "zh-Hant")])
def test_it_comes_as_a_zip_in_the_language_asked_for(
    client: TestClient, project_id: int, query: str, html_lang: str
) -> None:
    enter(client, "lead")
    answer = client.get(f"/download/report/{project_id}{query}")
    assert answer.status_code == 200
    assert "tagtail-p-report.zip" in answer.headers["content-disposition"]
    assert answer.headers["cache-control"] == "no-store"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as found:
        assert f'<html lang="{html_lang}">' in found.read("report.html").decode()


def test_an_unknown_language_is_chinese(client: TestClient, project_id: int) -> None:
    enter(client, "lead")
    answer = client.get(f"/download/report/{project_id}?lang=../../x")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as found:
        assert '<html lang="zh-Hant">' in found.read("report.html").decode()


def test_an_annotator_and_somebody_elses_lead_get_a_sentence(
    client: TestClient, database: Path, project_id: int, people: dict[str, User]
) -> None:
    enter(client, "annotator")
    assert client.get(f"/download/report/{project_id}").status_code == 403
    with closing(open_database(database)) as db:
        membership.remove(db, project_id, people["lead"].id, by=None, now=time.time())
    enter(client, "lead")
    assert client.get(f"/download/report/{project_id}").status_code in (403, 404)
    assert not (database.parent / "reports").exists()
