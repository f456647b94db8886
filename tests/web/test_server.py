"""The real server as a process: starts, answers, refuses, and ends with one signal."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlencode

import psutil
import pytest

from app import main
from core.services import accounts
from db.connect import open_database

ROOT = Path(__file__).resolve().parent.parent.parent
PASSWORD = "correct horse 電池"
LONG_S = 60.0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _start(data_dir: Path, port: int, env: dict[str, str] | None = None) -> subprocess.Popen[str]:
    settings = {"DATA_DIR": str(data_dir), "PORT": str(port), "WORKER": "0"} | (env or {})
    return subprocess.Popen(
        [sys.executable, "app.py"], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=os.environ | settings,
    )  # fmt: skip


def _ask(port: int, path: str, method: str = "GET", body: str | None = None, **headers: str):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    with closing(connection):
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()


def _wait_until_up(server: subprocess.Popen[str], port: int) -> None:
    end = time.monotonic() + LONG_S
    while time.monotonic() < end and server.poll() is None:
        try:
            if _ask(port, "/healthz")[0] == 200:
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"it did not start: {server.communicate(timeout=5)}")


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    with closing(open_database(tmp_path / "tagtail.db", create=True)) as db:
        accounts.create_user(db, "lead", PASSWORD, "lead", by=None, now=time.time())
    return tmp_path


@pytest.fixture
def port() -> int:
    return _free_port()


@pytest.fixture
def server(data_dir: Path, port: int) -> Iterator[subprocess.Popen[str]]:
    with _start(data_dir, port) as process:
        try:
            _wait_until_up(process, port)
            yield process
        finally:
            process.kill()


UPGRADE = {
    "Connection": "Upgrade", "Upgrade": "websocket", "Sec_WebSocket_Version": "13",
    "Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec_WebSocket_Protocol": "streamlit",
}  # fmt: skip


def test_pages_and_their_websocket_need_a_session_and_a_ctrl_c_ends_it_all(
    server: subprocess.Popen[str], port: int
) -> None:
    home = f"http://127.0.0.1:{port}"
    assert _ask(port, "/")[0] == 303
    assert _ask(port, "/_stcore/stream", **UPGRADE, Origin=home)[0] == 403
    form = urlencode({"name": "lead", "password": PASSWORD})
    status, headers, _ = _ask(port, "/login", "POST", form, Origin=home)
    assert status == 303
    cookie = headers["set-cookie"].split(";")[0]
    status, headers, page = _ask(port, "/", Cookie=cookie)
    assert (status, b'id="root"' in page) == (200, True)
    assert (b"BACKEND_BASE_URL" in page, headers["cache-control"]) == (True, "no-store")
    assert _ask(port, "/dashboard", Cookie=cookie)[2] == page
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert _ask(port, "/_stcore/stream", **UPGRADE, Origin=home, Cookie=cookie)[0] == 101
    assert _ask(port, "/_stcore/stream", **UPGRADE, Origin="https://evil.example", Cookie=cookie)[0] == 403
    assert _ask(port, "/healthz", Host="rebound.example")[0] == 400

    server.send_signal(signal.SIGINT)
    _, errors = server.communicate(timeout=LONG_S)
    assert (server.returncode, "Traceback" in errors) == (0, False)


def test_a_terminate_signal_ends_it_cleanly(server: subprocess.Popen[str]) -> None:
    server.terminate()
    assert server.wait(LONG_S) == 0


@pytest.mark.parametrize(
    ("env", "said"),
    [
        ({"PORT": "seven"}, "PORT"),
        ({"HOST": "0.0.0.0"}, "ALLOWED_HOSTS"),
        ({"DATA_DIR": "/nonexistent/place"}, "core init"),
    ],
)
def test_what_cannot_start_says_so_in_a_sentence(data_dir: Path, port: int, env: dict[str, str], said: str) -> None:
    with _start(data_dir, port, env) as process:
        _, errors = process.communicate(timeout=LONG_S)
    assert process.returncode == 2
    assert said in errors
    assert "Traceback" not in errors
    assert len(errors.strip().splitlines()) == 2  # Chinese and English


def test_a_port_in_use_is_said_so(data_dir: Path, port: int) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        with _start(data_dir, port) as process:
            _, errors = process.communicate(timeout=LONG_S)
    assert process.returncode == 2
    assert str(port) in errors
    assert "Traceback" not in errors


def test_the_server_process_never_loads_the_learners() -> None:
    code = "import app, sys; print([m for m in ('torch', 'sklearn', 'modAL', 'gensim') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout.replace("'", '"')) == []


def test_the_leads_server_ends_with_the_first_and_leaves_no_folder(data_dir: Path, port: int) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as name:  # short enough a path for a socket below it
        folder = Path(name)
        with _start(data_dir, port, {"TMPDIR": name}) as process:
            try:
                _wait_until_up(process, port)
                end = time.monotonic() + LONG_S
                while not list(folder.glob("tagtail-*/leads")) and time.monotonic() < end:
                    time.sleep(0.1)
                (socket_file,) = folder.glob("tagtail-*/leads")
                assert socket_file.parent.stat().st_mode & 0o077 == 0  # nobody else may enter
                (leads,) = psutil.Process(process.pid).children()
            finally:
                process.send_signal(signal.SIGINT)
            assert process.wait(LONG_S) == 0
        assert not leads.is_running()
        assert list(folder.iterdir()) == []


def _leads_are_served(port: int, name: str) -> None:
    """A lead's own websocket address answers, whoever does it."""
    home = f"http://127.0.0.1:{port}"
    form = urlencode({"name": name, "password": PASSWORD})
    cookie = _ask(port, "/login", "POST", form, Origin=home)[1]["set-cookie"].split(";")[0]
    assert _ask(port, "/_stcore/stream", **UPGRADE, Origin=home, Cookie=cookie)[0] == 101


@pytest.mark.parametrize("length", [75, 76, 140])
def test_a_temporary_folder_may_have_a_long_name(data_dir: Path, port: int, tmp_path: Path, length: int) -> None:
    folder = tmp_path / ("x" * max(1, length - len(str(tmp_path)) - 1))
    folder.mkdir()
    with _start(data_dir, port, {"TMPDIR": str(folder)}) as process:
        try:
            _wait_until_up(process, port)
            _leads_are_served(port, "lead")
            assert json.loads(_ask(port, "/healthz")[2])["leads"] == "running"
        finally:
            process.terminate()
        assert process.wait(LONG_S) == 0


def test_without_a_folder_for_its_socket_one_process_serves_all(
    monkeypatch: pytest.MonkeyPatch, data_dir: Path
) -> None:
    def full(**_: object) -> None:
        raise OSError(28, "No space left on device")

    seen = []
    monkeypatch.setenv("DATA_DIR", str(data_dir))
    monkeypatch.setattr(tempfile, "TemporaryDirectory", full)
    assert main(lambda _, beside: seen.append(beside)) == 0
    assert (seen[0].leads, seen[0].leads_socket) == (None, None)
