"""The real data sets of the measuring machine: without them a test is skipped, and says so."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

FOLDER = Path(os.environ.get("TAGTAIL_BENCH_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))


def shared_data(name: str) -> Path:
    """A data set's file; where there is none the test is skipped, and says what to set. Mark it ``shared_data``."""
    path = FOLDER / name
    if not path.is_file():
        pytest.skip(f"no {name} in {FOLDER}: set TAGTAIL_BENCH_DATA to the folder that has it")
    return path
