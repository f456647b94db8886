"""What leads' pages ask for goes on to the leads' server (``web.leads``): its answers come back as they are.

Inside the gate, so that a stranger's request goes nowhere, and a session that ends closes the way there, too. What the
gate's ``X-Auth-User`` says is believed: the socket lies in a folder that nobody else may enter.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket as _socket
import time
from collections import Counter
from pathlib import Path

import httpx2
from starlette.background import BackgroundTask
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from websockets.asyncio.client import ClientConnection, unix_connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI
from websockets.typing import Subprotocol

from core.services.accounts import User
from pages.shared.i18n import say

log = logging.getLogger("tagtail.web")

APART = ("lead", "admin")
PREFIXES = ("/_stcore/", "/media/", "/component/", "/download/")  # what a page asks for; pages themselves are the same
START_S = 30.0  # how long somebody waits for a server that starts, or starts again
LOOK_S = 0.1
HOP = frozenset(  # of one connection alone; source: RFC 9110, section 7.6.1
    {"connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"}
)
ANEW = frozenset({"sec-websocket-key", "sec-websocket-version", "sec-websocket-extensions", "sec-websocket-protocol"})
LOST, SILENT = 1011, 1013  # close codes: it went away; it cannot be reached now


class Relay:
    """ASGI middleware: a lead's or an admin's requests below ``PREFIXES`` are answered at ``socket``."""

    def __init__(self, app: ASGIApp, *, socket: Path, start_s: float = START_S) -> None:
        self.app = app
        self._socket = socket
        self._start_s = start_s
        self._http: httpx2.AsyncHTTPTransport | None = None
        self._visits: Counter[tuple[int, bool]] = Counter()  # open websockets by person, and whether they are apart

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        user: User | None = scope.get("state", {}).get("user")
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            if self._http is not None:
                await self._http.aclose()
        elif user is None or not scope["path"].startswith(PREFIXES):
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._visit(user, scope, receive, send)
        elif self._is_apart(user):
            await (await self._asked(Request(scope, receive)))(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _visit(self, user: User, scope: Scope, receive: Receive, send: Send) -> None:
        apart = user.role in APART
        self._visits[user.id, apart] += 1
        try:
            await (self._speak if apart else self.app)(scope, receive, send)
        finally:
            self._visits[user.id, apart] -= 1

    def _is_apart(self, user: User) -> bool:
        """Where this person's open pages live: one that was opened under another role goes on where it is."""
        apart, here = self._visits[user.id, True] > 0, self._visits[user.id, False] > 0
        return apart if apart != here else user.role in APART

    async def _asked(self, request: Request) -> Response:
        """The leads' server's answer, piece by piece; 503 where there is none."""
        try:
            await self._there()
            pieces = "transfer-encoding" in request.headers
            without = HOP | {"content-length"} if pieces else HOP  # source: RFC 9112, section 6.3
            asked = httpx2.Request(
                request.method, "http://leads", headers=[(k, v) for k, v in request.headers.raw if _kept(k, without)],
                content=request.stream(), extensions={"target": _target(request.scope)},
            )  # fmt: skip
            answer = await self._transport().handle_async_request(asked)
        except ClientDisconnect:
            return Response(status_code=400)  # it left in the midst of an upload, and hears nothing
        except (OSError, httpx2.TransportError) as error:
            log.warning("the leads' server cannot be reached: %r", error)
            return PlainTextResponse(say("login.leads_down", request.state.user.lang), 503)
        found = StreamingResponse(answer.aiter_raw(), answer.status_code, background=BackgroundTask(answer.aclose))
        found.raw_headers = [(k.lower(), v) for k, v in answer.headers.raw if _kept(k)]
        return found

    def _transport(self) -> httpx2.AsyncHTTPTransport:
        # No client around it: that asks for encodings that the browser did not ask for, and keeps cookies.
        if self._http is None:
            self._http = httpx2.AsyncHTTPTransport(uds=str(self._socket), verify=False)
        return self._http

    async def _there(self) -> None:
        """Waits until the socket answers. Raises OSError."""
        until = time.monotonic() + self._start_s
        while True:
            try:
                _, writer = await asyncio.open_unix_connection(self._socket)
            except (FileNotFoundError, ConnectionRefusedError):
                if time.monotonic() > until:
                    raise
                await asyncio.sleep(LOOK_S)
            else:
                writer.close()
                return

    async def _speak(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A websocket from end to end, until one of the ends closes it."""
        await receive()  # the browser asks
        try:
            server = await self._connected(scope)
        except (OSError, InvalidHandshake, InvalidURI) as error:
            log.warning("the leads' server cannot be reached: %r", error)
            await send({"type": "websocket.close", "code": SILENT})
            return
        async with server:
            await send({"type": "websocket.accept", "subprotocol": server.subprotocol})
            inward = asyncio.create_task(_inward(receive, server))
            try:
                await _outward(server, send, inward)
            finally:
                inward.cancel()

    async def _connected(self, scope: Scope) -> ClientConnection:
        """Raises OSError, InvalidHandshake, InvalidURI."""
        await self._there()
        headers = [(k.decode("latin-1"), v.decode("latin-1")) for k, v in scope["headers"]]
        return await unix_connect(
            str(self._socket),
            "ws://leads" + _target(scope).decode("latin-1"),
            subprotocols=[Subprotocol(each) for each in scope["subprotocols"]] or None,
            additional_headers=[(k, v) for k, v in headers if k not in HOP | ANEW | {"host"}],
            user_agent_header=None, compression=None, max_size=None, open_timeout=self._start_s, ping_interval=None,
        )  # fmt: skip


def answers(socket: Path, timeout_s: float = 2.0) -> bool:
    """Whether the leads' server says that it is well."""
    try:
        with _socket.socket(_socket.AF_UNIX) as line:
            line.settimeout(timeout_s)
            line.connect(str(socket))
            line.sendall(b"GET /_stcore/health HTTP/1.1\r\nHost: leads\r\nConnection: close\r\n\r\n")
            return line.recv(12) == b"HTTP/1.1 200"
    except OSError:
        return False


def _kept(header: bytes, without: frozenset[str] = HOP) -> bool:
    return header.decode("latin-1").lower() not in without


def _target(scope: Scope) -> bytes:
    """What was asked for, byte by byte: whoever reads it again as an address may read another one."""
    path: bytes = scope["raw_path"]
    return path + b"?" + scope["query_string"] if scope["query_string"] else path


async def _inward(receive: Receive, server: ClientConnection) -> None:
    """What the browser says, until it leaves."""
    with contextlib.suppress(ConnectionClosed):
        while (message := await receive())["type"] == "websocket.receive":
            text = message.get("text")
            await server.send(message["bytes"] if text is None else text)
        await server.close()


async def _outward(server: ClientConnection, send: Send, inward: asyncio.Task[None]) -> None:
    """What the server says, until it closes; the browser hears that only while it is there."""
    with contextlib.suppress(OSError):  # the browser is gone
        with contextlib.suppress(ConnectionClosed):
            async for said in server:
                await send({"type": "websocket.send", "text" if isinstance(said, str) else "bytes": said})
        if not inward.done():
            code = server.close_code
            known = code is not None and (code == 1000 or code >= 3000)
            await send({"type": "websocket.close", "code": code if known else LOST})
