"""What draws charts comes once, small, and only to those who are signed in."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from core.services.accounts import User
from pages.shared.components.chart import FILES, PLACE, VERSION
from tests.web.conftest import enter


@pytest.mark.parametrize("name", FILES)
def test_each_file_is_what_it_is_on_disk_and_kept_by_the_browser(
    client: TestClient, people: dict[str, User], name: str
) -> None:
    enter(client, "annotator")
    answer = client.get(f"{PLACE}/{VERSION}/{name}")
    assert answer.status_code == 200
    assert answer.content == FILES[name].read_bytes()
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["content-type"].startswith("text/javascript")
    assert "immutable" in answer.headers["cache-control"]
    assert int(answer.headers["content-length"]) < 0.4 * FILES[name].stat().st_size + 1000


def test_another_releases_address_is_answered_and_not_kept(client: TestClient, people: dict[str, User]) -> None:
    enter(client, "annotator")
    answer = client.get(f"{PLACE}/0000/chart.js")
    assert answer.content == FILES["chart.js"].read_bytes()
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("name", ["look.py", "__init__.py", "..%2f__init__.py", "%2e%2e/%2e%2e/app.py"])
def test_nothing_else_is_there(client: TestClient, people: dict[str, User], name: str) -> None:
    enter(client, "annotator")
    answer = client.get(f"{PLACE}/{VERSION}/{name}")
    assert "import" not in answer.text


def test_a_stranger_gets_none(client: TestClient) -> None:
    assert client.get(f"{PLACE}/{VERSION}/chart.js").status_code in (303, 401)


def test_plotlys_own_script_is_a_whole_one() -> None:
    """Its first lines name the version: it is a part of the address."""
    text = FILES["plotly.js"].read_text("utf-8")
    assert "plotly.js v" in text[:200]
    assert "window.Plotly = Plotly" in text[-400:]
