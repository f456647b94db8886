"""A directory that is published whole or not at all, and files that are on disk before anybody hears of them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def published(directory: Path) -> Iterator[Path]:
    """A directory to write in that takes its name only when the block ends well; otherwise nothing is left.

    What a killed process left half-written is removed by the next one. One writer a directory is assumed.
    """
    directory.parent.mkdir(parents=True, exist_ok=True)
    beside = directory.with_name(directory.name + ".part")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir()
    try:
        yield beside
        sync(beside)
        shutil.rmtree(directory, ignore_errors=True)
        beside.rename(directory)
        sync(directory.parent)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def sync(path: Path) -> None:
    """See a file or a directory on disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
