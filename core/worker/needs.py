"""How much each label needs, from its support and from what the gold texts say of the student."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.active.need import need


class Figure(Protocol):
    """A label's figure, as a round measures it or as it is stored."""

    @property
    def model(self) -> str: ...
    @property
    def split(self) -> str: ...
    @property
    def scope(self) -> str: ...
    @property
    def support(self) -> int: ...
    @property
    def low(self) -> float | None: ...


def needs(
    figures: Iterable[Figure], keys: Sequence[str], positives: ArrayLike, *, target: float
) -> NDArray[np.float64]:
    """Shares by ``core.active.need``; a label without a gold positive counts as not measured. Shapes: → (K,)."""
    of_student = (each for each in figures if (each.model, each.split) == ("student", "gold"))
    lower = {each.scope: each.low for each in of_student if each.support and each.low is not None}
    return need(positives, np.array([lower.get(key, np.nan) for key in keys]), target=target)
