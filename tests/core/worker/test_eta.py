"""Time left: nothing said before something is known, then never negative and falling with the work done."""

from __future__ import annotations

import json
from dataclasses import replace

from core.approximations import deeper
from core.config import RoundConfig
from core.worker.eta import Clock, comparable

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


def test_student_and_twin_that_report_by_turns_are_one_stage() -> None:
    clock = Clock(BEFORE, now=0)
    clock.eta_s("student", 0, 100, now=0)
    for turn in range(1, 6):
        clock.eta_s("student", 10 * turn, 100, now=2.0 * turn)
        left = clock.eta_s("standalone", 10 * turn, 100, now=2.0 * turn + 0.1)
    assert left is not None
    assert 10 < left < 20, "ten of the stage's own, and what comes after"


def test_few_networks_leave_relatively_more_to_do_afterwards() -> None:
    fast, exact = Clock({}, now=0), Clock({}, now=0)
    fast.eta_s("teachers", 0, 9, now=0)
    exact.eta_s("teachers", 0, 63, now=0)
    few, many = fast.eta_s("teachers", 3, 9, now=10), exact.eta_s("teachers", 21, 63, now=10)
    assert few is not None
    assert many is not None
    assert few > many > 20


def test_teachers_of_several_folds_are_counted_as_one_stage_that_only_falls() -> None:
    clock = Clock({}, now=0)
    clock.eta_s("teachers", 0, 45, now=0)
    left = [clock.eta_s("teachers", done, 45, now=float(done)) for done in (5, 9, 10, 27, 45)]
    known = [each for each in left if each is not None]
    assert known == sorted(known, reverse=True)


def test_what_a_stage_begins_with_is_no_measure_of_it() -> None:
    clock = Clock(BEFORE, now=0)
    clock.eta_s("teachers", 0, 63, now=0)
    early = clock.eta_s("teachers", 1, 63, now=10)
    assert early is not None
    assert early < 150, "the first of 63 took ten seconds, but all of them a hundred the last time"


def test_a_deeper_round_says_nothing_of_how_long_a_normal_one_takes() -> None:
    def stored(config: RoundConfig) -> dict:
        return json.loads(config.to_json())

    normal = RoundConfig()
    assert comparable(stored(normal), stored(replace(normal, seed=3, hard_share=0.5)))
    assert not comparable(stored(normal), stored(deeper(normal)))
    assert not comparable(stored(normal), stored(replace(normal, arch="han.v1")))
