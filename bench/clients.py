"""Annotators without a browser: they sign in over HTTP and speak Streamlit's websocket protocol as its page does.

A client keeps what the board keeps: an outbox that is sent whole until each op is acknowledged or refused, with a
counter that makes every value new. It does not paint, so it measures the server alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import random
import secrets
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection

from bench.ledger import Made

BOARD = "tagtail.label_board"
RESEND_S = 3.0
ANSWER_S = 30.0  # a decision that nobody acknowledges for so long is an error
START_S = 60.0


@dataclass
class Client:
    """One annotator. ``made`` is what was decided, ``acked`` and ``refused`` what became of it, by uid."""

    url: str
    name: str
    password: str
    made: dict[str, Made] = field(default_factory=dict)
    acked: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)
    ack_ms: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    outbox: dict[str, dict[str, Any]] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)
    _socket: ClientConnection | None = None
    _cookie: str = ""
    _page: str = ""
    _fragment: str = ""
    _widget: str = ""
    _sends: int = 0
    _still: dict[str, Any] = field(default_factory=dict)  # what seldom changes; sent again only when it has changed
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def sign_in(self) -> None:
        """Raises OSError, RuntimeError (not let in)."""
        where = urlsplit(self.url)
        connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=START_S)
        with contextlib.closing(connection):
            form = urlencode({"name": self.name, "password": self.password})
            head = {"Content-Type": "application/x-www-form-urlencoded", "Origin": self.url}
            connection.request("POST", "/login", form, head)
            answer = connection.getresponse()
            answer.read()
        cookies = answer.headers.get_all("Set-Cookie") or []
        if answer.status != 303 or not cookies:
            raise RuntimeError(f"{self.name} was not let in: HTTP {answer.status}")
        self._cookie = "; ".join(each.split(";")[0] for each in cookies)

    async def open(self) -> None:
        """Connects, asks for the first page and waits for its board."""
        self._socket = await websockets.connect(
            self.url.replace("http", "ws", 1) + "/_stcore/stream",
            additional_headers={"Cookie": self._cookie},
            origin=self.url,  # type: ignore[arg-type]
            subprotocols=["streamlit"],  # type: ignore[list-item]
            max_size=None,
        )
        await self._socket.send(self._message().SerializeToString())

    def _message(self) -> BackMsg:
        """A rerun of the whole page, or of the board alone once there is one, with its outbox."""
        message = BackMsg()
        asked = message.rerun_script
        asked.widget_states.SetInParent()
        asked.context_info.timezone, asked.context_info.url = "Asia/Taipei", self.url + "/"
        if self._widget:
            self._sends += 1
            box = {"n": self._sends, "at": int(time.time() * 1000), "ops": list(self.outbox.values())}
            asked.page_script_hash, asked.fragment_id = self._page, self._fragment
            widget = asked.widget_states.widgets.add()
            widget.id = self._widget
            have = {
                "sid": self.data.get("sid"),
                "project": self.data.get("project"),
                "still": self._still.get("id", ""),
            }
            widget.json_value = json.dumps({"outbox": {**box, **have}})
        return message

    async def send(self) -> None:
        if self._socket is not None:
            await self._socket.send(self._message().SerializeToString())

    async def listen(self) -> None:
        """Takes in what the server sends until the connection ends."""
        assert self._socket is not None
        with contextlib.suppress(websockets.ConnectionClosed):
            async for raw in self._socket:
                message = ForwardMsg()
                message.ParseFromString(raw if isinstance(raw, bytes) else raw.encode())
                self._take(message)

    def _take(self, message: ForwardMsg) -> None:
        kind = message.WhichOneof("type")
        if kind == "navigation":
            self._page = message.navigation.page_script_hash
        elif kind == "delta" and message.delta.WhichOneof("type") == "new_element":
            element = message.delta.new_element
            shape = element.WhichOneof("type")
            if shape == "exception":
                self.errors.append(element.exception.message)
            elif shape == "bidi_component" and element.bidi_component.component_name == BOARD:
                board = element.bidi_component
                self._widget, self._fragment = board.id, message.delta.fragment_id
                self._receive(json.loads(board.mixed.json if board.HasField("mixed") else board.json))

    def _receive(self, data: dict[str, Any]) -> None:
        now = time.perf_counter()
        self.data, self._still = data, data.get("still") or self._still
        for uid in data["acked"] or []:
            if self.outbox.pop(uid, None):
                self.acked.add(uid)
                self.ack_ms.append((now - self.made[uid].at) * 1000)
        for each in data["refused"] or []:
            if self.outbox.pop(each["uid"], None):
                self.refused.add(each["uid"])
                self.errors.append(f"refused: {each['sentence']}")
        if data["trouble"]:
            self.errors.append(data["trouble"])
        self._changed.set()

    async def until(self, there: Any, timeout_s: float) -> bool:
        """Waits until ``there()`` holds; sends the outbox again meanwhile. False: it never did."""
        until = time.monotonic() + timeout_s
        while not there():
            self._changed.clear()
            left = until - time.monotonic()
            if left <= 0:
                return False
            try:
                await asyncio.wait_for(self._changed.wait(), min(left, RESEND_S))
            except TimeoutError:
                if self._widget:
                    await self.send()
        return True

    def _waiting(self) -> list[dict[str, Any]]:
        decided = {each.document for each in self.made.values()}
        return [doc for doc in self.data.get("docs", []) if doc["id"] not in decided]

    async def decide(self, labels: Sequence[str]) -> bool:
        """Labels the next text and waits for the answer. False: there is no text, or no answer."""
        if not await self.until(self._waiting, ANSWER_S):
            self.errors.append("no text")
            return False
        document, uid = self._waiting()[0]["id"], secrets.token_hex(16)
        op = {
            "uid": uid, "kind": "save", "project": self.data["project"], "document": document, "decision": "labelled",
            "labels": list(labels), "comment": "", "ms": 5000, "target": "", "shown": None,
            "at": int(time.time() * 1000),
        }  # fmt: skip
        self.made[uid] = Made(
            uid=uid, document=document, decision="labelled", labels=tuple(labels), at=time.perf_counter()
        )
        self.outbox[uid] = op
        await self.send()
        if await self.until(lambda: uid not in self.outbox, ANSWER_S):
            return uid in self.acked
        self.errors.append(f"no answer for {ANSWER_S:.0f} s")
        return False

    async def work(self, a_minute: float, stop: asyncio.Event, rng: random.Random) -> None:
        """So many texts a minute, from a random moment on, until ``stop``."""
        period = 60 / a_minute
        due = time.monotonic() + rng.random() * period
        while not stop.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), max(0.0, due - time.monotonic()))
            if not stop.is_set():
                keys = [label["key"] for label in self._still["values"]["labels"]]
                chosen = set(rng.sample(keys, min(2, len(keys))))
                await self.decide([key for key in keys if key in chosen])
                due += period

    async def close(self) -> None:
        if self._socket is not None:
            await self._socket.close()


class Crowd:
    """Several clients at once, in a thread of their own; inside ``with`` all of them are signed in and have a board."""

    def __init__(self, url: str, names: Sequence[str], password: str, *, a_minute: float, seed: int = 0) -> None:
        self.clients = [Client(url, name, password) for name in names]
        self._a_minute, self._seed = a_minute, seed
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._begun, self._stop = asyncio.Event(), asyncio.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._live()), name="crowd", daemon=True)

    def __enter__(self) -> Crowd:
        """Raises RuntimeError: not everybody has a board."""
        self._thread.start()
        self._ready.wait(START_S + 5 * len(self.clients))
        if missing := [each for each in self.clients if not each.data]:
            self._end()
            raise RuntimeError(f"no board for {[(each.name, each.errors) for each in missing][:5]}")
        return self

    def __exit__(self, *_: object) -> None:
        """What is under way is finished first."""
        self._end()

    def begin(self) -> None:
        self._set(self._begun)

    def _end(self) -> None:
        self._set(self._stop)
        self._set(self._begun)
        self._thread.join(ANSWER_S * 2)

    def _set(self, event: asyncio.Event) -> None:
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # everybody has gone already; why is among their errors
                self._loop.call_soon_threadsafe(event.set)

    @property
    def ack_ms(self) -> list[float]:
        return [each for client in self.clients for each in client.ack_ms]

    @property
    def errors(self) -> list[str]:
        return [f"{client.name}: {each}" for client in self.clients for each in client.errors]

    async def _live(self) -> None:
        self._loop = asyncio.get_running_loop()
        try:
            listening = await self._enter_all()
        finally:
            self._ready.set()
        await self._begun.wait()
        work = [
            each.work(self._a_minute, self._stop, random.Random(f"{self._seed}:{each.name}")) for each in self.clients
        ]
        for client, ended in zip(self.clients, await asyncio.gather(*work, return_exceptions=True), strict=True):
            if isinstance(ended, BaseException):
                client.errors.append(repr(ended))
        for client in self.clients:
            await client.close()
        await asyncio.gather(*listening)

    async def _enter_all(self) -> list[asyncio.Task[None]]:
        """One after the other: a sign-in costs the server a moment of password hashing."""
        listening = []
        for client in self.clients:
            try:
                await asyncio.to_thread(client.sign_in)
                await client.open()
                listening.append(asyncio.create_task(client.listen()))
                await client.until(lambda client=client: bool(client.data), START_S)
            except (OSError, RuntimeError, websockets.WebSocketException) as error:
                client.errors.append(repr(error))
        return listening
