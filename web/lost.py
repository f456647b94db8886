"""Addresses that nothing answers: a sentence in the reader's language, not the page framework's own dialog."""

from __future__ import annotations

from pathlib import Path

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from pages.shared.i18n import say
from web import gate, html

PAGES = frozenset(path.stem for path in (Path(__file__).parent.parent / "pages").glob("*.py")) - {"main"}
OURS = ("/login", "/logout", "/lang", "/join", "/healthz")
# What the framework and our own routes answer, or refuse, by themselves.
ANSWERED = ("/_stcore/", "/media/", "/component/", "/download/", "/static/", "/app/", "/vendor/")


class Lost:
    """ASGI middleware inside the gate: a person who opens an address that is no page hears so, with the way home."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD") or not _is_lost(scope):
            await self.app(scope, receive, send)
            return
        user = scope.get("state", {}).get("user")
        lang = user.lang if user is not None else gate.language(Headers(scope=scope))
        await html.notice(lang, say("login.no_page", lang), 404)(scope, receive, send)


def _is_lost(scope: Scope) -> bool:
    """Whether a browser is opening, as a page, what is none; what scripts and styles fetch is not our business."""
    path = scope["path"].rstrip("/")
    if path == "" or path.removeprefix("/") in PAGES or path in OURS or scope["path"].startswith(ANSWERED):
        return False
    return "text/html" in Headers(scope=scope).get("accept", "")
