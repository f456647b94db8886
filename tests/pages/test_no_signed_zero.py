"""A change that rounds to nothing is 0.00 wherever it is said: no page and no report writes -0.00 or +0.00."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from core.evaluate.jump import Jump
from core.evaluate.paired import Gain
from core.export.report_html import shown
from core.services.dashboard.per_label import Line
from core.services.dashboard.report_sections import number
from db.records import Metric
from pages.shared.dashboard import long_tail, overview, people, per_label
from pages.shared.rounds import comparing

ROOT = Path(__file__).resolve().parents[2]
DOWN, UP = Gain(-0.0004, -0.0049, 0.0003), Gain(0.0004, -0.0003, 0.0049)
ZERO = re.compile(r"[-+−]0(\.0+)?(?![\d.])")
METRIC = Metric(
    round=1, model="student", split="gold", scope="k0", precision=1, recall=1, f1=1, support=20, threshold=0.5, low=1,
    high=1, n=40,
)  # fmt: skip


@pytest.mark.parametrize("gain", [DOWN, UP, Gain(-0.0, -0.0, 0.0)])
def test_no_change_is_said_with_the_sign_of_nothing(gain: Gain) -> None:
    line = Line(scope="k0", band="head", pool=1, gold=20, models={"student": METRIC}, change=gain)
    jump = Jump(value=gain.difference, low=gain.low, high=gain.high, below=0.5, above=0.5, n=9)
    said = [
        overview.change(gain)["delta"], overview.interval(gain.low, gain.high),
        *map(str, per_label.row(line, {"k0": "甲"}).values()), *people.points(jump).values(),
        long_tail._signed(replace(gain, difference=gain.difference / 10)), shown(gain.difference, 2),
        comparing.gain_words(Gain(gain.difference / 10, gain.low / 100, gain.high / 100)), str(number(-0.0)),
    ]  # fmt: skip
    assert [each for each in said if ZERO.search(each.replace("\\", ""))] == []


def test_what_points_nowhere_has_no_arrow() -> None:
    clear = Gain(0.004, 0.001, 0.0049)
    assert overview.change(clear)["delta_arrow"] == "off"
    assert "delta_arrow" not in overview.change(Gain(0.04, 0.01, 0.07))


@pytest.mark.parametrize("folder", ["pages/shared", "core/services/dashboard", "core/export"])
def test_signs_are_written_in_one_place(folder: str) -> None:
    """A format of its own would write +0.00 again."""
    signs = re.compile(r"""(:\+[.\d]*[fdg%]|%\+|["']\+\.\d)""")
    wrong = [path.name for path in (ROOT / folder).rglob("*.py") if signs.search(path.read_text("utf-8"))]
    assert wrong == []
