"""A text that lacks its second reader is not one that nobody has seen, and every tab counts both alike."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sqlite_utils import Database

from core.services import annotating, forecasting
from core.services.dashboard import overview, report
from core.services.dashboard.report import Wanted
from core.services.dashboard.waiting import Waiting
from tests.conftest import NOW, make_project
from tests.core.services.dashboard.measuring import import_texts
from tests.flows.test_click import save


def decide(db: Database, project: int, who: int, decisions: str) -> None:
    """One text each: l labels it, f flags it, s skips it."""
    held = annotating.next_texts(db, project, who, n=len(decisions), now=NOW)
    for n, (text, how) in enumerate(zip(held, decisions, strict=True)):
        labels = ["k0"] if how == "l" else []
        kind = {"l": "labelled", "f": "flagged", "s": "skipped"}[how]
        op = save(f"{who}-{n}-{text.id}-{how}", text.id, *labels, decision=kind)
        assert annotating.apply(db, project, who, [op], now=NOW).acked


@pytest.mark.parametrize(
    ("overlap", "said", "waits", "reach"),
    [
        (1, ("lll", ""), Waiting(untouched=7, second=0), 10),
        (1, ("lf", "s"), Waiting(untouched=8, second=0), 9),  # what is flagged gets no label; what is skipped may
        (2, ("ll", ""), Waiting(untouched=8, second=2), 10),
        (2, ("ll", "ll"), Waiting(untouched=8, second=0), 10),  # the same two texts are given to both
        (2, ("f", "l"), Waiting(untouched=9, second=0), 10),
        (3, ("l", "l"), Waiting(untouched=9, second=1), 10),
    ],
)
def test_overview_report_and_forecast_count_the_same(
    db: Database,
    people: dict[str, int],
    tmp_path: Path,
    overlap: int,
    said: tuple[str, str],
    waits: Waiting,
    reach: int,
) -> None:
    project = make_project(db, overlap=overlap)
    import_texts(db, project, tmp_path, np.zeros((10, 3)), split="pool")
    for who, decisions in zip(("ann", "bob"), said, strict=True):
        decide(db, project, people[who], decisions)
    found = overview.glance(db, project)
    assert found.waiting == waits
    table = next(
        each for each in report.report(db, project, Wanted(lang="en"), now=NOW).tables if each.name == "overview"
    )
    rows = {row[0]: row[1] for row in table.rows}
    assert rows["Pool texts that nobody has labelled"] == waits.untouched
    assert rows["Pool texts labelled that lack a further reader"] == waits.second
    assert forecasting.when_to_stop(db, project).total == found.n_labelled + waits.untouched == reach
    assert overview.live(db, project, now=NOW).n_left == waits.untouched + waits.second
