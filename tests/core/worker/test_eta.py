"""Time left: nothing said before something is known, then never negative and falling with the work done."""

from __future__ import annotations

from core.worker.eta import Clock

BEFORE = {"text": 1.0, "vectors": 10.0, "teachers": 100.0, "student": 20.0, "evaluate": 2.0, "score": 2.0, "save": 1.0}


def test_nothing_is_said_before_anything_is_known() -> None:
    clock = Clock({}, now=0)
    assert clock.eta_s("text", 0, 10, now=0) is None
    assert clock.eta_s("teachers", 0, 63, now=5) is None


def test_a_first_round_goes_by_its_teachers() -> None:
    clock = Clock({}, now=0)
    clock.eta_s("teachers", 0, 60, now=0)
    early, late = clock.eta_s("teachers", 6, 60, now=10), clock.eta_s("teachers", 54, 60, now=90)
    assert early is not None
    assert late is not None
    assert early > 90 > late > 0


def test_a_later_round_goes_by_the_one_before_and_its_own_pace() -> None:
    clock = Clock(BEFORE, now=0)
    assert clock.eta_s("text", 0, 10, now=0) == 136.0
    clock.eta_s("vectors", 0, 1, now=2)  # text took twice as long as before
    slow = clock.eta_s("teachers", 0, 63, now=22)
    assert slow is not None
    assert slow > 125
