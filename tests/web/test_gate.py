"""Nobody comes past the gate without a live session, and nobody can say that they are somebody else."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path

import pytest
from starlette.datastructures import Headers
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from core.services import accounts
from core.services.accounts import User
from db.connect import open_database
from tests.web.conftest import HOME, PASSWORD, STREAM, Clock, enter
from web import gate
from web.gate import same_origin
from web.login import safe_target


def test_a_page_without_a_session_leads_to_the_sign_in_page_and_back(client: TestClient) -> None:
    assert client.get("/").headers["location"] == "/login"
    answer = client.get("/dashboard")
    assert (answer.status_code, answer.headers["location"]) == (303, "/login?next=%2Fdashboard")


@pytest.mark.parametrize(
    "path", ["/_stcore/host-config", "/media/x.png", "/download/labels/1.jsonl", "/_stcore/metrics"]
)
def test_a_fetch_without_a_session_is_refused_with_401(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 401


def test_a_websocket_without_a_session_is_refused(client: TestClient) -> None:
    with pytest.raises(WebSocketDisconnect), client.websocket_connect(STREAM):
        raise AssertionError("it was accepted")


def test_a_forged_identity_header_is_dropped(client: TestClient, people: dict[str, User]) -> None:
    forged = {"X-Auth-User": str(people["admin"].id), "x-auth-role": "admin", "X-AUTH-anything": "1"}
    assert client.get("/", headers=forged).status_code == 303
    enter(client, "annotator")
    assert client.get("/", headers=forged).json()["auth"] == {"x-auth-user": str(people["annotator"].id)}


def test_a_made_up_token_opens_nothing(client: TestClient) -> None:
    client.cookies.set(gate.COOKIE, "a" * 43)
    assert client.get("/").status_code == 303


def test_signing_in_opens_pages_and_the_websocket(client: TestClient, people: dict[str, User]) -> None:
    answer = enter(client, "lead")
    cookie = next(c for c in answer.headers.get_list("set-cookie") if c.startswith(gate.COOKIE))
    assert "HttpOnly" in cookie
    assert "samesite=lax" in cookie.lower()
    assert "secure" not in cookie.lower()  # plain http on this computer: a Secure cookie would be lost
    with client.websocket_connect(STREAM) as socket:
        socket.send_text("who am I")
        assert socket.receive_text() == str(people["lead"].id)


def test_over_https_the_cookie_is_secure(client: TestClient) -> None:
    client.base_url = "https://lab.example.org"
    answer = client.post(
        "/login", data={"name": "lead", "password": PASSWORD}, headers={"Origin": "https://lab.example.org"}
    )
    assert all("secure" in c.lower() for c in answer.headers.get_list("set-cookie"))
    assert "strict-transport-security" in answer.headers


def test_signing_out_ends_the_session_itself(client: TestClient) -> None:
    enter(client, "lead")
    token = client.cookies[gate.COOKIE]
    answer = client.post("/logout")
    assert answer.headers["location"].startswith("/login")
    client.cookies.set(gate.COOKIE, token)  # a stolen copy of the cookie
    assert client.get("/").status_code == 303


def test_an_open_websocket_ends_when_its_session_does(
    client: TestClient, database: Path, clock: Clock, people: dict[str, User]
) -> None:
    enter(client, "annotator")
    with client.websocket_connect(STREAM) as socket:
        with closing(open_database(database)) as db:
            accounts.set_active(db, people["annotator"].id, False, by=people["admin"].id, now=time.time())
        socket.send_text("still within the interval")
        assert socket.receive_text()
        clock.t += gate.RECHECK_S
        socket.send_text("after it")
        with pytest.raises(WebSocketDisconnect) as ended:
            socket.receive_text()
    assert ended.value.code == gate.SIGNED_OUT


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:9999"},
        {"Origin": HOME, "Sec-Fetch-Site": "cross-site"},
        {"Origin": "", "Referer": "https://evil.example/form"},
        {"Origin": ""},
    ],
)
def test_a_post_from_another_site_does_nothing(client: TestClient, headers: dict[str, str]) -> None:
    enter(client, "lead")
    assert client.post("/logout", headers=headers).status_code == 403
    assert client.post("/login", data={"name": "lead"}, headers=headers).status_code == 403
    assert client.put("/_stcore/upload_file/x", headers=headers).status_code == 403
    assert client.get("/").status_code == 200  # still signed in


def test_a_websocket_of_another_site_is_refused(client: TestClient) -> None:
    enter(client, "lead")
    with (
        pytest.raises(WebSocketDisconnect),
        client.websocket_connect(STREAM, headers={"Origin": "https://evil.example"}),
    ):
        raise AssertionError("it was accepted")


@pytest.mark.parametrize(
    ("host", "origin", "same"),
    [
        ("lab.example.org", "https://lab.example.org", True),  # a proxy that ends TLS and keeps the name
        ("lab.example.org:8443", "https://lab.example.org:8443", True),
        ("lab.example.org", "https://lab.example.org:8443", False),
        ("[::1]:8501", "http://[::1]:8501", True),
        ("lab.example.org", "https://lab.example.org.evil.example", False),
        ("lab.example.org", "http://[broken", False),
    ],
)
def test_same_origin(host: str, origin: str, same: bool) -> None:
    assert same_origin(Headers({"host": host, "origin": origin}), "http") is same


def test_the_pages_do_not_see_the_origin(client: TestClient) -> None:
    enter(client, "lead")
    assert client.post("/x").json()["origin"] is None


def test_an_unknown_host_name_is_refused(client: TestClient) -> None:
    answer = client.get("/login", headers={"Host": "rebound.example"})
    assert answer.status_code == 400
    assert "ALLOWED_HOSTS" in answer.text


def test_every_answer_carries_the_security_headers(client: TestClient) -> None:
    for answer in (
        client.get("/login"),
        client.get("/"),
        client.get("/healthz"),
        client.post("/x", headers={"Origin": "null"}),
    ):
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("target", "safe"),
    [
        ("/dashboard", "/dashboard"),
        ("//evil.example", "/"),
        ("https://evil.example", "/"),
        ("/\\evil.example", "/"),
        ("/x\r\nSet-Cookie: a=b", "/"),
        ("/logout", "/"),
        (None, "/"),
    ],
)
def test_after_signing_in_nobody_is_sent_elsewhere(target: str | None, safe: str) -> None:
    assert safe_target(target) == safe
