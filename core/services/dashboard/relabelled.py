"""How the labels that a round learnt differ from today's: what a figure of the round is still about."""

from __future__ import annotations

from dataclasses import dataclass

from core.evaluate.metrics import AGGREGATES
from core.labels import LabelSet
from core.services.dashboard.answered import Figures
from db.records import RoundRow


@dataclass(frozen=True, kw_only=True)
class Relabelled:
    """``round`` learnt ``n`` labels. Keys, in the label set's order: (merged, into what), retired, and added since."""

    round: int
    n: int
    merged: tuple[tuple[str, str], ...]
    retired: tuple[str, ...]
    added: tuple[str, ...]


def learnt(measured: Figures) -> set[str]:
    """The keys of the labels that a round's student knows."""
    return {scope for model, scope in measured if model == "student" and scope not in AGGREGATES}


def relabelled(label_set: LabelSet, at: RoundRow | None, measured: Figures) -> Relabelled | None:
    """None where the round's labels are today's, or where there is no round that was measured."""
    known = learnt(measured)
    if at is None or not known or known == set(label_set.keys):
        return None
    gone = [label.key for label in label_set.gone if label.key in known]
    into = {key: label_set.merged[key] for key in gone if label_set.merged.get(key) in label_set.keys}
    return Relabelled(
        round=at.number, n=len(known), merged=tuple(into.items()),
        retired=tuple(key for key in gone if key not in into),
        added=tuple(key for key in label_set.keys if key not in known),
    )  # fmt: skip
