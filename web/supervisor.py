"""Starts a program beside the server, starts it again when it falls, and takes it along when the server ends."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

log = logging.getLogger("tagtail.worker")

TETHER = Path(__file__).with_name("tether.py")
TAKEN = 3  # the worker's exit status for "another worker has this database"


@dataclass(kw_only=True)
class Backoff:
    """How long to wait before the next start. Units: seconds."""

    first_s: float = 1.0
    longest_s: float = 60.0
    healthy_s: float = 300.0  # a worker that lived this long starts again without a grudge
    failures: int = 0

    def after(self, lived_s: float) -> float:
        """The wait after a life of ``lived_s``: doubles with each short life."""
        if lived_s >= self.healthy_s:
            self.failures = 0
        self.failures += 1
        return min(self.first_s * 2 ** min(self.failures - 1, 30), self.longest_s)


@dataclass(frozen=True, kw_only=True)
class Pulse:
    """A child hangs that was asked so often in a row, every so many seconds, and was not ``well`` once.

    Counted, not timed: a machine that itself stood still has asked no more often. Until it was well for the first time
    it may miss ``starting`` more.
    """

    well: Callable[[], bool]
    every_s: float = 5.0
    misses: int = 12
    starting: int = 24


class Supervisor:
    """Keeps one child process alive from ``start`` to ``stop``.

    The child has its own process group, so that a Ctrl-C in the terminal reaches it only through us, and it ends
    when we are killed (Linux: PR_SET_PDEATHSIG, which fires when the *thread* that forked ends; hence one thread that
    lives as long as the child). ``name`` is what the log calls it. One that hangs, by its ``pulse``, is killed and
    started again.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        cwd: Path | None = None,
        backoff: Backoff | None = None,
        grace_s: float = 15.0,
        name: str = "worker",
        pulse: Pulse | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._command = [sys.executable, str(TETHER), str(os.getpid()), *command]
        self._cwd = cwd
        self._backoff = backoff or Backoff()
        self._grace_s = grace_s
        self._name = name
        self._pulse = pulse
        self._clock = clock
        self._stopping = threading.Event()
        self._changed = threading.Condition()
        self._child: subprocess.Popen[bytes] | None = None
        self._thread: threading.Thread | None = None
        self._said_taken = False
        self.starts = 0
        self.state = "off"

    @property
    def pid(self) -> int | None:
        """The running child's process id."""
        child = self._child
        return child.pid if child is not None and child.poll() is None else None

    def start(self) -> None:
        """Starts the thread that starts the child; a second call does nothing."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._watch, name=f"{self._name}-supervisor", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Asks the child to end, waits, and kills what is left of its group; returns when nothing is left."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def wait_for(self, condition: Callable[[Supervisor], bool], timeout_s: float) -> bool:
        """Whether the condition came true within the time; looked at after each change."""
        with self._changed:
            return self._changed.wait_for(lambda: condition(self), timeout_s)

    def _set(self, state: str) -> None:
        with self._changed:
            self.state = state
            self._changed.notify_all()

    def _watch(self) -> None:
        while not self._stopping.is_set():
            born = self._clock()
            try:
                code = self._live()
            except OSError as error:
                log.error("the %s could not be started: %s", self._name, error)
                code = None
            if self._stopping.is_set():
                break
            wait_s = self._verdict(code, self._clock() - born)
            self._set("waiting")
            self._stopping.wait(wait_s)
        self._set("off")

    def _live(self) -> int:
        """One life of the child, from start to exit status."""
        child = subprocess.Popen(self._command, cwd=self._cwd, stdin=subprocess.DEVNULL, start_new_session=True)
        self._child = child
        self.starts += 1
        self._set("running")
        pulse = self._pulse
        asked = self._clock()
        left = pulse.misses + pulse.starting if pulse else 0
        while True:
            try:
                return child.wait(timeout=0.2)
            except subprocess.TimeoutExpired:
                if self._stopping.is_set():
                    return self._end(child)
            if pulse is None or self._clock() < asked + pulse.every_s:
                continue
            left = pulse.misses if pulse.well() else left - 1
            if left <= 0:
                log.warning("the %s was asked %d times without an answer and is killed", self._name, pulse.misses)
                _signal_group(child, signal.SIGKILL)  # one that hangs hears nothing else
                return child.wait()
            asked = self._clock()

    def _end(self, child: subprocess.Popen[bytes]) -> int:
        _signal_group(child, signal.SIGTERM)
        try:
            code = child.wait(timeout=self._grace_s)
        except subprocess.TimeoutExpired:
            log.warning("the %s did not end within %.0f s and is killed", self._name, self._grace_s)
            _signal_group(child, signal.SIGKILL)
            code = child.wait()
        _signal_group(child, signal.SIGKILL)  # what the child may have left behind in its group
        return code

    def _verdict(self, code: int | None, lived_s: float) -> float:
        """Says what happened and how long to wait. Units: seconds."""
        if code == TAKEN:
            if not self._said_taken:
                log.warning("another worker has this database; this server goes on without its own and asks again")
            self._said_taken = True
            return self._backoff.longest_s
        self._said_taken = False
        wait_s = self._backoff.after(lived_s)
        if code is None:
            why = "did not start"
        elif code < 0:
            why = f"was ended by signal {-code} after {lived_s:.0f} s"
        else:
            why = f"ended with status {code} after {lived_s:.0f} s"
        log.warning("the %s %s; it starts again in %.0f s", self._name, why, wait_s)
        return wait_s


def _signal_group(child: subprocess.Popen[bytes], number: signal.Signals) -> None:
    try:
        os.killpg(child.pid, number)  # start_new_session: the group has the child's id
    except (ProcessLookupError, PermissionError):
        return
