"""A figure is built once for what it shows."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
import pytest

from pages.shared.dashboard import figure


@dataclass(frozen=True)
class Point:
    x: float


@dataclass(frozen=True, eq=True)
class Curve:
    xs: np.ndarray


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, ...]]:
    figure._kept.clear()
    return []


def drawn(built: list[tuple[object, ...]], *given: object) -> figure.Drawn:
    def build(*values: object) -> go.Figure:
        built.append(values)
        return go.Figure()

    return figure.kept(build, *given)


def test_equal_values_share_a_figure_and_others_do_not(built) -> None:
    first = drawn(built, Point(1.0), {"k0": "甲"}, "zh", None)
    assert drawn(built, Point(1.0), {"k0": "甲"}, "zh", None) is first
    assert len(built) == 1
    for other in (
        (Point(2.0), {"k0": "甲"}, "zh", None),
        (Point(1.0), {"k0": "乙"}, "zh", None),
        (Point(1.0), {"k0": "甲"}, "en", None),
        ([Point(1.0)], {"k0": "甲"}, "zh", None),
    ):
        assert drawn(built, *other) is not first
    assert len(built) == 5


def test_the_names_of_very_many_labels_are_told_apart_by_what_they_are(built) -> None:
    names = {f"k{n}": f"標籤 {n}" for n in range(5000)}
    first = drawn(built, names)
    assert drawn(built, dict(names)) is first
    assert drawn(built, names | {"k4999": "別的"}) is not first


def test_one_and_true_are_not_the_same(built) -> None:
    assert drawn(built, 1) is not drawn(built, True)
    assert drawn(built, [1.0]) is not drawn(built, (1.0,))


def test_what_holds_arrays_is_told_apart_by_being_itself_and_stays_alive(built) -> None:
    one = Curve(np.zeros(3))
    first = drawn(built, one)
    assert drawn(built, one) is first
    for _ in range(50):  # another in the same place in memory would be taken for it, were the first one gone
        assert drawn(built, Curve(np.ones(3))) is not first


def test_it_keeps_no_more_than_so_many(built) -> None:
    for n in range(3 * figure._MOST):
        drawn(built, n)
    assert len(figure._kept) == figure._MOST


def test_what_travels_is_the_whole_figure_without_a_template() -> None:
    made = go.Figure(layout={"height": 321, "title": "標題"})
    made.add_scatter(x=np.array([1.0, np.nan]), y=[dt.date(2026, 1, 2), None], error_x={"array": [0.5, 0.25]})
    sent = figure.travelling(made)
    told = json.loads(sent.text)
    assert sent.height == 321
    assert "標題" in sent.text
    assert "template" not in told["layout"]
    assert "NaN" not in sent.text
    back = go.Figure(told)  # Plotly takes it for a figure of its own
    assert back.data[0].y[0] == "2026-01-02"
    assert list(back.data[0].error_x.array) == [0.5, 0.25]
    assert figure.travelling(go.Figure()).height == figure.HEIGHT
