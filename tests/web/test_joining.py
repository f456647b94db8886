"""The page behind an invitation or a reset link, as a browser meets it."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from core.services import accounts, inviting, membership
from core.services.accounts import User
from db.connect import open_database
from tests.conftest import make_project
from tests.web.conftest import PASSWORD, enter
from web import gate

NEW = "自己的密碼 is long"


@pytest.fixture
def project_id(database: Path, people: dict[str, User]) -> int:
    with closing(open_database(database)) as db:
        return make_project(db, key="健康")


@pytest.fixture
def token(database: Path, people: dict[str, User], project_id: int) -> str:
    with closing(open_database(database)) as db:
        return inviting.invite(db, project_id, "reviewer", days=7, by=people["lead"].id, now=time.time())


def _join(client: TestClient, token: str, name: str = "雅婷", password: str = NEW, **fields: str):
    return client.post("/join", data={"token": token, "name": name, "password": password, **fields})


def test_the_link_says_what_it_offers_in_three_languages(client: TestClient, token: str) -> None:
    page = client.get("/join", params={"token": token})
    assert page.status_code == 200
    assert "「健康」" in page.text
    assert "審閱者" in page.text
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "same-origin"
    assert "<script" not in page.text
    hans = client.get("/join", params={"token": token, "lang": "hans"}).text
    assert '<html lang="zh-Hans">' in hans
    assert "你受邀以“审阅者”的身份加入“健康”" in hans
    assert "You are invited to “健康”" in client.get("/join", params={"token": token, "lang": "en"}).text


def test_joining_signs_in_once_and_the_link_is_used_up(
    client: TestClient, token: str, database: Path, project_id: int, people: dict[str, User]
) -> None:
    answer = _join(client, token, lang="hans")
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = next(c for c in answer.headers.get_list("set-cookie") if c.startswith(gate.COOKIE))
    assert "HttpOnly" in cookie
    mine = client.get("/").json()["auth"]["x-auth-user"]
    with closing(open_database(database)) as db:
        me = accounts.find(db, "雅婷")
        assert (str(me.id), me.role, me.lang) == (mine, "reviewer", "hans")
        assert [p.id for p in membership.projects_of(db, me)] == [project_id]
    client.cookies.clear()
    assert client.get("/join", params={"token": token}).status_code == 404
    assert _join(client, token, "second").status_code == 404
    assert enter(client, "雅婷", NEW).status_code == 303


@pytest.mark.parametrize(("name", "password", "said"), [("lead", NEW, "已經有人用了"), ("新人", "short", "至少要 10")])
def test_a_mistake_is_said_on_the_form_and_the_link_still_works(
    client: TestClient, token: str, name: str, password: str, said: str
) -> None:
    answer = _join(client, token, name, password)
    assert answer.status_code == 400
    assert said in answer.text
    assert f'value="{name}"' in answer.text
    assert password not in answer.text
    assert gate.COOKIE not in client.cookies
    assert _join(client, token).status_code == 303


def test_what_was_typed_is_shown_as_text(client: TestClient, token: str) -> None:
    assert "<b>x</b>" not in _join(client, token, '"><b>x</b>', "short").text


def test_bad_links_are_one_answer_and_slow_their_client_down(client: TestClient) -> None:
    first = client.get("/join", params={"token": "made-up"})
    assert first.status_code == 404
    assert "這個連結不能用" in first.text
    assert client.get("/join").text == first.text
    for _ in range(accounts.FREE_FAILURES):
        last = client.get("/join", params={"token": "x" * 10_000})
    assert last.status_code == 429
    assert int(last.headers["retry-after"]) >= 1


def test_another_site_cannot_use_a_link(client: TestClient, token: str) -> None:
    data = {"token": token, "name": "x", "password": NEW}
    assert client.post("/join", data=data, headers={"Origin": "https://evil.example"}).status_code == 403
    assert client.get("/join", params={"token": token}).status_code == 200


def _outsider(database: Path, project_id: int, people: dict[str, User]) -> str:
    with closing(open_database(database)) as db:
        membership.remove(db, project_id, people["annotator"].id, by=None, now=time.time())
    return str(people["annotator"].id)


def _mine(database: Path, name: str) -> list[int]:
    with closing(open_database(database)) as db:
        return [each.id for each in membership.projects_of(db, accounts.find(db, name))]


def test_somebody_signed_in_is_asked_by_name_and_does_not_use_it_up_by_looking(
    client: TestClient, token: str, database: Path, project_id: int, people: dict[str, User]
) -> None:
    _outsider(database, project_id, people)
    enter(client, "annotator")
    page = client.get("/join", params={"token": token, "lang": "en"})
    assert page.status_code == 200
    assert "signed in as “annotator” (annotator). Join “健康”" in page.text
    assert 'type="password"' not in page.text
    assert _mine(database, "annotator") == []
    client.post("/logout")
    assert _join(client, token).status_code == 303


def test_joining_as_the_person_signed_in_keeps_their_role_and_uses_the_link_up(
    client: TestClient, token: str, database: Path, project_id: int, people: dict[str, User]
) -> None:
    me = _outsider(database, project_id, people)
    enter(client, "annotator")
    answer = client.post("/join", data={"token": token, "do": "accept", "me": me})
    assert (answer.status_code, answer.headers["location"]) == (303, "/?project=%E5%81%A5%E5%BA%B7")
    assert _mine(database, "annotator") == [project_id]
    with closing(open_database(database)) as db:
        assert accounts.find(db, "annotator").role == "annotator"
        assert db.execute("SELECT kind, user_id FROM events ORDER BY id DESC LIMIT 1").fetchone() == ("joined", int(me))
    client.post("/logout")
    assert client.get("/join", params={"token": token}).status_code == 404


def test_a_member_already_leaves_the_link_for_somebody_else(
    client: TestClient, token: str, people: dict[str, User]
) -> None:
    enter(client, "annotator")
    answer = client.post("/join", data={"token": token, "do": "accept", "me": str(people["annotator"].id)})
    assert answer.status_code == 303
    client.post("/logout")
    assert client.get("/join", params={"token": token}).status_code == 200


def test_nobody_joins_as_another_person_than_the_page_has_named(
    client: TestClient, token: str, database: Path, project_id: int, people: dict[str, User]
) -> None:
    me = _outsider(database, project_id, people)
    for signed_in in ("lead", None):
        client.cookies.clear()
        if signed_in:
            enter(client, signed_in)
        answer = client.post("/join", data={"token": token, "do": "accept", "me": me})
        assert (answer.status_code, answer.headers["location"]) == (303, f"/join?token={token}")
    assert _mine(database, "annotator") == []


def test_signing_out_to_use_another_account_comes_back_to_the_link(
    client: TestClient, token: str, database: Path, project_id: int, people: dict[str, User]
) -> None:
    me = _outsider(database, project_id, people)
    enter(client, "lead")
    answer = client.post("/join", data={"token": token, "do": "leave"})
    assert answer.headers["location"] == f"/join?token={token}"
    page = client.get(answer.headers["location"])
    assert 'type="password"' in page.text
    assert f"/login?next=%2Fjoin%3Ftoken%3D{token}" in page.text
    back = enter(client, "annotator", next=f"/join?token={token}").headers["location"]
    assert f'value="{me}"' in client.get(back).text


def test_a_reset_link_offers_somebody_signed_in_the_way_out_only(
    client: TestClient, database: Path, people: dict[str, User]
) -> None:
    with closing(open_database(database)) as db:
        token = inviting.offer_reset(db, people["annotator"].id, by=people["admin"].id, now=time.time())
    enter(client, "lead")
    page = client.get("/join", params={"token": token}).text
    assert "annotator" in page
    assert 'value="accept"' not in page
    assert 'value="leave"' in page
    refused = client.post("/join", data={"token": token, "do": "accept", "me": str(people["lead"].id)})
    assert refused.status_code == 404


def test_a_reset_link_asks_for_a_password_only(client: TestClient, database: Path, people: dict[str, User]) -> None:
    with closing(open_database(database)) as db:
        token = inviting.offer_reset(db, people["annotator"].id, by=people["admin"].id, now=time.time())
    page = client.get("/join", params={"token": token}).text
    assert 'value="annotator"' in page
    assert "readonly" in page
    answer = _join(client, token, "admin")  # another name in the form changes nothing
    assert answer.status_code == 303
    assert client.get("/").json()["auth"]["x-auth-user"] == str(people["annotator"].id)
    client.cookies.clear()
    assert enter(client, "annotator", PASSWORD).status_code == 401
    assert enter(client, "annotator", NEW).status_code == 303


def test_too_large_a_form_is_refused(client: TestClient, token: str) -> None:
    assert _join(client, token, "x" * 20_000).status_code == 413


def test_signing_in_leads_back_to_a_link_and_to_no_other_page_of_the_door(client: TestClient) -> None:
    assert enter(client, "lead", next="/join?token=abc").headers["location"] == "/join?token=abc"
    assert enter(client, "lead", next="/join").headers["location"] == "/"
