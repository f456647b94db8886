"""Which kind of round a label set gets, and how a round says so."""

from __future__ import annotations

import pytest

from core.approximations import departures
from core.config import RoundConfig
from core.errors import BadSetting
from core.stored_config import stored


@pytest.mark.parametrize(
    ("given", "labels", "kind"),
    [
        ({}, 9, "flat"),
        ({}, 5_000, "tree"),
        ({"tree_from": 50}, 49, "flat"),
        ({"tree_from": 50}, 50, "tree"),
        ({"label_model": "flat"}, 5_000, "flat"),
        ({"label_model": "tree"}, 2, "tree"),
        ({"label_model": "tree"}, 1, "flat"),
    ],
)
def test_auto_goes_by_the_label_count_and_a_choice_stands(given: dict, labels: int, kind: str) -> None:
    settled = RoundConfig.from_mapping(given).settled(labels)
    assert settled.label_model == kind
    assert settled.settled(9 if kind == "tree" else 5_000) == settled, "what was decided stays decided"


def test_rounds_from_before_were_flat() -> None:
    old = stored({"arch": "han.v1"})
    assert old is not None
    assert old.label_model == "flat"


def test_a_tree_says_one_thing_of_itself_and_nothing_of_teachers() -> None:
    told = departures(RoundConfig(label_model="tree"))
    assert [each.code for each in told] == ["tree"]
    assert "tree" not in {each.code for each in departures(RoundConfig(label_model="flat"))}


@pytest.mark.parametrize("wrong", [{"label_model": "forest"}, {"tree_from": 1}, {"tree_from": True}])
def test_what_is_no_setting_is_refused(wrong: dict) -> None:
    with pytest.raises(BadSetting):
        RoundConfig.from_mapping(wrong)
