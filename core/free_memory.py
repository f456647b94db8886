"""How much memory this machine, or this container, has free."""

from __future__ import annotations

from pathlib import Path

_MEMINFO = Path("/proc/meminfo")
_GROUP = Path("/sys/fs/cgroup")


def free_bytes() -> int | None:
    """The lesser of what the machine has and what the container may have; None where nobody says."""
    found = []
    try:
        for line in _MEMINFO.read_text().splitlines():
            if line.startswith("MemAvailable:"):
                found.append(int(line.split()[1]) * 1024)
        limit = (_GROUP / "memory.max").read_text().strip()
        if limit.isdigit():
            found.append(int(limit) - int((_GROUP / "memory.current").read_text()))
    except (OSError, ValueError):
        pass  # another system, or an older kernel: what was found so far counts
    return max(0, min(found)) if found else None
