"""Finished cells on disk, each written whole or not at all, so that a killed run goes on where it was."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from core.config import RoundConfig
from core.experiments.directory import held, refuse_unlike
from core.reproduce.plan import SPLICING, Key
from core.stored_config import whole

_OF_OLD = {SPLICING: "of any two texts", **whole({})}  # where what is there is older than a setting


@dataclass(frozen=True, kw_only=True)
class Cell:
    """What one model of one fold answered.

    Shapes: test_probs (T, K), valid_probs (V, K), thresholds (K,), test (T,) positions in the corpus, soft (N, K) of
    teachers only. ``meta``: config, seconds, code_version, warnings, and what else the model has to say.
    """

    test: NDArray[np.int64]
    test_probs: NDArray[np.float32]
    valid_probs: NDArray[np.float32]
    thresholds: NDArray[np.float64]
    soft: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 0), dtype=np.float32))
    meta: Mapping[str, Any] = field(default_factory=dict)


class Planned(Protocol):
    """What a store asks of an experiment: its cells, and the settings that they are made with."""

    @property
    def settings(self) -> Mapping[str, Any]: ...

    def cells(self) -> Iterator[Key]: ...

    def config(self, key: Key) -> RoundConfig: ...

    def comparable(self, config: RoundConfig) -> dict[str, Any]: ...

    def frozen(self) -> dict[str, Any]: ...


class Store:
    """The output directory of one experiment."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self.cells = out / "cells"
        self.vectors = out / "vectors"

    @contextmanager
    def hold(self, plan: Planned, data: Mapping[str, Any]) -> Iterator[None]:
        """Hold the directory for one run of this plan on this data.

        Raises BadSetting: another run is writing there, or what is there was made from other data or settings.
        Raises BadFile: it cannot be made.
        """
        with held(self.out, ("cells",), {**data, **plan.frozen()}, of_old=_OF_OLD):
            for key in plan.cells():
                self._of_this_plan(key, plan)
            yield

    def _of_this_plan(self, key: Key, plan: Planned) -> None:
        cell = self.read(key)
        if cell is not None:
            expected = json.loads(json.dumps(plan.comparable(plan.config(key)), ensure_ascii=False))
            refuse_unlike(str(self.path(key)), cell.meta["config"], expected, of_old=_OF_OLD)

    def path(self, key: Key) -> Path:
        return self.cells / f"{key.name}.npz"

    def write(self, key: Key, cell: Cell) -> None:
        beside = self.path(key).with_suffix(f".{os.getpid()}.part")
        meta = json.dumps(dict(cell.meta), ensure_ascii=False)
        with beside.open("wb") as file:
            np.savez_compressed(
                file, test=cell.test, test_probs=cell.test_probs, valid_probs=cell.valid_probs,
                thresholds=cell.thresholds, soft=cell.soft, meta=np.array(meta),
            )  # fmt: skip
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self.path(key))

    def read(self, key: Key) -> Cell | None:
        """A finished cell, or None when there is none or it is damaged: it is then made again."""
        try:
            with self.path(key).open("rb") as file, np.load(file, allow_pickle=False) as found:
                parts = {name: found[name] for name in ("test", "test_probs", "valid_probs", "thresholds", "soft")}
                return Cell(**parts, meta=json.loads(str(found["meta"])))
        except (OSError, ValueError, EOFError, KeyError):
            return None
        except Exception as error:  # a damaged archive raises zipfile's and zlib's own errors
            if type(error).__module__ in ("zipfile", "zlib"):
                return None
            raise

    def has(self, key: Key) -> bool:
        return self.path(key).exists() and self.read(key) is not None
