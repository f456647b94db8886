"""How much of a processor a program takes from others that want it, too."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

AUTOGROUP = Path("/proc/self/autogroup")


def give_way(nice: int) -> None:
    """Puts this process, and what it starts, at ``nice`` at least: 0 is usual, 19 takes what nobody else wants.

    Where Linux groups processes by session, a nice value counts within its session alone, and the session has one of
    its own. Source: sched(7), "The autogroup feature". A session that somebody else began, such as a terminal's, stays
    as it is.
    """
    now = os.nice(max(0, nice - os.nice(0)))
    if os.getsid(0) != os.getpid():
        return
    with contextlib.suppress(OSError):  # no such groups here
        AUTOGROUP.write_text(str(now), "ascii")
