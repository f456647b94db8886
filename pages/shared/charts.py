"""What charts share: colours, symbols, the order of labels, and figures found among metrics.

Labels are always sorted by how often they are used, commonest first: the long tail is at the bottom of each chart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.labels import Label
from core.services.reporting import Overview
from db.records import Metric

UNSTABLE_BELOW = 10  # gold positives; an F1 on fewer is not a number to act on
MODELS = ("student", "standalone", "teacher", "linear", "svm")
# Five hues that stay apart for colour-blind readers; the symbol tells them apart a second time.
# Source: Okabe & Ito, Color Universal Design, https://jfly.uni-koeln.de/color/
COLOURS = {"student": "#0f766e", "standalone": "#e69f00", "teacher": "#5b7fbd", "linear": "#a9a9a9", "svm": "#cc79a7"}
SYMBOLS = {"student": "circle", "standalone": "diamond", "teacher": "square", "linear": "x-thin", "svm": "cross-thin"}
TAIL, HEAD = "#d55e00", "#0f766e"
FADED = 0.38


@dataclass(frozen=True)
class LabelRow:
    """One label with what is known of its frequency. Units: texts."""

    position: int
    label: Label
    pool: int
    gold: int
    support: int  # gold positives that the current round was measured on; before a round, those there are

    @property
    def stable(self) -> bool:
        return self.support >= UNSTABLE_BELOW


def plain_name(name: str) -> str:
    """A name that a chart shows as it is: charts read a little HTML."""
    return name.replace("&", "&amp;").replace("<", "&lt;")


def by_frequency(view: Overview) -> list[LabelRow]:
    """Labels from the commonest to the rarest among labelled pool texts, ties in the label set's order."""
    support = {m.scope: m.support for m in view.metrics if m.split == "gold"}
    rows = [
        LabelRow(k, label, view.label_counts[k], view.gold_counts[k], support.get(label.key, view.gold_counts[k]))
        for k, label in enumerate(view.labels)
    ]
    return sorted(rows, key=lambda row: (-row.pool - row.gold, row.position))


def _of(metrics: Sequence[Metric], model: str, scope: str, split: str = "gold") -> Metric | None:
    return next((m for m in metrics if (m.model, m.scope, m.split) == (model, scope, split)), None)


def find(
    metrics: Sequence[Metric], model: str, scope: str, *, number: int | None = None, split: str = "gold"
) -> Metric | None:
    """The figure of one model and scope, of a given round or of whatever round the metrics are of."""
    return _of([m for m in metrics if number is None or m.round == number], model, scope, split)


def interval(metric: Metric) -> str:
    """The 95 % interval in brackets; nothing where none was computed."""
    if metric.low is None or metric.high is None:
        return ""
    return f"[{metric.low:.2f}, {metric.high:.2f}]"
