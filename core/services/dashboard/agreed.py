"""How far people agree on whole label sets, and whether they agree less on the texts decided lately than before."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from core.evaluate.paired import Gain
from core.evaluate.resampled import Estimate
from core.services.dashboard.people import agreement_now
from core.services.standing import Standing, Votes

LATELY = (50, 1000)  # latest decisions at least and at most; between them, a quarter of all that count
EARLIER = 9  # times as many before these: what lies further back says little of a fall, and costs what a project holds
LEAST_TEXTS = 20  # read twice, on either side, before two figures are compared


@dataclass(frozen=True, kw_only=True)
class Agreed:
    """Krippendorff's alpha with MASI over the texts that two or more have labelled; None where nothing can be said.

    ``lately``: over those of them on which one of the latest decisions is; ``earlier``: on which one of the decisions
    before these is. ``drop`` is lately less earlier, None where either has fewer than LEAST_TEXTS.
    """

    now: Estimate | None
    lately: Estimate | None = None
    earlier: Estimate | None = None
    drop: Gain | None = None


def window(found: Standing) -> int:
    """How many of the latest decisions are taken for lately."""
    least, most = LATELY
    return min(most, max(least, len(found.votes.documents) // 4))


def agreed(found: Standing, latest: Sequence[int]) -> Agreed:
    """``latest``: the texts of the latest (1 + EARLIER) · ``window`` decisions, newest first."""
    n = window(found)
    recent, before = np.array(latest[:n], dtype=np.int64), np.array(latest[n:], dtype=np.int64)
    now, new = agreement_now(found), _alpha(found, recent)
    old = _alpha(found, np.setdiff1d(before, recent))
    if new is None or old is None or min(new.n, old.n) < LEAST_TEXTS:
        return Agreed(now=now, lately=new, earlier=old)
    return Agreed(now=now, lately=new, earlier=old, drop=apart(new, old))


def _alpha(found: Standing, texts: NDArray[np.int64]) -> Estimate | None:
    """Over the votes on these texts alone: those of a text stand together, and texts are in order."""
    votes, wanted = found.votes, np.unique(texts)
    starts, ends = (np.searchsorted(votes.documents, wanted, side) for side in ("left", "right"))
    many = ends - starts
    of = np.repeat(starts - (np.cumsum(many) - many), many) + np.arange(many.sum())
    some = Votes(documents=votes.documents[of], people=votes.people[of], sets=votes.sets[of])
    return agreement_now(replace(found, votes=some))


def apart(first: Estimate, second: Estimate) -> Gain | None:
    """The difference of two figures of unlike texts, its interval from their own. None where one of them has none.

    Source: zou2008: the distances from a figure to its bounds are squared and added.
    """
    if first.low is None or first.high is None or second.low is None or second.high is None:
        return None
    middle = first.value - second.value
    down = math.hypot(first.value - first.low, second.high - second.value)
    up = math.hypot(first.high - first.value, second.value - second.low)
    return Gain(middle, middle - down, middle + up)
