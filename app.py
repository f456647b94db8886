"""The server: ``python app.py``. Streamlit pages behind a sign-in gate, a few routes, and beside it the worker and the
server of leads' pages.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import streamlit as st
from starlette.middleware import Middleware

from core.config import Runtime
from core.errors import CannotStart
from core.messages import sentence
from db.connect import open_database
from db.errors import StorageError
from pages.shared.loading import load
from web.gate import Gate
from web.headers import Armour
from web.login import SignIn
from web.lost import Lost
from web.relay import Relay, answers
from web.routes import Downloads, Health, all_routes
from web.shell import shell_routes
from web.supervisor import Pulse, Supervisor
from web.warming import Warming

ROOT = Path(__file__).resolve().parent
LOOPBACK = ("127.0.0.1", "localhost", "::1")
FOLDER_BYTES = 75  # of where a socket's folder lies: the whole name has 103 at most; source: unix(4), macOS

log = logging.getLogger("tagtail.web")


@dataclass(frozen=True, kw_only=True)
class Beside:
    """The programs that run beside the server; None: somebody else starts that one, or there is none."""

    worker: Supervisor | None = None
    leads: Supervisor | None = None
    leads_socket: Path | None = None

    @property
    def all(self) -> list[Supervisor]:
        return [each for each in (self.leads, self.worker) if each is not None]


def _state(program: Supervisor | None) -> str:
    return program.state if program is not None else "off"


def build(runtime: Runtime, beside: Beside) -> st.App:
    """The whole ASGI app over one database; nothing is started before its lifespan."""

    @contextlib.asynccontextmanager
    async def life(_: st.App) -> AsyncIterator[dict[str, Any]]:
        load()
        for each in beside.all:
            each.start()
        warming = Warming(runtime.database)
        if beside.leads is None:
            warming.start()
        try:
            yield {}
        finally:
            warming.stop()
            await asyncio.gather(*(asyncio.to_thread(each.stop) for each in beside.all))

    sign_in = SignIn(runtime.database)
    health = Health(runtime.database, *(partial(_state, each) for each in (beside.worker, beside.leads)))
    own_host = (runtime.host,) if runtime.host in LOOPBACK else ()
    return st.App(
        ROOT / "pages" / "main.py",
        lifespan=life,
        routes=[*all_routes(sign_in, Downloads(runtime.database), health), *shell_routes()],
        middleware=[
            Middleware(Armour, hosts=(*runtime.allowed_hosts, *own_host)),
            Middleware(Gate, who=sign_in.who),
            *([Middleware(Relay, socket=beside.leads_socket)] if beside.leads_socket is not None else []),
            Middleware(Lost),
        ],
    )


def check(runtime: Runtime) -> None:
    """Raises CannotStart (the port is taken) or StorageError (no usable database), before anything runs."""
    with closing(open_database(runtime.database)):
        pass
    family = socket.AF_INET6 if ":" in runtime.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((runtime.host, runtime.port))
        except OSError as error:
            why = f"{runtime.host}:{runtime.port} ({error.strerror or error})"
            raise CannotStart(why=why, fix=f"PORT={min(runtime.port + 1, 65_535)}") from error


def serve(runtime: Runtime, beside: Beside) -> None:
    """Serves until a signal: one Ctrl-C ends the server and what runs beside it."""

    def leave(number: int, frame: FrameType | None) -> None:
        raise SystemExit(0)  # uvicorn has shut down by now and repeats the signal

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, leave)
    shown = (
        "[::1]" if runtime.host == "::1" else runtime.host if runtime.host in LOOPBACK else runtime.allowed_hosts[-1]
    )
    print(f"Tagtail 長尾標註  →  http://{shown}:{runtime.port}   (Ctrl-C 結束 / to stop)", flush=True)
    try:
        build(runtime, beside).run(
            config={
                "server.address": runtime.host,
                "server.port": runtime.port,
                "server.allowedHosts": [*runtime.allowed_hosts, runtime.host],
                "browser.serverAddress": shown,
            }
        )
    finally:
        for each in beside.all:
            each.stop()


def _beside(leads_socket: Path | None) -> Beside:
    """What the environment asks for."""
    program = [sys.executable, "-m"]
    worker = Supervisor([*program, "core", "worker"], cwd=ROOT) if os.environ.get("WORKER") != "0" else None
    if leads_socket is None:
        return Beside(worker=worker)
    command = [*program, "web.leads", str(leads_socket)]
    leads = Supervisor(command, cwd=ROOT, name="leads' server", pulse=Pulse(well=partial(answers, leads_socket)))
    return Beside(worker=worker, leads=leads, leads_socket=leads_socket)


def _leads_socket(while_it_runs: contextlib.ExitStack) -> Path | None:
    """In a folder that nobody else may enter; None where one process shall serve all, or has to."""
    if os.environ.get("LEADS_APART") == "0":
        return None
    try:
        usual = tempfile.gettempdir()
        place = usual if len(os.fsencode(usual)) <= FOLDER_BYTES else "/tmp"
        folder = while_it_runs.enter_context(tempfile.TemporaryDirectory(prefix="tagtail-", dir=place))
    except OSError as error:
        log.warning("one process serves all: no folder for the socket of the leads' server (%s)", error)
        return None
    return Path(folder) / "leads"


def main(run: Callable[[Runtime, Beside], None] = serve) -> int:
    """Exit status 0 after a signal, 2 when the server cannot start; then one sentence says why."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s: %(message)s", datefmt="%H:%M:%S")
    try:
        runtime = Runtime.from_env()
        check(runtime)
    except (CannotStart, StorageError) as error:
        print(sentence(error, "zh"), sentence(error, "en"), sep="\n", file=sys.stderr)
        return 2
    # The pages find the same data directory, whatever the working directory is.
    os.environ["DATA_DIR"] = str(runtime.data_dir)
    with contextlib.ExitStack() as while_it_runs:
        run(runtime, _beside(_leads_socket(while_it_runs)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
