"""Compiled kernels on disk, and when they are out of date.

numba keeps what it compiled beside the source, and looks at the file of a function alone: code that was compiled from
another file into it (a tile, a formula) may change unnoticed, and the old machine code would go on. So everything is
forgotten whenever any of the sources is another.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path

from numba import njit

_STAMP = "kernels.sha256"


def can_be_kept(sources: Path) -> bool:
    """Whether there is a directory for compiled code, with nothing in it that is older than the sources.

    A read-only installation without a home has none.
    """
    try:
        kept = Path(str(njit(cache=True)(_probe).stats.cache_path))
        return forget_stale(kept, sources)
    except (RuntimeError, OSError):
        return False


def forget_stale(kept: Path, sources: Path) -> bool:
    """Remove the index of each kernel that was compiled from other sources. Raises OSError: it cannot be done."""
    files = sorted([sources / "tiles.py", *sources.glob("*_kernels.py")])
    digest = hashlib.sha256(b"".join(file.name.encode() + file.read_bytes() for file in files)).hexdigest()
    stamp = kept / _STAMP
    with suppress(OSError):
        if stamp.read_text() == digest:
            return True
    kept.mkdir(parents=True, exist_ok=True)
    for file in files:
        for index in kept.glob(f"{file.stem}.*.nbi"):
            index.unlink(missing_ok=True)
    stamp.write_text(digest)
    return True


def _probe() -> int:
    return 0
