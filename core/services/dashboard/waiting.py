"""How many pool texts still wait, and for what: one count for overview, report and forecast."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sqlite_utils import Database

from core.services.standing import Standing
from db import documents


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """Open pool texts. ``untouched``: nobody has labelled them; ``second``: labelled, but by fewer than are to."""

    untouched: int
    second: int


def waiting(db: Database, project_id: int, found: Standing) -> Waiting:
    """Of the project as ``found``, inside the caller's read."""
    several = np.array(documents.open_for_several(db, project_id), dtype=np.int64)
    second = int(np.isin(several, found.documents[~found.gold], assume_unique=True).sum())
    return Waiting(untouched=n_open(db, project_id) - second, second=second)


def n_open(db: Database, project_id: int) -> int:
    """Pool texts of either kind: those that somebody can still be given. Costs nothing, so it may go by the clock."""
    return int(documents.counts(db, project_id)["pool"]["open"])
