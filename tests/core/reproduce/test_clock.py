from __future__ import annotations

import pytest

from core.reproduce.clock import Clock
from core.reproduce.plan import Key

CNN, HAN = "textcnn.v1", "han.v1"


def key(model: str, fold: int = 0, arch: str = CNN) -> Key:
    return Key(0, fold, "-" if model == "linear" else arch, model)


def test_nothing_is_said_before_anything_is_measured() -> None:
    assert Clock(2).left_s([key("teacher")], {}) is None
    assert Clock(2).left_s([], {}) == 0


def test_teachers_count_whole_and_students_side_by_side() -> None:
    clock = Clock(2)
    for model, seconds in (("teacher", 100.0), ("teacher", 120.0), ("kd", 10.0), ("standalone", 20.0), ("linear", 3.0)):
        clock.note(key(model), seconds)
    waiting = [key(model, 1) for model in ("teacher", "kd", "standalone", "linear")]
    assert clock.left_s(waiting, {}) == pytest.approx(110 + 5 + 10 + 3)
    assert Clock(1).left_s([], {}) == 0


def test_what_is_spent_on_a_cell_in_work_is_taken_off_but_never_below_half_of_its_rest() -> None:
    clock = Clock(1)
    clock.note(key("teacher"), 100.0)
    one = key("teacher", 1)
    assert clock.left_s([one], {one: (40.0, 0.2)}) == pytest.approx(60)
    assert clock.left_s([one], {one: (400.0, 0.2)}) == pytest.approx(40)


def test_a_cell_in_work_tells_of_its_kind_and_kin_stand_in() -> None:
    clock, one = Clock(1), key("teacher")
    assert clock.left_s([one], {one: (2.0, 0.01)}) is None
    assert clock.left_s([one, key("teacher", 1)], {one: (50.0, 0.5)}) == pytest.approx(50 + 100)
    clock.note(one, 100.0)
    clock.note(key("kd"), 10.0)
    assert clock.left_s([key("oof")], {}) == pytest.approx(10)  # another student of the architecture
    assert clock.left_s([key("oof-teacher")], {}) == pytest.approx(100)
    assert clock.left_s([key("kd", arch=HAN)], {}) == pytest.approx(10)  # the same in another architecture
    assert clock.left_s([key("standalone", arch=HAN)], {}) == pytest.approx(55)  # any network
    assert clock.left_s([key("linear")], {}) is None
