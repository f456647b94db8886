"""What was suggested is kept with a decision, so that what was accepted can be told without the round."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any, cast

import pytest

from core.labels import Label, LabelSet
from core.services import annotating

PROJECT = cast(Any, SimpleNamespace(label_set=LabelSet.of(Label(key=key, zh=key, en=key) for key in ("a", "b"))))


@pytest.mark.parametrize(
    ("op", "kept"),
    [
        ({}, None),
        ({"shown": None, "cuts": {"a": 0.4}}, None),
        ({"shown": {"a": 0.83219, "b": 0.1}}, {"a": 0.8322, "b": 0.1}),
        (
            {"shown": {"a": 0.8, "b": 0.1}, "cuts": {"a": 0.4, "b": 0.55}},
            {"a": 0.8, "b": 0.1, ":thresholds": {"a": 0.4, "b": 0.55}},
        ),
        ({"shown": {"a": 0.8, "z": 0.3}, "cuts": {"b": 0.4, "a": "x"}}, {"a": 0.8}),
        ({"shown": {"a": 2, ":thresholds": 0.4}, "cuts": [0.4]}, {}),
    ],
)
def test_probabilities_and_cuts_are_kept_as_far_as_they_make_sense(op: dict[str, Any], kept: object) -> None:
    assert annotating._shown(PROJECT, op) == kept


def test_no_label_can_be_called_as_the_cuts_are() -> None:
    assert re.fullmatch(r"[a-z0-9_-]+", annotating.CUTS) is None
