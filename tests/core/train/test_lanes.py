import threading
from collections.abc import Generator

import pytest
import torch

from core.train.lanes import side_by_side
from tests.core.making import drained


def counting(name: str, to: int) -> Generator[int, None, str]:
    yield from range(to)
    return name


def test_values_come_back_in_order_and_every_report_is_seen():
    threads = torch.get_num_threads()
    reports, values = drained(side_by_side([lambda n=n: counting("abc"[n], 3 + n) for n in range(3)], 2))
    assert values == ["a", "b", "c"]
    assert sorted(reports) == [(which, n) for which in range(3) for n in range(3 + which)]
    assert torch.get_num_threads() == threads


def test_closing_stops_every_lane_and_closes_what_ran():
    closed = threading.Event()

    def endless() -> Generator[int, None, None]:
        try:
            while True:
                yield 1
        finally:
            closed.set()

    alive = threading.active_count()
    steps = side_by_side([endless, endless], 2)
    next(steps)
    steps.close()
    assert closed.is_set()
    assert threading.active_count() == alive


def test_an_error_in_a_lane_is_raised_to_the_caller():
    def broken() -> Generator[int, None, None]:
        yield 1
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        drained(side_by_side([broken, lambda: counting("a", 2)], 2))


def test_nothing_to_run_gives_nothing():
    assert drained(side_by_side([], 2)) == ([], [])
