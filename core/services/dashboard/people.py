"""People: how they agree, what they have done at which pace, and what suggestions do to them."""

from __future__ import annotations

import numpy as np

from core.evaluate import resampled
from core.evaluate.resampled import Estimate, Readings
from core.services.standing import Standing


def readings(standing: Standing) -> Readings:
    """Who chose what on texts that two or more have labelled, those left out by a reviewer aside."""
    votes = standing.votes
    counts = ~np.isin(votes.documents, standing.documents[standing.left_out])
    return resampled.read_twice(votes.documents[counts], votes.people[counts], votes.sets[counts], standing.sets)


def agreement_now(standing: Standing) -> Estimate | None:
    """Krippendorff's alpha of whole label sets by MASI distance, before anything was settled, with its n and interval.

    None where nothing can be said: no text has two readers, or all chose alike.
    """
    return resampled.set_alpha(readings(standing))
