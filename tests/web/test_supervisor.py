"""The watch over the worker, with real processes. Waits have an upper bound; nothing is asserted about the clock."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from web.supervisor import TAKEN, TETHER, Backoff, Pulse, Supervisor

LONG_S = 30.0  # far more than needed: a bound for a machine that is busy with something else

FOREVER = """
    import signal, sys, time
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    open(sys.argv[1], "a").write("up\\n")
    while True: time.sleep(0.05)
"""
STUBBORN = """
    import signal, sys, time
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    open(sys.argv[1], "a").write("up\\n")
    while True: time.sleep(0.05)
"""
CRASHES = """
    import sys
    open(sys.argv[1], "a").write("up\\n")
    sys.exit(7)
"""
TAKES = f"""
    import sys
    open(sys.argv[1], "a").write("up\\n")
    sys.exit({TAKEN})
"""


# Says where it is, hangs once the file "hang" is there, and is well as long as its sign is fresh.
HANGS = """
    import pathlib, sys, time
    said = pathlib.Path(sys.argv[1])
    with said.open("a") as out: out.write("up\\n")
    while not (said.parent / "hang").exists():
        (said.parent / "sign").touch()
        time.sleep(0.05)
    while True: time.sleep(60)
"""


class Bench:
    """Starts supervisors over a script and sees that none is left behind."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.said = folder / "said"
        self.made: list[Supervisor] = []

    def run(self, source: str, **options: object) -> Supervisor:
        script = self.folder / "child.py"
        script.write_text(textwrap.dedent(source))
        made = Supervisor([sys.executable, str(script), str(self.said)], **options)  # type: ignore[arg-type]
        self.made.append(made)
        made.start()
        return made

    def lives(self) -> int:
        return len(self.said.read_text().split()) if self.said.exists() else 0


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    for supervisor in made.made:
        supervisor.stop()


def _quick() -> Backoff:
    return Backoff(first_s=0.01, longest_s=0.05)


def _alive(pid: int) -> bool:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False


def _until(condition, bench: Bench) -> None:
    """Waits for something that a child process does."""
    for _ in range(int(LONG_S / 0.02)):
        if condition():
            return
        bench.made[-1].wait_for(lambda _: False, 0.02)
    raise AssertionError("it never happened")


def test_the_wait_doubles_up_to_a_minute_and_a_long_life_forgives() -> None:
    backoff = Backoff()
    assert [backoff.after(2.0) for _ in range(8)] == [1, 2, 4, 8, 16, 32, 60, 60]
    assert backoff.after(300.0) == 1
    assert backoff.after(1.0) == 2


def test_a_crashed_worker_starts_again_and_the_log_says_so(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    supervisor = bench.run(CRASHES, backoff=_quick())
    assert supervisor.wait_for(lambda s: s.starts >= 4, LONG_S)
    supervisor.stop()
    assert "the worker ended with status 7" in caplog.text
    assert "it starts again in" in caplog.text


def test_a_killed_worker_starts_again(bench: Bench) -> None:
    supervisor = bench.run(FOREVER, backoff=_quick())
    _until(lambda: bench.lives() == 1, bench)
    first = supervisor.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    _until(lambda: bench.lives() == 2, bench)
    assert supervisor.pid != first


def test_stopping_leaves_nobody_behind(bench: Bench) -> None:
    supervisor = bench.run(FOREVER)
    _until(lambda: bench.lives() == 1, bench)
    pid = supervisor.pid
    assert pid is not None
    supervisor.stop()
    assert not _alive(pid)
    assert (supervisor.state, supervisor.starts) == ("off", 1)


def test_a_worker_that_will_not_end_is_killed(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    supervisor = bench.run(STUBBORN, grace_s=0.1)
    _until(lambda: bench.lives() == 1, bench)
    pid = supervisor.pid
    assert pid is not None
    supervisor.stop()
    assert not _alive(pid)
    assert "is killed" in caplog.text


def test_stopping_does_not_wait_for_the_next_start(bench: Bench) -> None:
    supervisor = bench.run(CRASHES, backoff=Backoff(first_s=3600, longest_s=3600))
    assert supervisor.wait_for(lambda s: s.state == "waiting", LONG_S)
    supervisor.stop()
    assert bench.lives() == 1


def test_another_worker_on_the_database_is_said_once(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    supervisor = bench.run(TAKES, backoff=_quick())
    assert supervisor.wait_for(lambda s: s.starts >= 3, LONG_S)
    supervisor.stop()
    assert caplog.text.count("another worker has this database") == 1


def test_a_ctrl_c_for_the_terminal_does_not_reach_the_worker(bench: Bench) -> None:
    supervisor = bench.run(FOREVER)
    _until(lambda: bench.lives() == 1, bench)
    assert supervisor.pid is not None
    assert os.getpgid(supervisor.pid) != os.getpgid(0)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent has ended")
def test_a_worker_ends_when_the_server_is_killed(bench: Bench) -> None:
    child = bench.folder / "child.py"
    child.write_text(textwrap.dedent(FOREVER))
    parent = bench.folder / "parent.py"
    parent.write_text(
        "import sys, time\n"
        "from web.supervisor import Supervisor\n"
        "s = Supervisor([sys.executable, sys.argv[1], sys.argv[2]]); s.start()\n"
        "s.wait_for(lambda s: s.pid is not None, 30); print(s.pid, flush=True); time.sleep(600)\n"
    )
    root = TETHER.parent.parent
    with subprocess.Popen(
        [sys.executable, str(parent), str(child), str(bench.said)], stdout=subprocess.PIPE, cwd=root,
        env=os.environ | {"PYTHONPATH": str(root)},
    ) as server:  # fmt: skip
        assert server.stdout is not None
        pid = int(server.stdout.readline())
        for _ in range(int(LONG_S / 0.05)):
            if bench.lives():
                break
            with contextlib.suppress(subprocess.TimeoutExpired):
                server.wait(0.05)
        server.kill()
        server.wait()
        bench.made.append(Supervisor(["true"]))
        _until(lambda: not _alive(pid) or _is_zombie(pid), bench)


def _is_zombie(pid: int) -> bool:
    with contextlib.suppress(FileNotFoundError):
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    return False


def test_a_tether_to_a_parent_that_is_gone_starts_nothing(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    done = subprocess.run([sys.executable, str(TETHER), "1", "touch", str(mark)], check=False)
    assert done.returncode == 1
    assert not mark.exists()


def _signs(folder: Path) -> Callable[[], bool]:
    """Whether there is a new sign of life since the last look."""

    def fresh() -> bool:
        with contextlib.suppress(FileNotFoundError):
            (folder / "sign").unlink()
            return True
        return False

    return fresh


def test_one_that_hangs_is_killed_and_started_again(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger="tagtail.worker"):
        running = bench.run(
            HANGS, backoff=_quick(), name="leads' server",
            pulse=Pulse(well=_signs(bench.folder), every_s=0.3, misses=4, starting=1000),
        )  # fmt: skip
        _until(lambda: bench.lives() == 1, bench)
        (bench.folder / "hang").touch()
        assert running.wait_for(lambda it: it.starts == 2, LONG_S)
    assert "the leads' server was asked 4 times without an answer and is killed" in caplog.text


def test_one_that_is_still_starting_is_given_its_time(bench: Bench) -> None:
    asked: list[bool] = []

    def silent() -> bool:
        asked.append(False)
        return False

    running = bench.run(FOREVER, pulse=Pulse(well=silent, every_s=0.01, misses=1, starting=1000))
    _until(lambda: len(asked) >= 5, bench)
    assert (running.starts, running.state) == (1, "running")
