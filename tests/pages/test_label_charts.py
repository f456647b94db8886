"""What a lead reads off the pictures of labels: support, instability, intervals, rounds, thresholds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.evaluate.curves import decision, precision_recall, reliability
from core.services.dashboard.one_label import one_label
from core.services.dashboard.per_label import Labels, labels
from pages.shared import charts
from pages.shared.dashboard import label_charts
from tests.pages.conftest import House
from tests.pages.filling import fill, publish_round
from tests.pages.plotted import plotted

NAMES = {"k0": "甲", "k1": "<乙>", "k2": "丙"}


@pytest.fixture
def found(house: House, tmp_path: Path) -> Labels:
    fill(house, tmp_path)
    publish_round(house)
    publish_round(house, base=0.1)
    with house.open() as db:
        return labels(db, house.project_id)


def test_the_axis_names_support_and_marks_what_is_unstable(found: Labels) -> None:
    ticks = plotted(label_charts.side_by_side(found.labels, NAMES, "zh")).layout.yaxis.ticktext
    assert list(ticks) == ["甲（12）", "&lt;乙>（12）", "丙（3，不穩定）"]
    assert "unstable" in plotted(label_charts.side_by_side(found.labels, NAMES, "en")).layout.yaxis.ticktext[2]


def test_each_model_is_a_series_with_its_interval_and_the_tail_is_faded(found: Labels) -> None:
    drawn = plotted(label_charts.side_by_side(found.labels, NAMES, "zh"))
    assert [trace.name for trace in drawn.data] == ["學生模型", "未蒸餾的學生", "教師模型", "快速線性模型"]
    student = drawn.data[0]
    assert list(student.x) == pytest.approx([0.7, 0.6, 0.5])
    assert list(student.error_x.array) == pytest.approx([0.1, 0.1, 0.1])
    assert list(student.marker.opacity) == [1.0, 1.0, charts.FADED]
    assert "n=12" in student.text[0]
    assert "第 2 輪" in student.text[0]


def test_the_history_has_one_point_a_round_and_the_students_band(house: House, found: Labels) -> None:
    with house.open() as db:
        of = {scope: one_label(db, house.project_id, scope).history for scope in ("macro", "k2")}
    band, *lines = plotted(label_charts.history(of["macro"], "macro", "en")).data
    assert list(band.y) == pytest.approx([0.7, 0.8, 0.6, 0.5])  # there along the top, back along the bottom
    assert [list(trace.x) for trace in lines] == [[1, 2]] * 4
    assert list(lines[0].y) == pytest.approx([0.6, 0.7])
    assert list(plotted(label_charts.history(of["k2"], "丙", "en")).data[1].y) == pytest.approx([0.4, 0.5])
    alone = plotted(label_charts.history([each for each in of["k2"] if each.round == 1], "丙", "en")).data
    assert alone[0].error_y.array[0] == pytest.approx(0.1)  # one round is no band


def test_a_curve_carries_the_present_and_the_tried_threshold() -> None:
    rng = np.random.default_rng(0)
    y = rng.random(900) < 0.3
    p = np.clip(np.where(y, 0.6, 0.3) + rng.normal(0, 0.2, 900), 0, 1)
    curve, now, tried = precision_recall(y, p), decision(y, p, 0.5), decision(y, p, 0.4)
    drawn = plotted(label_charts.precision_recall({"student": curve}, now, tried, "zh")).data
    assert [trace.name for trace in drawn] == ["學生模型", "現在的門檻", "試的門檻"]
    for trace, mark in zip(drawn[1:], (now, tried), strict=True):
        assert mark.precision is not None
        assert mark.recall is not None
        assert (trace.x[0], trace.y[0]) == (mark.recall.value, mark.precision.value)
        assert f"{mark.threshold:.3f}" in trace.text[0]
    assert len(drawn[0].x) <= 2 * label_charts.POINTS
    assert drawn[0].x[0] == 1.0
    assert drawn[0].x[-1] == curve.recall[len(curve.thresholds) - 1]
    nothing = plotted(label_charts.precision_recall({"student": curve}, decision(y, p, 1.1), None, "zh")).data
    assert len(nothing) == 1  # a threshold under which nothing is named has no precision, so no place


def test_calibration_draws_each_bin_with_wilsons_interval() -> None:
    found = reliability([0, 0, 1, 1, 1], [0.1, 0.1, 0.15, 0.9, 0.95])
    dots = plotted(label_charts.calibration(found, "zh")).data[1]
    assert list(dots.x) == pytest.approx([0.35 / 3, 0.925])
    assert list(dots.y) == pytest.approx([1 / 3, 1])
    assert list(dots.error_y.array) == pytest.approx(
        [found.bins[0].observed.high - 1 / 3, found.bins[1].observed.high - 1]
    )
    assert "實際 33 %（1 / 3 篇）" in dots.text[0]
    assert len(plotted(label_charts.calibration(reliability([], []), "zh")).data[1].x) == 0
