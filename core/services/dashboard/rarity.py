"""Which labels are rare: by the texts that count with them today, pool and gold together. One definition for all.

Whoever trains learns from both counts' texts or is measured on them, so a label is as rare as both together say; no
other count orders labels, names the rarest or parts head from tail, on a page, in a report or in a forecast.
"""

from __future__ import annotations

from collections.abc import Sequence

from core.evaluate.bands import Band, bands
from core.services.standing import Standing


def often(found: Standing) -> dict[str, int]:
    """Labelled texts with each label, pool and gold together, by key."""
    both = found.support(gold=False) + found.support(gold=True)
    return {key: int(n) for key, n in zip(found.label_set.keys, both, strict=True)}


def banded(found: Standing) -> dict[str, Band]:
    """Each label's band, by key."""
    counts = often(found)
    return dict(zip(counts, bands(list(counts.values())), strict=True)) if counts else {}


def rare(found: Standing) -> set[str]:
    """The tail's keys."""
    return {key for key, band in banded(found).items() if band == "tail"}


def by_frequency(counts: Sequence[int]) -> list[int]:
    """Positions from the commonest label to the rarest, ties in the label set's order."""
    return sorted(range(len(counts)), key=lambda k: (-counts[k], k))
