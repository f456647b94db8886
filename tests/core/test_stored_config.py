"""A fact keeps its meaning when defaults change; a wish that was never named follows them."""

from __future__ import annotations

import json
from dataclasses import fields, replace

import pytest

from core.config import ProjectSettings, RoundConfig
from core.errors import BadSetting
from core.stored_config import BEFORE, as_run, stored, whole


def test_every_setting_has_what_was_done_before_it_came_to_be() -> None:
    assert BEFORE.keys() == {field.name for field in fields(RoundConfig)}
    assert as_run({}) == RoundConfig.from_mapping(BEFORE)


def test_an_old_rounds_config_is_read_as_what_it_did() -> None:
    old = {"arch": "textcnn.v1", "segmenter": "rjieba", "patience": 5, "class_weights": [0.5, 1]}
    found = as_run(json.loads(json.dumps(old)))
    assert (found.sweep, found.segmenter, found.class_weights) == ("exact", "rjieba", (0.5, 1))
    assert (found.soft_targets, found.teachers, found.hard_share, found.spliced) == ("in_sample", "neural", 0, 0)
    assert stored({**old, "gone": 1}) == found
    assert stored({"arch": "of another time.v1"}) is None
    with pytest.raises(BadSetting, match="gone"):
        as_run({**old, "gone": 1})


def test_a_whole_config_stays_what_it_is() -> None:
    config = RoundConfig(arch="han.v1", seed=9, class_weights=(1.0, 2.0))
    assert as_run(json.loads(config.to_json())) == config
    assert whole({"test_texts": 3})["test_texts"] == 3


def test_a_wish_is_stored_as_what_was_named() -> None:
    made = ProjectSettings(overlap=2, round=RoundConfig(arch="han.v1"))
    assert json.loads(made.wishes()) == {"overlap": 2, "round": {"arch": "han.v1"}}
    assert ProjectSettings.from_json(made.wishes()) == made
    assert ProjectSettings().wishes() == "{}"
    assert ProjectSettings.from_json("{}").round == RoundConfig()
    unnamed = replace(made, round=replace(made.round, patience=RoundConfig().patience))
    assert "patience" not in unnamed.wishes()
