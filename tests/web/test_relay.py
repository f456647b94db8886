"""The way from the gate to the leads' server, over a real socket; and that server as a real process."""

from __future__ import annotations

import contextlib
import socket as plain_socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from core.services.accounts import User
from db.connect import open_database
from tests.web.conftest import HOME, STREAM, Clock, enter
from web.gate import Gate
from web.headers import Armour
from web.login import SignIn
from web.relay import Relay, answers
from web.routes import Downloads, Health, all_routes

LONG_S = 30.0  # a bound for a busy machine


async def _seen(request: Request) -> Response:
    """What the leads' server is asked."""
    seen = {
        "path": request.url.path, "query": request.url.query, "host": request.headers["host"],
        "who": request.headers.get("x-auth-user"), "encodings": request.headers.get("accept-encoding"),
        "raw": request.scope["raw_path"].decode(), "body": (await request.body()).decode(), "method": request.method,
    }  # fmt: skip
    return JSONResponse(seen, 207, headers={"X-Theirs": "yes", "Set-Cookie": "a=1"})


async def _long(_: Request) -> Response:
    async def pieces():
        for n in range(50):
            yield f"{n:05}\n" * 2000

    return StreamingResponse(pieces(), media_type="text/plain")


async def _echo(websocket: WebSocket) -> None:
    await websocket.accept(subprotocol="streamlit")
    try:
        while True:
            said = await websocket.receive()
            if said["type"] == "websocket.disconnect":
                GONE.set()
                return
            if said.get("text") == "bye":
                await websocket.close(4000)
                return
            if said.get("bytes"):
                await websocket.send_bytes(said["bytes"][::-1])
            else:
                await websocket.send_text(
                    f"{websocket.headers.get('x-auth-user')}:{websocket.url.query}:{said['text']}"
                )
    except RuntimeError:
        GONE.set()


GONE = threading.Event()


