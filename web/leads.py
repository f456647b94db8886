"""The leads' server: the same pages in a process of their own, ``python -m web.leads SOCKET``, started by ``app.py``.

What a lead looks at, imports or exports can take a second of a processor, and Python computes for one person at a time
in a process: here no annotator waits for it. Who may ask what was decided at the gate; see ``web.relay``.
"""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import streamlit as st
import uvicorn
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send

from core.config import Runtime
from core.priority import give_way
from core.services import accounts
from core.services.accounts import User
from db.connect import open_database
from pages.shared.loading import load
from pages.shared.session import USER_HEADER
from web.routes import Downloads, download_routes
from web.warming import Warming

PAGES = Path(__file__).resolve().parent.parent / "pages" / "main.py"
NICE = 5  # annotators first


class Relayed:
    """ASGI middleware: whoever the gate admitted is put into a download's state, as the gate does it."""

    def __init__(self, app: ASGIApp, *, database: Path) -> None:
        self.app = app
        self._database = database

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith("/download/"):
            user = await run_in_threadpool(self._known, int(Headers(scope=scope)[USER_HEADER]))
            scope["state"] = {**scope.get("state", {}), "user": user}
        await self.app(scope, receive, send)

    def _known(self, user_id: int) -> User:
        with closing(open_database(self._database)) as db:
            return accounts.require_active(db, user_id)


def build(runtime: Runtime) -> st.App:
    """The ASGI app over one database, without sign-in: whoever comes was let in."""

    @contextlib.asynccontextmanager
    async def life(_: st.App) -> AsyncIterator[dict[str, Any]]:
        load()
        warming = Warming(runtime.database)
        warming.start()
        try:
            yield {}
        finally:
            warming.stop()

    relayed = Middleware(Relayed, database=runtime.database)
    return st.App(PAGES, lifespan=life, routes=download_routes(Downloads(runtime.database)), middleware=[relayed])


def main(arguments: list[str]) -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s: %(message)s", datefmt="%H:%M:%S")
    give_way(NICE)
    config = uvicorn.Config(
        build(Runtime.from_env()), uds=arguments[0], access_log=False, log_level="warning", use_colors=False,
        ws_max_size=st.get_option("server.maxMessageSize") * 1_000_000, ws_ping_interval=None,
        ws_per_message_deflate=False, server_header=False, date_header=False,  # the first server adds these
    )  # fmt: skip
    uvicorn.Server(config).run()


if __name__ == "__main__":
    main(sys.argv[1:])
