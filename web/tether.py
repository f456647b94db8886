"""Becomes another program that ends when its parent ends: ``python tether.py PARENT_PID COMMAND...``.

Run as a file, on its own: a program that does this between fork and exec (``preexec_fn``) can hang in a process with
threads. Only Linux can do it; elsewhere the program runs untethered.
Source: prctl(2), PR_SET_PDEATHSIG
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> None:
    parent, command = int(arguments[0]), arguments[1:]
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != parent:  # it ended before we asked: nobody would tell us
            sys.exit(1)
    os.execvp(command[0], command)


if __name__ == "__main__":
    main(sys.argv[1:])
