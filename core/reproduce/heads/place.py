"""Finished cells of the comparison of heads on disk, each whole or absent."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from core.experiments.directory import publish
from core.reproduce.heads.plan import Key


@dataclass(frozen=True)
class Place:
    """Where cells lie, and a frozen encoder's vectors."""

    out: Path

    def path(self, key: Key) -> Path:
        return self.out / "cells" / f"{key.name}.npz"

    def read(self, key: Key) -> dict[str, NDArray] | None:
        """A finished cell, or None; one that is damaged is made again."""
        try:
            with self.path(key).open("rb") as file, np.load(file, allow_pickle=False) as held:
                return {name: held[name] for name in held.files}
        except (OSError, ValueError, EOFError, BadZipFile):
            return None

    def write(self, key: Key, found: Mapping[str, Any]) -> None:
        file = io.BytesIO()
        np.savez(file, allow_pickle=False, **found)
        publish(self.path(key), file.getvalue())
