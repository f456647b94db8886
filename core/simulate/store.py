"""Finished cells on disk, one JSON file each, written whole or not at all."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from core.experiments.directory import held, publish
from core.simulate.plan import Key, Plan


class Store:
    """The output directory of one simulation."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self.cells = out / "cells"
        self.scratch = out / "scratch"  # of the cells in work; what a killed run left is removed

    @contextmanager
    def hold(self, plan: Plan, data: Mapping[str, Any]) -> Iterator[None]:
        """Hold the directory for one run of this plan on this data. Raises what ``held`` raises."""
        with held(self.out, ("cells",), {**data, **plan.frozen()}):
            shutil.rmtree(self.scratch, ignore_errors=True)
            self.scratch.mkdir()
            try:
                yield
            finally:
                shutil.rmtree(self.scratch, ignore_errors=True)

    def path(self, key: Key) -> Path:
        return self.cells / f"{key.name}.json"

    def write(self, key: Key, cell: Mapping[str, Any]) -> None:
        publish(self.path(key), json.dumps(cell, ensure_ascii=False).encode())

    def read(self, key: Key) -> dict[str, Any] | None:
        """A finished cell, or None when there is none or it is damaged: it is then made again."""
        try:
            found = json.loads(self.path(key).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) and found.get("key") == [key.seed, key.strategy] else None
