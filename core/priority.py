"""How much of a processor a program takes from others that want it, too."""

from __future__ import annotations

import os
import time
from pathlib import Path

AUTOGROUP = Path("/proc/self/autogroup")
TRIES, PAUSE_S = 20, 0.15


def give_way(nice: int) -> None:
    """Puts this process, and what it starts, at ``nice`` at least: 0 is usual, 19 takes what nobody else wants.

    Where Linux groups processes by session, a nice value counts within its session alone, and the session has one of
    its own. Source: sched(7), "The autogroup feature". A session that somebody else began, such as a terminal's, stays
    as it is.
    """
    now = os.nice(max(0, nice - os.nice(0)))
    if os.getsid(0) != os.getpid():
        return
    for _ in range(TRIES):
        try:
            AUTOGROUP.write_text(str(now), "ascii")
        except BlockingIOError:  # of all users but root it takes one in a tenth of a second
            time.sleep(PAUSE_S)
        except OSError:
            return  # no such groups here
        else:
            return
