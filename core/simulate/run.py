"""A simulation from its first missing cell to its last, in as many processes as are asked for."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection, wait
from typing import Any

import numpy as np

from core.errors import BadSetting, TagtailError
from core.experiments.corpus import Corpus
from core.experiments.terminal import Progress
from core.simulate.cells import Split, cell, split
from core.simulate.plan import FULL, Key, Plan
from core.simulate.store import Store

_TELLING = 0.05  # a cell in work says how long its kind takes once so much of it is done
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


class ProcessDied(OSError):
    """A process of the simulation ended without a word; what it said is on standard error."""

    def __str__(self) -> str:
        return "a process of the simulation has died; the same command goes on from there"


def labelled(corpus: Corpus) -> Corpus:
    """Without the texts that no label fits: at the desk nobody can save a text as labelled without one."""
    kept = np.flatnonzero(corpus.y.any(axis=1))
    if len(kept) == len(corpus.texts):
        return corpus
    return replace(
        corpus,
        texts=tuple(corpus.texts[n] for n in kept.tolist()),
        y=corpus.y[kept],
        notes=(*corpus.notes, f"{len(corpus.texts) - len(kept)} texts without any label were left out."),
    )


def checked(plan: Plan, corpus: Corpus) -> dict[int, Split]:
    """Each seed's pool and test texts. Raises BadSetting: the budget is more than a pool holds."""
    parts = {seed: split(plan, corpus, seed) for seed in range(plan.seeds)}
    least = min(len(each.pool) for each in parts.values())
    if plan.budget > least:
        raise BadSetting(field="budget", value=plan.budget, why=f"≤ {least}, the texts of the pool")
    return parts


def run(plan: Plan, corpus: Corpus, store: Store, *, jobs: int = 1) -> Generator[Progress, None, None]:
    """Make every missing cell. The caller holds the store; closing the generator stops at once, finished cells stay."""
    course = _Course(list(plan.cells()), max(jobs, 1))
    for key in course.everything:
        found = store.read(key)
        if found is not None:
            course.note(key, float(found["seconds"]))
    yield course.progress()
    missing = [key for key in course.everything if key not in course.finished]
    if min(jobs, len(missing)) > 1:
        yield from _side_by_side(plan, corpus, store, course, missing)
    else:
        for key in missing:
            course.starts(key)
            for share in _made(plan, corpus, store, key):
                course.at_hand[key] = (course.at_hand[key][0], share)
                yield course.progress()
            course.ends(key)
    yield course.progress()


def _made(plan: Plan, corpus: Corpus, store: Store, key: Key) -> Iterator[float]:
    found = yield from cell(plan, corpus, key, store.scratch)
    store.write(key, found)


@dataclass
class _Course:
    """What is done, what is at hand since when and how far, and so how long it still takes."""

    everything: list[Key]
    lanes: int
    finished: dict[Key, float] = field(default_factory=dict)  # seconds
    at_hand: dict[Key, tuple[float, float]] = field(default_factory=dict)  # started, share done

    def note(self, key: Key, seconds: float) -> None:
        self.finished[key] = seconds

    def starts(self, key: Key) -> None:
        self.at_hand[key] = (time.monotonic(), 0.0)

    def ends(self, key: Key) -> None:
        started, _ = self.at_hand.pop(key)
        self.note(key, time.monotonic() - started)

    def progress(self) -> Progress:
        doing = " + ".join(key.name for key in self.at_hand)
        share = float(np.mean([share for _, share in self.at_hand.values()])) if self.at_hand else 0.0
        return Progress(len(self.finished), len(self.everything), doing, min(share, 1.0), self.left_s())

    def left_s(self) -> float | None:
        """A cell takes what others of its strategy took, else what any curve took; None while none is known."""
        now = time.monotonic()
        known = [(key, seconds) for key, seconds in self.finished.items()]
        known += [(key, (now - at) / share) for key, (at, share) in self.at_hand.items() if share >= _TELLING]
        left = 0.0
        for key in self.everything:
            if key in self.finished:
                continue
            alike = [seconds for each, seconds in known if each.strategy == key.strategy]
            alike = alike or [seconds for each, seconds in known if (each.strategy == FULL) == (key.strategy == FULL)]
            alike = alike or [seconds for _, seconds in known]
            if not alike:
                return None
            usual = float(np.mean(alike))
            started, share = self.at_hand.get(key, (now, 0.0))
            left += max(usual - (now - started), usual * (1 - share) / 2)
        return left / self.lanes


def _side_by_side(
    plan: Plan, corpus: Corpus, store: Store, course: _Course, missing: Sequence[Key]
) -> Generator[Progress, None, None]:
    """A process for each lane, given one cell after another. Raises what a cell raises; ends every process."""
    waiting = deque(missing)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["core.simulate.cells"])  # torch and all else are loaded once
    lanes: dict[Connection, tuple[Any, Key]] = {}
    everybody = []
    try:
        with _one_thread_each():
            for _ in range(min(course.lanes, len(waiting))):
                ours, theirs = context.Pipe()
                process = context.Process(target=_lane, args=(theirs, plan, corpus, store), daemon=True)
                process.start()
                everybody.append(process)
                theirs.close()
                lanes[ours] = (process, _hand_out(ours, waiting, course))
        while lanes:
            for each in wait(list(lanes), timeout=1.0):
                assert isinstance(each, Connection)
                process, key = lanes[each]
                told, value = _heard(each)
                if told == "failed":
                    kind, fields = value
                    raise kind(**fields) if fields is not None else kind
                if told == "share":
                    course.at_hand[key] = (course.at_hand[key][0], value)
                    continue
                course.ends(key)
                if waiting:
                    lanes[each] = (process, _hand_out(each, waiting, course))
                else:
                    del lanes[each]
                    each.send(None)
            yield course.progress()
    finally:
        for process in everybody:
            process.terminate()
        for process in everybody:
            process.join()


def _hand_out(lane: Connection, waiting: deque[Key], course: _Course) -> Key:
    key = waiting.popleft()
    course.starts(key)
    lane.send(key)
    return key


def _heard(lane: Connection) -> tuple[str, Any]:
    try:
        return lane.recv()
    except EOFError:
        return "failed", (ProcessDied(), None)


def _lane(asked: Connection, plan: Plan, corpus: Corpus, store: Store) -> None:
    """What a process does until there is no more, or whoever asks is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to everybody; the first process ends the others
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        while (key := asked.recv()) is not None:
            try:
                for share in _made(plan, corpus, store, key):
                    asked.send(("share", share))
            except TagtailError as error:
                asked.send(("failed", (type(error), error.fields)))  # the error itself cannot be pickled
                return
            asked.send(("done", None))
    except (EOFError, BrokenPipeError):
        return


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """For processes that start inside: numerical libraries ask the environment once."""
    before = {name: os.environ.get(name) for name in _ONE_THREAD}
    os.environ.update(dict.fromkeys(_ONE_THREAD, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
