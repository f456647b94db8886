"""Hours of the day: as people write them, over midnight, in UTC+8 whatever this machine's zone."""

from __future__ import annotations

import datetime as dt

import pytest

from core import hours
from core.config import ProjectSettings
from core.errors import BadSetting

TAIPEI = dt.timezone(dt.timedelta(hours=8))


def at(clock: str) -> float:
    h, m = map(int, clock.split(":"))
    return dt.datetime(2026, 3, 4, h, m, tzinfo=TAIPEI).timestamp()


@pytest.mark.parametrize(
    ("when", "clock", "inside"),
    [
        ("20:00-08:00", "20:00", True), ("20:00-08:00", "03:30", True), ("20:00-08:00", "08:00", False),
        ("20:00-08:00", "12:00", False), ("09:00-17:30", "17:29", True), ("09:00-17:30", "17:30", False),
        ("09:00-17:30", "00:00", False), ("", "12:00", True),
    ],
)  # fmt: skip
def test_a_moment_is_inside_or_outside(when: str, clock: str, inside: bool) -> None:
    assert hours.within(when, at(clock)) == inside


@pytest.mark.parametrize("typed", [" 20:00 – 8:00", "20：00～08：00", "20:00到8:00", "20:00-08:00"])
def test_what_people_type_is_understood(typed: str) -> None:
    assert hours.tidy(typed) == "20:00-08:00"
    assert ProjectSettings(round_hours=hours.tidy(typed)).round_hours == "20:00-08:00"


@pytest.mark.parametrize("wrong", ["25:00-08:00", "night", "20:00", "08:00-08:00", "20:60-08:00", "2000-0800"])
def test_what_is_no_hours_is_refused(wrong: str) -> None:
    with pytest.raises(BadSetting, match="round_hours"):
        ProjectSettings(round_hours=hours.tidy(wrong))
