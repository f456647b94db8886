"""The sign-in page: what a person sees when it works and when it does not."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.testclient import TestClient

from core.services import accounts
from core.services.accounts import User
from db import jobs
from db.connect import open_database, writing
from tests.web.conftest import PASSWORD, enter
from web import gate
from web.login import FORM_LIMIT
from web.routes import Health


def test_the_page_is_chinese_first_and_english_on_request(client: TestClient) -> None:
    assert '<html lang="zh-Hant">' in client.get("/login").text
    assert '<html lang="en">' in client.get("/login?lang=en").text
    assert '<html lang="en">' in client.get("/login").text  # remembered


def test_the_page_asks_nothing_of_any_other_host(client: TestClient) -> None:
    text = client.get("/login").text
    assert "https://" not in text
    assert "<script" not in text


def test_a_wrong_password_says_so_once_and_keeps_the_name(client: TestClient) -> None:
    answer = enter(client, "lead", "wrong password")
    assert answer.status_code == 401
    assert 'value="lead"' in answer.text
    assert "wrong password" not in answer.text
    assert gate.COOKIE not in client.cookies
    assert enter(client, "nobody at all", "wrong password").text.count('role="alert"') == 1


def test_what_was_typed_is_shown_as_text(client: TestClient) -> None:
    assert "<b>x</b>" not in enter(client, '"><b>x</b>', "wrong password").text


def test_an_empty_form_is_not_a_try(client: TestClient) -> None:
    assert enter(client, "", "").status_code == 400


def test_too_many_wrong_passwords_have_to_wait(client: TestClient) -> None:
    codes = [enter(client, "lead", "wrong password").status_code for _ in range(accounts.FREE_FAILURES + 1)]
    assert codes == [401] * accounts.FREE_FAILURES + [429]
    answer = enter(client, "lead")  # even the right one, for now
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) >= 1


def test_a_huge_form_is_refused_unread(client: TestClient) -> None:
    assert enter(client, "x" * (FORM_LIMIT + 1)).status_code == 413


def test_signing_in_goes_where_the_person_wanted_to(client: TestClient) -> None:
    assert enter(client, "lead", next="/dashboard").headers["location"] == "/dashboard"
    assert client.get("/login?next=/rounds").headers["location"] == "/rounds"  # signed in already


def test_signing_in_again_ends_the_session_before(client: TestClient, database: Path) -> None:
    enter(client, "lead")
    first = client.cookies[gate.COOKIE]
    enter(client, "admin")
    with closing(open_database(database)) as db:
        assert accounts.who(db, first, now=time.time()) is None


@pytest.mark.parametrize(("chosen", "kept"), [("1", "en"), ("0", "zh")])
def test_a_language_chosen_at_sign_in_becomes_the_persons_own(
    client: TestClient, database: Path, people: dict[str, User], chosen: str, kept: str
) -> None:
    enter(client, "lead", lang="en", chosen=chosen)
    with closing(open_database(database)) as db:
        assert {u.id: u.lang for u in accounts.list_users(db)}[people["lead"].id] == kept


def test_the_language_route_keeps_the_choice_with_the_person(
    client: TestClient, database: Path, people: dict[str, User]
) -> None:
    enter(client, "lead")
    answer = client.post("/lang", data={"lang": "en", "next": "//evil.example"})
    assert answer.headers["location"] == "/"
    with closing(open_database(database)) as db:
        assert {u.id: u.lang for u in accounts.list_users(db)}[people["lead"].id] == "en"


def test_a_closed_account_cannot_come_in(client: TestClient, database: Path, people: dict[str, User]) -> None:
    with closing(open_database(database)) as db:
        accounts.set_active(db, people["lead"].id, False, by=people["admin"].id, now=time.time())
    assert enter(client, "lead", PASSWORD).status_code == 401


@pytest.mark.parametrize(("beat_s", "worker"), [(5.0, "running"), (90.0, "off"), (None, "off")])
def test_health_knows_a_worker_that_somebody_else_started(database: Path, beat_s: float | None, worker: str) -> None:
    if beat_s is not None:
        with closing(open_database(database)) as db, writing(db):
            jobs.worker_beat(db, pid=1, doing="", now=time.time() - beat_s)
    app = Starlette(routes=[Route("/healthz", Health(database, lambda: "off").answer)])
    assert TestClient(app).get("/healthz").json() == {"status": "ok", "worker": worker, "leads": "off"}


def test_the_first_page_has_its_own_address_too(client: TestClient) -> None:
    assert client.get("/annotate").headers["location"] == "/login?next=%2Fannotate"
    enter(client, "annotator")
    assert client.get("/annotate").headers["location"] == "/"
    assert client.get("/annotate?project=p").headers["location"] == "/?project=p"


def test_health_needs_no_session_and_tells_little(client: TestClient, database: Path) -> None:
    assert client.get("/healthz").json() == {
        "status": "ok",
        "worker": "silent",
        "leads": "off",
    }  # started, and no sign of life
    with closing(open_database(database)) as db, writing(db):
        jobs.worker_beat(db, pid=1, doing="", now=time.time())
    assert client.get("/healthz").json() == {"status": "ok", "worker": "running", "leads": "off"}
    database.unlink()
    answer = client.get("/healthz")
    assert answer.status_code == 503
    assert str(database) not in answer.text
