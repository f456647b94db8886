"""Cells in work: which are missing, what is being made, side by side, and how much longer it takes."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import closing
from functools import partial
from typing import Any

import numpy as np

from core.experiments.terminal import Progress
from core.reproduce.clock import Clock
from core.reproduce.plan import Key
from core.reproduce.store import Cell, Store
from core.steps import through
from core.train.lanes import side_by_side

Making = Generator[float, None, Cell]  # yields the share that is done
Steps = Generator[Progress, None, Any]


def _alone(make: Callable[[], Generator[float, None, None]]) -> Generator[tuple[int, float], None, None]:
    for share in make():
        yield 0, share


class Work:
    """What is left of an experiment. ``missing`` are the cells that the store does not have, in their order."""

    def __init__(self, everything: Iterable[Key], store: Store, lanes: int) -> None:
        self.store = store
        self.everything = list(everything)
        self.lanes = lanes
        self.clock = Clock(lanes)
        self.news: queue.SimpleQueue[tuple[Key, float]] = queue.SimpleQueue()
        self.missing: list[Key] = []
        for key in self.everything:
            found = store.read(key)
            if found is None:
                self.missing.append(key)
            else:
                self.clock.note(key, float(found.meta.get("seconds", 0.0)))

    def through(self, doing: str, steps: Generator[float, None, Any]) -> Steps:
        """Something that is no cell."""
        yield self.progress(doing)
        return (yield from through(steps, lambda share: self.progress(doing, share)))

    def make(self, makers: Mapping[Key, Callable[[], Making]], doing: Callable[[list[Key]], str]) -> Steps:
        """Cells side by side, one thread each; each is on disk as soon as it is finished."""
        keys = [key for key in makers if key in self.missing]
        if not keys:
            return
        told = doing(keys)
        started: dict[Key, float] = {}
        shares: dict[Key, float] = {}
        yield self.progress(told)
        makings = [partial(self._written, key, makers[key]) for key in keys]
        with closing(_alone(makings[0]) if len(keys) == 1 else side_by_side(makings, self.lanes)) as steps:
            for which, share in steps:
                key, now = keys[which], time.perf_counter()
                started.setdefault(key, now)
                shares[key] = share
                self._settle()
                at_hand = {one: (now - started[one], shares[one]) for one in shares if one in self.missing}
                yield self.progress(told, float(np.mean([shares.get(one, 0.0) for one in keys])), at_hand)
        self._settle()

    def _written(self, key: Key, make: Callable[[], Making]) -> Generator[float, None, None]:
        cell = yield from make()
        self.store.write(key, cell)
        self.news.put((key, float(cell.meta["seconds"])))  # this may be a lane's thread

    def _settle(self) -> None:
        while not self.news.empty():
            key, seconds = self.news.get()
            self.clock.note(key, seconds)
            self.missing.remove(key)

    def progress(
        self, doing: str, share: float = 0.0, at_hand: Mapping[Key, tuple[float, float]] | None = None
    ) -> Progress:
        """Where the experiment stands. ``at_hand``: seconds spent and share done of the cells in work."""
        self._settle()
        total = len(self.everything)
        return Progress(
            total - len(self.missing), total, doing, min(share, 1.0), self.clock.left_s(self.missing, at_hand or {})
        )
