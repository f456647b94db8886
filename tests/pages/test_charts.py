"""What a lead reads off the figures: order by frequency, support, instability, intervals, shares."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.services import reporting
from core.services.reporting import Overview
from pages.shared import charts
from tests.pages.conftest import House
from tests.pages.filling import fill, publish_round


@pytest.fixture
def view(house: House, tmp_path: Path) -> Overview:
    fill(house, tmp_path)
    publish_round(house)
    publish_round(house, base=0.1)
    with house.open() as db:
        return reporting.overview(db, house.project_id)


def test_labels_come_from_the_commonest_to_the_rarest(view: Overview) -> None:
    assert [row.label.zh for row in charts.by_frequency(view)] == ["甲", "乙", "丙"]


def test_an_interval_that_was_not_computed_is_left_out(view: Overview) -> None:
    macro = charts.find(view.metrics, "student", "macro")
    assert macro is not None
    assert charts.interval(macro) == "[0.60, 0.80]"
    assert charts.interval(type(macro)(**{**macro.__dict__, "low": None})) == ""
    assert charts.find(view.metrics, "student", "nothing") is None
    first = charts.find(view.history, "student", "macro", number=1)
    assert first is not None
    assert first.f1 == pytest.approx(0.6)


def test_names_are_text_in_charts() -> None:
    assert charts.plain_name("<b>x</b> & y") == "&lt;b>x&lt;/b> &amp; y"
