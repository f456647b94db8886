"""Streamlit's page as it is served: it has the place for what it is told, and nothing else in it is changed."""

from __future__ import annotations

import base64
import hashlib

from starlette.applications import Starlette
from starlette.testclient import TestClient

from web.headers import CSP
from web.lost import PAGES
from web.shell import INDEX, TOLD, shell, shell_routes


def test_the_page_is_told_where_its_server_is_before_its_script_begins() -> None:
    page = shell()
    assert 0 < page.index(TOLD) < page.index('<script type="module"')
    assert page.replace(f"<script>{TOLD}</script>\n    ", "") == INDEX.read_text("utf-8")


def test_what_it_is_told_may_run_there() -> None:
    digest = base64.b64encode(hashlib.sha256(TOLD.encode()).digest()).decode()
    assert f"'sha256-{digest}'" in CSP


def test_streamlits_script_still_knows_what_it_is_told() -> None:
    scripts = "".join(path.read_text("utf-8") for path in (INDEX.parent / "static" / "js").glob("index.*.js"))
    for name in ("window.__streamlit", "BACKEND_BASE_URL", "HOST_CONFIG", "allowedOrigins", "useExternalAuthToken"):
        assert name in scripts


def test_every_page_is_served_by_its_address() -> None:
    client = TestClient(Starlette(routes=shell_routes()))
    for path in ("/", *(f"/{name}" for name in PAGES - {"annotate"})):
        answer = client.get(path)
        assert (answer.status_code, answer.text) == (200, shell())
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert client.get("/_stcore/health").status_code == 404, "what is no page is left to Streamlit"
