"""What long experiments say on a terminal while they work, and how they hear that they are to stop."""

from __future__ import annotations

import json
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import BadRows, BadSetting, TagtailError
from core.messages import in_language, say, sentence

SHOWN_BAD_ROWS = 20
EVERY_S = {True: 1.0, False: 15.0}  # on a terminal one line is written over; in a file each stays


@dataclass(frozen=True)
class Progress:
    """Where an experiment stands. ``eta_s`` is None while nothing like what is left has been measured."""

    done: int
    total: int
    doing: str
    share: float
    eta_s: float | None


class Stop:
    """Ctrl-C and SIGTERM: while ``patient`` the first is only noted, for a thread must not be cut off as it starts."""

    patient = False
    asked = False

    def __enter__(self) -> None:
        self.before = {}
        if threading.current_thread() is threading.main_thread():
            self.before = {each: signal.signal(each, self._heard) for each in (signal.SIGINT, signal.SIGTERM)}

    def __exit__(self, *_: object) -> None:
        for each, handler in self.before.items():
            signal.signal(each, handler)

    def _heard(self, *_: object) -> None:
        if not self.patient or self.asked:
            raise KeyboardInterrupt
        self.asked = True

    def check(self) -> None:
        """Raises KeyboardInterrupt: somebody has asked."""
        if self.asked:
            raise KeyboardInterrupt


def carried_out(work: Callable[[Stop], int], data: Path, lang: str) -> int:
    """The exit code: of the work, 1 after a sentence on what went wrong, 130 when it was stopped."""
    stop = Stop()
    try:
        with stop:
            return work(stop)
    except BadRows as error:
        for each in error.fields["report"][:SHOWN_BAD_ROWS]:
            said = say(each.code, each.fields, lang) or each.code
            print(f"  {data.name}:{each.line} {each.field}: {said}", file=sys.stderr)
        print(sentence(error, lang), file=sys.stderr)
        return 1
    except (TagtailError, OSError) as error:
        print(sentence(error, lang), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        tell(
            lang,
            "已中斷。做完的部分都留著；用同一個指令再執行一次就會接著做。",
            "Stopped. Finished cells are kept; the same command goes on from there.",
        )
        return 130


def follow(steps: Iterable[Progress], stop: Stop, lang: str) -> None:
    """A line a second at most, and one for each finished cell."""
    terminal = sys.stderr.isatty()
    last, done = 0.0, -1
    for each in steps:
        stop.check()
        now = time.monotonic()
        if now - last < 1.0 or (now - last < EVERY_S[terminal] and each.done == done):
            continue
        last, done = now, each.done
        left = "" if each.eta_s is None else f" · {_left(each.eta_s, lang)}"
        doing = f" · {each.doing} {100 * each.share:.0f} %" if each.doing else ""
        line = f"{each.done}/{each.total}{doing}{left}"
        print(f"\r\x1b[K{line}" if terminal else line, end="" if terminal else "\n", file=sys.stderr, flush=True)
    if terminal:
        print(file=sys.stderr)


def _left(seconds: float, lang: str) -> str:
    minutes, seconds = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    clock = f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"
    return in_language((f"大約還要 {clock}", f"about {clock} left"), lang)


def tell(lang: str, zh: str, en: str) -> None:
    print(in_language((zh, en), lang), file=sys.stderr, flush=True)


def split(given: Iterable[str]) -> list[str]:
    """Names given with commas, with blanks, or both."""
    return [part.strip() for each in given for part in each.split(",") if part.strip()]


def assignments(changes: Iterable[str]) -> dict[str, Any]:
    """NAME=VALUE, the value as JSON or else as text. Raises BadSetting."""
    out: dict[str, Any] = {}
    for change in changes:
        name, equals, text = change.partition("=")
        if not equals:
            raise BadSetting(field=name, value="", why="NAME=VALUE")
        try:
            out[name] = json.loads(text)
        except ValueError:
            out[name] = text
    return out
