"""The sign-in gate: nobody reaches a page, a file or the websocket without a live session.

The gate is the only one who may say who somebody is: it strips every ``X-Auth-*`` header that a client sends and
adds its own. It also refuses requests that another site made the browser send.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable
from urllib.parse import urlencode, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.messages import LANGS, sentence
from core.services.accounts import User
from db.errors import StorageError
from pages.shared.i18n import say

log = logging.getLogger("tagtail.web")

COOKIE = "tagtail_session"
LANG_COOKIE = "tagtail_lang"
OPEN_PATHS = frozenset(
    {"/login", "/logout", "/join", "/healthz", "/lang", "/favicon.png", "/favicon.ico", "/robots.txt"}
)
OPEN_PREFIX = "/static/"  # Streamlit's own bundle: the same bytes for everyone, nothing of ours
MACHINE_PREFIXES = ("/_stcore/", "/media/", "/component/", "/download/")  # a fetch wants 401, not a sign-in page
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
RECHECK_S = 5.0  # an open websocket is asked again for its session this often, while it is used
SIGNED_OUT = 4401

Who = Callable[[str], User | None]


def same_origin(headers: Headers, scheme: str) -> bool:
    """Whether a browser sent this from our own pages.

    Browsers name the origin of every POST and websocket; something that names neither origin nor referrer is refused.
    """
    source = headers.get("origin") or headers.get("referer")
    if not source or headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    try:
        theirs = urlsplit(source)
        ours = urlsplit(f"//{headers.get('host', '')}")
        default = 443 if scheme in ("https", "wss") else 80
        their_default = 443 if theirs.scheme == "https" else 80
        # A proxy that ends TLS may not say so: the names and explicit ports must agree, the scheme need not.
        if theirs.port is None and ours.port is None:
            return theirs.hostname is not None and theirs.hostname == ours.hostname
        return theirs.hostname == ours.hostname and (theirs.port or their_default) == (ours.port or default)
    except ValueError:
        return False


def session_token(headers: Headers) -> str | None:
    """The session token of a request's cookies."""
    for raw in headers.getlist("cookie"):
        token = cookie_parser(raw).get(COOKIE)
        if token:
            return token
    return None


def language(headers: Headers) -> str:
    """The language of somebody who is not signed in: chosen earlier, else Chinese."""
    for raw in headers.getlist("cookie"):
        chosen = cookie_parser(raw).get(LANG_COOKIE)
        if chosen in LANGS:
            return chosen
    return "zh"


class Gate:
    """ASGI middleware around everything; a plain one, for Starlette's base class never sees websockets."""

    def __init__(self, app: ASGIApp, *, who: Who, clock: Callable[[], float] = time.monotonic) -> None:
        self.app = app
        self.who = who
        self.clock = clock
        self.tabs: Counter[int] = Counter()  # open websockets by person: every open page has one

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        scope = dict(scope)
        scope["headers"] = [h for h in scope["headers"] if not h[0].lower().startswith(b"x-auth-")]
        headers = Headers(scope=scope)
        changes = scope["type"] == "websocket" or scope["method"] not in SAFE_METHODS
        if changes and not same_origin(headers, scope.get("scheme", "http")):
            await self._refuse(scope, receive, send, _say(headers, "login.cross_site", 403))
            return
        token = session_token(headers)
        try:
            user = await run_in_threadpool(self.who, token) if token and not _open(scope["path"]) else None
        except StorageError as error:
            log.warning("could not look up a session: %s", error)
            text = sentence(error, language(headers))
            await self._refuse(scope, receive, send, PlainTextResponse(text, 503))
            return
        if user is not None and token is not None:
            self._admit(scope, user)
            send = _kept_nowhere(send)
            if scope["type"] == "websocket":
                receive, send = self._watched(token, receive, send)
                await self._counted(user.id, scope, receive, send)
                return
        elif not _open(scope["path"]):
            await self._refuse(scope, receive, send, _not_signed_in(scope, headers))
            return
        await self.app(scope, receive, send)

    def _admit(self, scope: Scope, user: User) -> None:
        # Streamlit compares foreign origins with this machine's outer address, which it asks the internet for.
        # The origin was checked above, so it need not see it.
        scope["headers"] = [h for h in scope["headers"] if h[0].lower() != b"origin"]
        scope["headers"].append((b"x-auth-user", str(user.id).encode("ascii")))
        scope["state"] = {**scope.get("state", {}), "user": user, "tabs": self.tabs}

    async def _counted(self, user_id: int, scope: Scope, receive: Receive, send: Send) -> None:
        self.tabs[user_id] += 1
        try:
            await self.app(scope, receive, send)
        finally:
            self.tabs[user_id] -= 1

    def _watched(self, token: str, receive: Receive, send: Send) -> tuple[Receive, Send]:
        """A websocket whose messages pass only while the session lives: a sign-out elsewhere ends it."""
        asked = self.clock()
        closed = False

        async def receive_checked() -> Message:
            nonlocal asked, closed
            message = await receive()
            if message["type"] != "websocket.receive" or self.clock() - asked < RECHECK_S:
                return message
            asked = self.clock()
            try:
                user = await run_in_threadpool(self.who, token)
            except StorageError as error:
                log.warning("could not look up a session again: %s", error)
                return message  # a busy database signs nobody out; every write checks for itself
            if user is not None:
                return message
            closed = True
            await send({"type": "websocket.close", "code": SIGNED_OUT})
            return {"type": "websocket.disconnect", "code": SIGNED_OUT}

        async def send_open(message: Message) -> None:
            if not closed:
                await send(message)

        return receive_checked, send_open

    async def _refuse(self, scope: Scope, receive: Receive, send: Send, response: Response) -> None:
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": SIGNED_OUT})  # before accept: the client sees 403
        else:
            await response(scope, receive, send)


def _kept_nowhere(send: Send) -> Send:
    """Pages are not to be kept by the browser: going back after signing out asks us, and leads to the sign-in page."""

    async def send_unkept(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            if headers.get("content-type", "").startswith("text/html"):
                headers["cache-control"] = "no-store"
        await send(message)

    return send_unkept


def _open(path: str) -> bool:
    return path in OPEN_PATHS or path.startswith(OPEN_PREFIX)


def _say(headers: Headers, key: str, status: int) -> Response:
    return PlainTextResponse(say(key, language(headers)), status)


def _not_signed_in(scope: Scope, headers: Headers) -> Response:
    if scope["type"] == "http" and scope["path"].startswith(MACHINE_PREFIXES):
        return JSONResponse({"error": say("login.expired", language(headers))}, 401)
    path = scope.get("path", "/")
    wanted = scope.get("method") == "GET" and path not in ("/", "/logout")
    answer = RedirectResponse("/login?" + urlencode({"next": path}) if wanted else "/login", 303)
    answer.headers["cache-control"] = "no-store"
    return answer
