from collections.abc import Generator

from core.steps import drained, through
from tests.core.making import drained as heard


def test_reports_are_told_in_the_callers_words_and_the_value_comes_through():
    def inner() -> Generator[int, None, str]:
        yield 1
        yield 2
        return "made"

    assert heard(through(inner(), lambda n: f"{n} done")) == (["1 done", "2 done"], "made")
    assert drained(inner()) == "made"


def test_closing_the_outer_closes_the_inner():
    closed = []

    def inner() -> Generator[int, None, None]:
        try:
            yield 1
            yield 2
        finally:
            closed.append(True)

    steps = through(inner(), str)
    assert next(steps) == "1"
    steps.close()
    assert closed == [True]
