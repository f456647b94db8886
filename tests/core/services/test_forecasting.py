"""What a lead is told of when labelling may stop, from rows as the worker leaves them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sqlite_utils import Database

from core.active.stopping import RULES
from core.evaluate.forecast import fit
from core.services.forecasting import FITTED, LATEST, NEXT, _thinned, about, when_to_stop
from db.errors import NotFound
from tests.rounds_so_far import KEYS, LOUD, QUIET, a_round, figures, rising, waiting

POOL = 800


@pytest.fixture
def pool(db: Database, project_id: int, tmp_path: Path) -> int:
    """The project with texts that wait; only their number counts here."""
    waiting(db, project_id, POOL, tmp_path)
    return project_id


def test_without_a_round_every_rule_says_that_it_is_too_early(db: Database, pool: int) -> None:
    found = when_to_stop(db, pool)
    assert (found.n_rounds, found.n_labelled, found.total) == (0, 0, POOL)
    assert [each.rule for each in found.rulings] == list(RULES)
    assert found.too_early == 4
    assert (found.macro.points, found.macro.why, found.rare.why) == ((), "rounds", "rounds")


def test_one_round_has_a_point_and_no_forecast(db: Database, pool: int) -> None:
    rising(db, pool, 1)
    found = when_to_stop(db, pool)
    assert (found.n_rounds, found.too_early, found.macro.why) == (1, 4, "rounds")
    assert [each.n for each in found.macro.points] == [50]
    assert found.macro.next is None


def test_several_rounds_have_a_forecast_with_its_interval(db: Database, pool: int) -> None:
    rising(db, pool, 6)
    found = when_to_stop(db, pool, labels=True)
    assert (found.n_labelled, found.keys, found.tail) == (300, KEYS, ("k2",))
    assert found.macro.next is not None
    assert (found.macro.why, found.macro.next.n) == ("", 300 + NEXT)
    assert found.macro.next.low < found.macro.next.middle < found.macro.next.high
    assert found.rare.next is not None
    assert found.rare.next.middle < found.macro.next.middle  # the rare label lies a tenth below
    assert found.rare.next.high - found.rare.next.low > found.macro.next.high - found.macro.next.low
    assert [each.n for each in found.macro.band] == sorted({each.n for each in found.macro.band})
    assert (found.macro.band[0].n, found.macro.band[-1].n) == (300, 600)
    assert [each.scope for each in found.labels] == list(KEYS)
    assert {each.verdict for each in found.rulings} == {"go_on"}
    assert when_to_stop(db, pool) == when_to_stop(db, pool)


def test_of_many_rounds_some_are_enough(db: Database, pool: int) -> None:
    noise = np.random.default_rng(0).normal(0, 0.01, 60)
    for turn in range(60):
        height = 0.8 - 0.5 * (1 + turn) ** -0.5 + noise[turn]
        a_round(
            db, pool, 10 * (1 + turn), figures([height + 0.1, height, height - 0.1]), said=QUIET, right=0.9,
            now=float(turn),
        )  # fmt: skip
    found = when_to_stop(db, pool)
    assert len(found.macro.points) == 60
    assert found.macro.next is not None
    assert len(_thinned(found.macro.points)) == FITTED
    assert _thinned(found.macro.points)[-LATEST:] == list(found.macro.points[-LATEST:])
    points = found.macro.points
    of_all = fit(
        [each.n for each in points], [each.f1 for each in points], [each.error for each in points], total=POOL,
        positives=[600 * n / 200 for n in (90, 60, 30)],
    ).points([found.macro.next.n])[0]  # fmt: skip
    assert found.macro.next.middle == pytest.approx(of_all.middle, abs=0.01)
    assert found.macro.next.high - found.macro.next.low == pytest.approx(of_all.high - of_all.low, rel=0.35)


def test_when_nothing_moves_any_more_the_rules_say_so(db: Database, pool: int) -> None:
    for turn in range(5):
        a_round(
            db, pool, 400 + 50 * turn, figures([0.8, 0.7, 0.6]), said=QUIET, right=0.9, now=float(turn)
        )  # fmt: skip
    found = when_to_stop(db, pool)
    assert found.may_stop == 4
    gain = found.rulings[-1]
    assert (gain.value, gain.low, gain.high) == (0, 0, 0)  # the same answers
    assert found.macro.plateau is not None
    assert found.macro.plateau.state == "reached"


def test_rounds_of_another_label_set_are_no_part_of_the_curve(db: Database, pool: int) -> None:
    a_round(db, pool, 50, figures([0.1, 0.1], keys=KEYS[:2], support=(90, 60)), said=LOUD)
    for turn in range(3):
        a_round(db, pool, 100 + 50 * turn, figures([0.5, 0.4, 0.3]), said=LOUD, now=1.0 + turn)
    found = when_to_stop(db, pool)
    assert (found.n_rounds, found.n_before, [each.n for each in found.macro.points]) == (3, 1, [100, 150, 200])
    assert len(found.signals) == 3


def test_of_two_rounds_on_the_same_texts_the_later_counts(db: Database, pool: int) -> None:
    for turn, (n, height) in enumerate([(50, 0.3), (100, 0.4), (150, 0.45), (150, 0.55)]):
        a_round(db, pool, n, figures([height] * 3), said=LOUD, now=float(turn))
    points = when_to_stop(db, pool).macro.points
    assert [(each.n, each.f1) for each in points] == [
        (50, pytest.approx(0.3)),
        (100, pytest.approx(0.4)),
        (150, pytest.approx(0.55)),
    ]


def test_rounds_of_before_there_were_signals_still_have_a_forecast(db: Database, pool: int) -> None:
    for turn in range(4):
        a_round(db, pool, 50 + 50 * turn, figures([0.3 + 0.05 * turn] * 3), now=float(turn))
    found = when_to_stop(db, pool)
    assert (found.signals, found.too_early) == ((), 4)
    assert found.macro.next is not None


def test_little_gold_and_an_empty_pool_are_said_instead_of_a_forecast(db: Database, pool: int) -> None:
    for turn in range(3):
        rows = figures([0.3, 0.2, 0.1 * turn], support=(90, 60, 3))
        a_round(db, pool, 50 + 50 * turn, rows, said=LOUD, now=float(turn))
    found = when_to_stop(db, pool)
    assert (found.macro.why, found.rare.why, found.rare.next) == ("", "gold", None)
    a_round(db, pool, POOL + 40, figures([0.5, 0.4, 0.3]), said=LOUD, now=9.0)
    assert when_to_stop(db, pool).macro.why == "done"


def test_a_macro_figure_without_an_interval_gets_one(db: Database, pool: int) -> None:
    rows = figures([0.5, 0.4, 0.3])
    for each in rows:
        each["low"] = each["high"] = None
    a_round(db, pool, 50, rows)
    point = when_to_stop(db, pool).macro.points[0]
    assert 0 <= point.low < point.f1 < point.high <= 1


def test_numbers_of_labels_are_told_in_two_digits() -> None:
    assert [about(n) for n in (0, 7, 88, 94, 273, 1349, 23_456)] == [0, 7, 88, 94, 270, 1300, 23_000]


def test_a_project_that_is_not_there_is_said(db: Database) -> None:
    with pytest.raises(NotFound):
        when_to_stop(db, 99)
