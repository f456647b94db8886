"""The page that a browser loads before anything else: Streamlit's own, told where its server is.

By itself it asks for the server below the page's own address, then at the root, and connects only after the answers;
told, it connects at once and asks meanwhile. Source: Streamlit's frontend, ``window.__streamlit``.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import streamlit
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from web.lost import PAGES

INDEX = Path(streamlit.__file__).parent / "static" / "index.html"
TOLD = (
    "window.__streamlit = {BACKEND_BASE_URL: location.origin, "
    "HOST_CONFIG: {allowedOrigins: [location.origin], useExternalAuthToken: false}}"
)
_BEFORE = '<script type="module"'


@lru_cache
def shell() -> str:
    """The page; as Streamlit has it where there is no place to tell it anything, for it then asks by itself."""
    page = INDEX.read_text("utf-8")
    return page.replace(_BEFORE, f"<script>{TOLD}</script>\n    {_BEFORE}", 1)


def shell_routes() -> list[Route]:
    """GET / and the address of each page; /annotate is none, the first page is at /."""
    return [Route(f"/{name}", _answer, methods=["GET"]) for name in ("", *sorted(PAGES - {"annotate"}))]


async def _answer(request: Request) -> Response:
    return HTMLResponse(shell())
