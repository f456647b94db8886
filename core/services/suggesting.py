"""What the model's probabilities are held against where a project shows them to its annotators."""

from __future__ import annotations

from sqlite_utils import Database

from core.services.projects import Project
from db import rounds


def thresholds(db: Database, project: Project) -> dict[str, float]:
    """Label key → the current student's cut; empty where nothing is suggested or the model is of another label set.

    A decision keeps the probabilities that were shown and the round they came from, so that what was accepted is what
    was chosen at or above that round's cut.
    """
    if not project.settings.suggestions:
        return {}
    model = rounds.current_model(db, project.id, "student")
    if model is None or model["fingerprint"] != project.label_set.fingerprint:
        return {}
    return {key: round(float(cut), 3) for key, cut in model["thresholds"].items()}
