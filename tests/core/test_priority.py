"""What trains gives way to what answers, in a session of its own, too."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from core import priority
from core.priority import AUTOGROUP, give_way

ASK = "import os; from core.priority import AUTOGROUP, give_way; give_way(7); print(os.nice(0)); {}"


def _told(what: str) -> list[str]:
    command = [sys.executable, "-c", ASK.format(what)]
    return subprocess.run(command, capture_output=True, text=True, check=True, start_new_session=True).stdout.split()


def test_a_program_that_gives_way_is_nicer_than_others() -> None:
    assert int(_told("give_way(3)")[0]) == 7
    assert int(_told("give_way(3); print(os.nice(0))")[1]) == 7  # never less nice than it was


@pytest.mark.skipif(not AUTOGROUP.exists(), reason="this system does not group processes by session")
def test_its_session_is_nicer_than_other_sessions() -> None:
    assert _told("print(AUTOGROUP.read_text())")[-2:] == ["nice", "7"]


class Busy:
    """What Linux answers a user other than root who comes within a tenth of a second of another change."""

    def __init__(self, times: int) -> None:
        self.times = times
        self.written: list[str] = []

    def write_text(self, words: str, encoding: str) -> None:
        if self.times:
            self.times -= 1
            raise BlockingIOError(11, "Resource temporarily unavailable")
        self.written.append(words)


def test_two_programs_that_start_at_once_both_get_theirs(monkeypatch: pytest.MonkeyPatch) -> None:
    group = Busy(3)
    monkeypatch.setattr(priority, "AUTOGROUP", group)
    monkeypatch.setattr(priority, "PAUSE_S", 0.0)
    monkeypatch.setattr(priority.os, "getsid", lambda _: os.getpid())
    give_way(0)
    assert group.written == [str(os.nice(0))]


@pytest.mark.skipif(not AUTOGROUP.exists(), reason="this system does not group processes by session")
def test_a_terminal_in_which_a_worker_is_started_by_hand_is_no_nicer() -> None:
    by_hand = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {ASK.format('')!r}], check=True)"
    terminal = f"{by_hand}; print(open('{AUTOGROUP}').read())"
    command = [sys.executable, "-c", terminal]
    told = subprocess.run(command, capture_output=True, text=True, check=True, start_new_session=True).stdout.split()
    assert (told[0], told[-2:]) == ("7", ["nice", "0"])
