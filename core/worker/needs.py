"""What is known of each label before and beside the learner: how much it needs, and the words it is described with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.active.need import need
from core.labels import LabelSet


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


def label_words(label_set: LabelSet) -> list[str]:
    """A label's name, keywords, definition and examples, as one text each. Shapes: → (K,)."""
    return ["\n".join((label.zh, *label.keywords, label.definition, *label.examples)) for label in label_set.labels]
