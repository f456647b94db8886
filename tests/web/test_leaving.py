"""A closed tab gives back what it held ahead: not at once, and not while its person is still, or again, there."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.testclient import TestClient

from core.services import annotating, curating
from core.services.accounts import User
from core.services.curating import ImportOptions
from db.connect import open_database
from tests.conftest import make_project
from tests.web.conftest import STREAM, enter
from web import leaving
from web.leaving import Leaving


@pytest.fixture
def desk(database: Path, people: dict[str, User], tmp_path: Path) -> tuple[int, list[int]]:
    """A project, and the five texts that the annotator holds."""
    file = tmp_path / "texts.jsonl"
    file.write_text("".join(json.dumps({"text": f"第{n}段文字"}) + "\n" for n in range(5)), encoding="utf-8")
    with closing(open_database(database)) as db:
        project = make_project(db)
        curating.run_import(db, project, file, options=ImportOptions(), by=None, now=time.time())
        held = annotating.next_texts(db, project, people["annotator"].id, n=5, now=time.time())
    return project, [each.id for each in held]


def free(database: Path, project: int, colleague: int) -> set[int]:
    """What a colleague would be handed."""
    with closing(open_database(database)) as db:
        found = {each.id for each in annotating.next_texts(db, project, colleague, n=9, now=time.time())}
        annotating.release(db, project, colleague, now=time.time())
    return found


def _post(user: User, body: str, tabs: Counter[int]) -> Request:
    async def receive() -> dict:
        return {"type": "http.request", "body": body.encode(), "more_body": False}

    return Request({"type": "http", "method": "POST", "headers": [], "state": {"user": user, "tabs": tabs}}, receive)


def run(database: Path, user: User, bodies: list[str], *, meanwhile: Callable[[Counter[int]], None]) -> None:
    """Closing tabs one after another, and what happens before the grace is over."""

    async def play() -> None:
        tabs: Counter[int] = Counter()
        route = Leaving(database, grace_s=0.05)
        for body in bodies:
            assert (await route.heard(_post(user, body, tabs))).status_code == 204
        meanwhile(tabs)
        while route._waiting:
            await asyncio.sleep(0.01)

    asyncio.run(play())


def test_a_closed_tab_keeps_what_is_on_its_screen_or_unsent_and_gives_back_the_rest(database, people, desk) -> None:
    project, held = desk
    first, second = held[0], held[3]
    body = f"project={project}&keep={first},{second}"
    run(database, people["annotator"], [body], meanwhile=lambda tabs: None)
    assert free(database, project, people["reviewer"].id) == set(held) - {first, second}


def test_without_a_list_the_text_on_the_desk_stays(database, people, desk) -> None:
    project, held = desk
    run(database, people["annotator"], [f"project={project}"], meanwhile=lambda tabs: None)
    assert free(database, project, people["reviewer"].id) == set(held[1:])


def test_a_reload_and_another_tab_keep_everything(database, people, desk) -> None:
    project, _ = desk
    annotator = people["annotator"]

    def comes_back(tabs: Counter[int]) -> None:
        tabs[annotator.id] += 1

    run(database, annotator, [f"project={project}"], meanwhile=comes_back)
    assert free(database, project, people["reviewer"].id) == set()


def test_of_two_closing_tabs_the_last_one_counts(database, people, desk) -> None:
    project, held = desk
    bodies = [f"project={project}&keep={held[0]}", f"project={project}&keep={held[4]}"]
    run(database, people["annotator"], bodies, meanwhile=lambda tabs: None)
    assert free(database, project, people["reviewer"].id) == set(held[:4])


def test_a_late_save_of_what_was_given_back_still_counts(database, people, desk) -> None:
    project, held = desk
    annotator = people["annotator"]
    run(database, annotator, [f"project={project}&keep={held[0]}"], meanwhile=lambda tabs: None)
    op = {"uid": "late", "kind": "save", "document": held[2], "decision": "labelled", "labels": ["k0"]}
    with closing(open_database(database)) as db:
        assert annotating.apply(db, project, annotator.id, [op], now=time.time()).acked == ("late",)


def test_through_the_gate_only_a_signed_in_page_of_ours_is_heard(
    client: TestClient, database, people, desk, monkeypatch
) -> None:
    project, held = desk
    assert client.post("/leaving", data={"project": project}).headers["location"] == "/login"
    enter(client, "annotator")
    evil = {"Origin": "https://evil.example"}
    assert client.post("/leaving", data={"project": project}, headers=evil).status_code == 403
    for bad in ({}, {"project": "x"}, {"project": project, "keep": "1,b"}, {"project": "9" * 30}):
        assert client.post("/leaving", data=bad).status_code == 400
    assert client.get("/leaving").status_code != 204
    with client.websocket_connect(STREAM):
        assert client.post("/leaving", data={"project": project, "keep": f"{held[0]}"}).status_code == 204
    assert leaving.GRACE_S == 20
    assert free(database, project, people["reviewer"].id) == set(), "not at once"


def test_the_gate_counts_open_pages(client: TestClient, people: dict[str, User]) -> None:
    gate = client.app.middleware_stack.app  # type: ignore[attr-defined]
    while not hasattr(gate, "tabs"):
        gate = gate.app
    enter(client, "annotator")
    annotator = people["annotator"].id
    with client.websocket_connect(STREAM) as first:
        first.send_text("x")
        first.receive_text()
        with client.websocket_connect(STREAM) as second:
            second.send_text("x")
            second.receive_text()
            assert gate.tabs[annotator] == 2
    for _ in range(100):
        if not gate.tabs[annotator]:
            break
        time.sleep(0.01)
    assert gate.tabs[annotator] == 0
