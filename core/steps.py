"""Generators that say where they stand and return what they have made: one inside another, and one run to its end.

A long piece of work is such a generator, so that whoever runs it can show progress, keep a lease alive, and stop it.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TypeVar

Report = TypeVar("Report")
Told = TypeVar("Told")
Result = TypeVar("Result")


def through(steps: Generator[Report, None, Result], say: Callable[[Report], Told]) -> Generator[Told, None, Result]:
    """Run ``steps`` to its end, telling its reports in the caller's own words. Closing this closes it."""
    try:
        while True:
            try:
                report = next(steps)
            except StopIteration as finished:
                return finished.value
            yield say(report)
    finally:
        steps.close()


def drained(steps: Generator[object, None, Result]) -> Result:
    """What a generator returns, its reports unheard."""
    while True:
        try:
            next(steps)
        except StopIteration as finished:
            return finished.value