@contextlib.contextmanager
def leads_server(socket: Path, *well: Route) -> Iterator[None]:
    """A real server at a real socket, in a thread."""
    routes = [
        *well,
        WebSocketRoute("/_stcore/stream", _echo),
        Route("/media/long", _long),
        Route("/{rest:path}", _seen, methods=["GET", "POST", "PUT", "DELETE"]),
    ]
    config = uvicorn.Config(Starlette(routes=routes), uds=str(socket), log_level="error", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(LONG_S)


@pytest.fixture
def socket(tmp_path: Path) -> Path:
    return tmp_path / "leads"


@pytest.fixture
def front(database: Path, people: dict[str, User], clock: Clock, socket: Path) -> Iterator[TestClient]:
    """Everybody's server, with the gate and the relay."""
    GONE.clear()
    sign_in = SignIn(database)

    async def own(request: Request) -> Response:
        return JSONResponse({"front": request.url.path})

    async def own_stream(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_text("front")
        with contextlib.suppress(WebSocketDisconnect):
            async for _ in websocket.iter_text():
                pass

    app = Starlette(
        routes=[
            *all_routes(sign_in, Downloads(database), Health(database, lambda: "running")),
            WebSocketRoute("/_stcore/stream", own_stream),
            Route("/{rest:path}", own, methods=["GET", "POST", "PUT"]),
        ],
        middleware=[
            Middleware(Armour, hosts=("127.0.0.1",)),
            Middleware(Gate, who=sign_in.who, clock=clock),
            Middleware(Relay, socket=socket, start_s=0.5),
        ],
    )
    with TestClient(app, base_url=HOME, follow_redirects=False, headers={"Origin": HOME}) as made:
        yield made


@pytest.mark.parametrize("name", ["lead", "admin"])
def test_a_leads_requests_are_answered_by_the_leads_server(front, socket, people, name) -> None:
    enter(front, name)
    with leads_server(socket):
        found = front.put(
            "/_stcore/upload_file/a b/1?x=%E5%A4%AA&y=2", content="甲".encode(), headers={"X-Auth-User": "9"}
        )
        assert (found.status_code, found.headers["x-theirs"]) == (207, "yes")
        assert "content-security-policy" in found.headers  # the front dresses every answer
        seen = found.json()
        assert (seen["path"], seen["query"], seen["host"]) == (
            "/_stcore/upload_file/a b/1",
            "x=%E5%A4%AA&y=2",
            "127.0.0.1:8501",
        )
        assert (seen["who"], seen["body"], seen["method"]) == (str(people[name].id), "甲", "PUT")
        assert front.get("/download/labels/1.csv").json()["path"] == "/download/labels/1.csv"
        assert front.get("/dashboard").json() == {"front": "/dashboard"}  # a page itself is the same for all
        assert len(front.get("/media/long").text) == 50 * 2000 * 6


@pytest.mark.parametrize(
    "path", ["/media/%2e%2e/login", "/media//a", "/media/a%3Fb", "/media/a%00b", "/media/%ff", "/media/" + "a" * 9000]
)
def test_an_address_is_passed_on_byte_by_byte(front, socket, path) -> None:
    enter(front, "lead")
    with leads_server(socket):
        seen = front.get(f"{path}?x=%ff&=").json()
    assert (seen["raw"], seen["query"]) == (path, "x=%ff&=")


def test_no_encoding_is_asked_for_that_the_browser_did_not_ask_for(front, socket) -> None:
    enter(front, "lead")
    del front.headers["accept-encoding"]
    with leads_server(socket):
        assert front.get("/download/labels/1.csv").json()["encodings"] is None


@pytest.mark.parametrize("name", ["annotator", "reviewer"])
def test_an_annotators_requests_stay_where_they_are(front, socket, name) -> None:
    enter(front, name)
    with leads_server(socket):
        assert front.get("/_stcore/health").json() == {"front": "/_stcore/health"}
        with front.websocket_connect(STREAM) as stream:
            assert stream.receive_text() == "front"


@pytest.mark.parametrize(("before", "after", "answers"), [("lead", "annotator", 207), ("annotator", "lead", 200)])
def test_a_page_that_was_opened_under_another_role_goes_on_where_it_is(
    front, socket, database, before, after, answers
) -> None:
    enter(front, before)
    with leads_server(socket):
        with front.websocket_connect(STREAM, subprotocols=["streamlit"]) as stream:
            stream.send_text("x")
            stream.receive_text()
            with closing(open_database(database)) as db:
                db.execute("UPDATE users SET role = ? WHERE name = ?", [after, before])
                db.conn.commit()
            assert front.put("/_stcore/upload_file/1/1", content=b"x").status_code == answers
        end = time.monotonic() + LONG_S
        while front.get("/media/a").status_code == answers and time.monotonic() < end:
            time.sleep(0.01)  # until the server has heard that the page is closed
        assert front.get("/media/a").status_code == {207: 200, 200: 207}[answers]


def test_a_length_beside_pieces_is_void(front, socket) -> None:
    enter(front, "lead")
    with leads_server(socket):
        found = front.put(
            "/_stcore/upload_file/1/1", content=iter([b"ab", b"cd"]),
            headers={"Content-Length": "3", "Transfer-Encoding": "chunked"},
        )  # fmt: skip
    assert (found.status_code, found.json()["body"]) == (207, "abcd")


def test_a_stranger_reaches_neither(front, socket) -> None:
    with leads_server(socket):
        assert front.get("/_stcore/health").status_code == 401
        with pytest.raises(WebSocketDisconnect), front.websocket_connect(STREAM):
            pass


def test_a_websocket_is_passed_on_both_ways_until_one_end_closes_it(front, socket, people) -> None:
    enter(front, "lead")
    with leads_server(socket):
        with front.websocket_connect(f"{STREAM}?a=1", subprotocols=["streamlit", "one", "two"]) as stream:
            assert stream.accepted_subprotocol == "streamlit"
            stream.send_text("hello")
            assert stream.receive_text() == f"{people['lead'].id}:a=1:hello"
            stream.send_bytes(bytes(range(256)) * 8000)  # more than a message may have by itself
            assert stream.receive_bytes() == (bytes(range(256)) * 8000)[::-1]
            stream.send_text("bye")
            with pytest.raises(WebSocketDisconnect) as closed:
                stream.receive_text()
            assert closed.value.code == 4000
        GONE.clear()
        with front.websocket_connect(STREAM, subprotocols=["streamlit"]) as stream:
            stream.send_text("x")
            stream.receive_text()
        assert GONE.wait(LONG_S)  # the leads' server hears that the browser has left


def test_a_session_that_ends_closes_the_way(front, socket, clock) -> None:
    enter(front, "lead")
    with leads_server(socket), front.websocket_connect(STREAM, subprotocols=["streamlit"]) as stream:
        stream.send_text("x")
        stream.receive_text()
        front.post("/logout")
        clock.t += 10
        stream.send_text("y")
        with pytest.raises(WebSocketDisconnect) as closed:
            stream.receive_text()
        assert closed.value.code == 4401
        assert GONE.wait(LONG_S)


def test_without_that_server_a_sentence_says_so_and_the_browser_may_try_again(front, socket) -> None:
    enter(front, "lead")
    found = front.get("/download/report/1")
    assert found.status_code == 503
    assert "重新啟動" in found.text
    with pytest.raises(WebSocketDisconnect) as refused, front.websocket_connect(STREAM):
        pass
    assert refused.value.code == 1013
    with leads_server(socket):
        assert front.get("/_stcore/health").status_code == 207
    assert front.get("/_stcore/health").status_code == 503  # gone again


def test_somebody_who_comes_while_it_starts_waits_for_it(front, socket) -> None:
    enter(front, "lead")
    began = threading.Event()

    def later() -> None:
        began.wait()
        time.sleep(0.2)
        with leads_server(socket):
            done.wait(LONG_S)

    done = threading.Event()
    thread = threading.Thread(target=later)
    thread.start()
    began.set()
    try:
        with front.websocket_connect(STREAM, subprotocols=["streamlit"]) as stream:
            stream.send_text("x")
            assert stream.receive_text().endswith(":x")
    finally:
        done.set()
        thread.join(LONG_S)


def test_whether_it_is_well_is_asked_at_its_socket(socket: Path) -> None:
    assert not answers(socket)
    well = [200]
    with leads_server(socket, Route("/_stcore/health", lambda _: Response("ok", well[0]))):
        until = time.monotonic() + LONG_S
        while not answers(socket) and time.monotonic() < until:  # it starts
            time.sleep(0.05)
        assert answers(socket, LONG_S)
        well[0] = 503
        assert not answers(socket, LONG_S)
    with contextlib.closing(plain_socket.socket(plain_socket.AF_UNIX)) as silent:
        socket.unlink(missing_ok=True)
        silent.bind(str(socket))
        silent.listen()
        assert not answers(socket, 0.1)
