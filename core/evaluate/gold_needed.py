"""How many more gold texts a label's figure needs, from what gold has shown so far."""

from __future__ import annotations

import math
from dataclasses import dataclass

from core.evaluate.proportion import share

POSITIVES = 10  # fewer gold positives: an F1 is not a number to act on
HALF_WIDTH = 0.1  # of a 95 % interval that one can decide by


@dataclass(frozen=True)
class Needed:
    """Further gold texts until a label has the positives that it lacks: the expected number, and its 95 % bounds.

    ``expected`` is None where gold holds no positive: its share is then known from above only. ``high`` is None where
    no upper bound can be told.
    """

    positives: int  # that are lacking
    expected: int | None
    low: int
    high: int | None


def for_positives(found: int, n: int, *, goal: int = POSITIVES) -> Needed | None:
    """Of n gold texts ``found`` have the label. None: there are enough, or no gold text is labelled yet.

    With share p of texts, r more positives come after r / p texts on average; the bounds are those at the ends of the
    share's interval. Raises ValueError: more than all.
    """
    if n == 0 or found >= goal:
        return None
    lacking, of = goal - found, share(found, n)
    if found == 0:
        return Needed(lacking, None, math.ceil(lacking / of.high), None)
    expected = -(-lacking * n // found)  # in whole numbers: no rounding error makes one text of nothing
    return Needed(lacking, expected, math.ceil(lacking / of.high), math.ceil(lacking / of.low))


def for_half_width(low: float | None, high: float | None, n: int, *, goal: float = HALF_WIDTH) -> int:
    """Further gold texts until the interval's half-width is about ``goal``; 0 where it is, or where none is known.

    A half-width falls with the root of the number of texts. Meant for labels with enough positives: an interval on few
    is itself a guess.
    """
    if low is None or high is None or n == 0:
        return 0
    half = (high - low) / 2
    return max(0, math.ceil(n * ((half / goal) ** 2 - 1) - 1e-9))


def recall_bound(positives: int) -> float:
    """What recall is at most, with 95 % confidence, where none of so many positives was found. Raises ValueError: 0."""
    return share(0, positives).high
