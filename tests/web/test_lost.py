"""Addresses typed by hand, and what the browser may keep of a page."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from tests.web.conftest import enter

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.mark.parametrize("path", ["/foo", "/foo/bar", "/dashboard/x", "/Dashboard", "/main"])
def test_an_address_without_a_page_says_so_and_leads_home(client: TestClient, path: str) -> None:
    enter(client, "annotator")
    answer = client.get(path, headers=BROWSER)
    assert answer.status_code == 404
    assert "這個網址沒有頁面" in answer.text
    assert 'href="/"' in answer.text


@pytest.mark.parametrize("path", ["/", "/dashboard", "/dashboard/", "/people?project=p", "/_stcore/health"])
def test_what_there_is_is_let_through(client: TestClient, path: str) -> None:
    enter(client, "annotator")
    answer = client.get(path, headers=BROWSER)
    assert answer.status_code == 200
    assert answer.json()["auth"]


def test_what_a_script_fetches_is_let_through(client: TestClient) -> None:
    enter(client, "annotator")
    assert client.get("/somewhere/font.woff2", headers={"Accept": "*/*"}).status_code == 200


def test_a_language_of_ones_own(client: TestClient) -> None:
    enter(client, "annotator", lang="hans", chosen="1")
    assert "这个网址没有页面" in client.get("/foo", headers=BROWSER).text


def test_typing_the_sign_out_address_asks_first(client: TestClient) -> None:
    assert client.get("/logout").headers["location"] == "/login"
    enter(client, "annotator")
    page = client.get("/logout")
    assert page.status_code == 200
    assert 'action="/logout"' in page.text
    assert client.get("/").status_code == 200, "still signed in"
    assert client.post("/logout").headers["location"] == "/login?bye=1"


def test_the_browser_keeps_no_page_so_that_going_back_after_sign_out_asks_us(client: TestClient) -> None:
    enter(client, "annotator")
    assert client.get("/page.html").headers["cache-control"] == "no-store"
    assert "cache-control" not in client.get("/").headers, "what is no page is left as it is"
