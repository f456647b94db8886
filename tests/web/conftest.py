"""A small app behind the real armour, gate and routes, over a real database."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket

from core.services import accounts
from core.services.accounts import User
from db.connect import open_database
from web.gate import Gate
from web.headers import Armour
from web.login import SignIn
from web.lost import Lost
from web.routes import Downloads, Health, all_routes

HOME = "http://127.0.0.1:8501"
STREAM = "ws://127.0.0.1:8501/_stcore/stream"
PASSWORD = "correct horse 電池"


class Clock:
    """A clock that only moves when told to."""

    def __init__(self) -> None:
        self.t = 1000.0

    def __call__(self) -> float:
        return self.t


async def _page(request: Request) -> JSONResponse:
    """Says what a page behind the gate would see."""
    auth = {k: v for k, v in request.headers.items() if k.startswith("x-auth")}
    return JSONResponse({"auth": auth, "origin": request.headers.get("origin")})


async def _html(request: Request) -> HTMLResponse:
    """A page as Streamlit sends one: with words of its own on how long to keep it."""
    return HTMLResponse("<p>page</p>", headers={"cache-control": "no-cache"})


async def _stream(websocket: WebSocket) -> None:
    await websocket.accept()
    async for _ in websocket.iter_text():
        await websocket.send_text(websocket.headers.get("x-auth-user", "nobody"))


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same algorithm with the smallest cost: these tests are about the door, not about the lock."""
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(accounts, "_hasher", cheap)
    monkeypatch.setattr(accounts, "_NOBODY", cheap.hash("nobody"))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "tagtail.db"
    with closing(open_database(path, create=True)):
        pass
    return path


@pytest.fixture
def people(database: Path) -> dict[str, User]:
    """One person of each role; the name is the role."""
    now = time.time()
    with closing(open_database(database)) as db:
        return {role: accounts.create_user(db, role, PASSWORD, role, by=None, now=now) for role in accounts.ROLES}


@pytest.fixture
def client(database: Path, people: dict[str, User], clock: Clock) -> Iterator[TestClient]:
    sign_in = SignIn(database)
    app = Starlette(
        routes=[
            *all_routes(sign_in, Downloads(database), Health(database, lambda: "running")),
            WebSocketRoute("/_stcore/stream", _stream),
            Route("/page.html", _html),
            Route("/{rest:path}", _page, methods=["GET", "POST", "PUT"]),
        ],
        middleware=[
            Middleware(Armour, hosts=("127.0.0.1", "lab.example.org")),
            Middleware(Gate, who=sign_in.who, clock=clock),
            Middleware(Lost),
        ],
    )
    with TestClient(app, base_url=HOME, follow_redirects=False, headers={"Origin": HOME}) as made:
        yield made


def enter(client: TestClient, name: str, password: str = PASSWORD, **fields: str):
    """Signs in through the form."""
    return client.post("/login", data={"name": name, "password": password, **fields})
