"""Independent trainings side by side, one thread of arithmetic each.

Two threads within one small matrix product wait for each other at every step, for long when the machine is busy
with something else; two trainings side by side never do.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import torch

from core.config import RoundConfig

Report = TypeVar("Report")
Result = TypeVar("Result")


def threads_of(config: RoundConfig) -> int:
    return config.threads or min(4, os.cpu_count() or 1)


@contextmanager
def together(config: RoundConfig) -> Iterator[None]:
    """All threads in one computation, for what is large and comes one after another."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads_of(config))
    try:
        yield
    finally:
        torch.set_num_threads(before)


def side_by_side(
    makers: Sequence[Callable[[], Generator[Report, None, Result]]], lanes: int
) -> Generator[tuple[int, Report], None, list[Result]]:
    """Run each generator to its end, ``lanes`` at a time; yields (which, its report), returns their values in order.

    Closing this generator stops every lane after the step it is in. An error in one stops all and is raised here.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    course = _Lanes(makers)
    workers = [threading.Thread(target=course.work, daemon=True) for _ in range(min(lanes, len(makers)))]
    try:
        for worker in workers:
            worker.start()
        left = len(makers)
        while left:
            which, kind, value = course.news.get()
            if kind == "report":
                yield which, value
            elif kind == "error":
                raise value
            else:
                left -= 1
        return [course.results[n] for n in range(len(makers))]
    finally:
        course.stop.set()
        for worker in workers:
            if worker.ident is not None:  # an interruption may come before all have started
                worker.join()
        torch.set_num_threads(before)


class _Lanes:
    def __init__(self, makers: Sequence[Callable[[], Generator[Any, None, Any]]]) -> None:
        self.makers = makers
        self.waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
        for n in range(len(makers)):
            self.waiting.put(n)
        self.news: queue.SimpleQueue[tuple[int, str, Any]] = queue.SimpleQueue()
        self.results: dict[int, Any] = {}
        self.stop = threading.Event()

    def work(self) -> None:
        torch.set_num_threads(1)  # OpenMP keeps this by thread
        while not self.stop.is_set():
            try:
                which = self.waiting.get_nowait()
            except queue.Empty:
                return
            try:
                self._one(which)
            except BaseException as error:  # raised again by the thread that waits
                self.news.put((which, "error", error))
                return

    def _one(self, which: int) -> None:
        steps = self.makers[which]()
        while not self.stop.is_set():
            try:
                report = next(steps)
            except StopIteration as finished:
                self.results[which] = finished.value
                self.news.put((which, "end", None))
                return
            self.news.put((which, "report", report))
        steps.close()
