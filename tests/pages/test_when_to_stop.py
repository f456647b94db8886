"""The section on when labelling may stop, as a lead sees it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.services.forecasting import when_to_stop
from pages.shared.dashboard.when_to_stop import drawn, rows
from tests.pages.conftest import House
from tests.pages.plotted import plotted
from tests.rounds_so_far import QUIET, a_round, figures, rising, waiting

Said = Callable[[AppTest], str]


def section(house: House, language: str = "zh") -> AppTest:
    """The section alone, as it stands in the overview."""
    house.enter("lead")

    def page(project_id: int) -> None:
        from pages.shared.dashboard import when_to_stop

        when_to_stop.show(project_id)

    app = AppTest.from_function(page, default_timeout=30, args=(house.project_id,))
    app.session_state["lang"] = language
    return app.run()


@pytest.fixture
def pool(house: House, tmp_path: Path) -> House:
    with house.open() as db:
        waiting(db, house.project_id, 700, tmp_path)
    return house


def test_before_the_first_round_it_says_what_is_to_come(pool: House, texts_of: Said) -> None:
    page = section(pool)
    assert "第一輪訓練之後" in texts_of(page)
    assert not page.segmented_control


def test_one_round_shows_its_point_and_no_verdict(pool: House, texts_of: Said) -> None:
    with pool.open() as db:
        rising(db, pool.project_id, 1)
    said = texts_of(section(pool))
    assert "第 1 輪用了 50 篇標註" in said
    assert "現在有 1 輪" in said
    assert said.count("還太早]") == 4
    assert "可以停]" not in said
    assert "nan" not in said.lower()


@pytest.mark.parametrize(
    ("language", "told"),
    [("zh", "標籤改過以後有 1 輪，之前的 2 輪量的是別的標籤"),
     ("en", "since the labels changed there is 1. The 2 rounds before measured other labels and do not count")],
)  # fmt: skip
def test_after_a_change_of_labels_it_says_which_rounds_do_not_count(
    pool: House, texts_of: Said, language: str, told: str
) -> None:
    with pool.open() as db:
        for turn in range(2):
            a_round(
                db,
                pool.project_id,
                50 + 50 * turn,
                figures([0.3, 0.2], keys=("k0", "k1"), support=(90, 60)),
                now=float(turn),
            )
        a_round(db, pool.project_id, 150, figures([0.5, 0.4, 0.3]), now=9.0)
    said = texts_of(section(pool, language))
    assert told in said
    assert "現在有 1 輪" not in said


def test_several_rounds_say_where_more_labels_lead(pool: House, texts_of: Said) -> None:
    with pool.open() as db:
        rising(db, pool.project_id, 6)
        found = when_to_stop(db, pool.project_id)
    page = section(pool)
    said = texts_of(page)
    assert found.macro.next is not None
    assert f"再標 200 篇，大約會到 **{found.macro.next.middle:.2f}**" in said
    assert said.count("繼續標]") == 4
    assert "4 個規則裡，0 個說可以停" in said
    page.segmented_control[0].set_value("tail").run()
    assert found.rare.next is not None
    assert f"再標 200 篇，大約會到 **{found.rare.next.middle:.2f}**" in texts_of(page)
    assert "最少見標籤的平均 F1" in texts_of(page)


def test_when_nothing_moves_it_says_that_one_may_stop_in_every_language(pool: House, texts_of: Said) -> None:
    with pool.open() as db:
        for turn in range(5):
            a_round(
                db, pool.project_id, 300 + 50 * turn, figures([0.8, 0.7, 0.6]), said=QUIET, right=0.9, now=1.0 + turn
            )
    assert texts_of(section(pool)).count("可以停]") == 4
    english = texts_of(section(pool, "en"))
    assert english.count("May stop]") == 4
    assert "Of 4 rules, 4 say that you may stop" in english
    assert "reached 95 % of its plateau" in english


def test_a_curve_that_is_flat_after_three_rounds_tells_nobody_to_stop(pool: House, texts_of: Said) -> None:
    with pool.open() as db:
        for turn in range(3):
            a_round(db, pool.project_id, 620 + 30 * turn, figures([0.3, 0.2, 0.1]), now=1.0 + turn)
        found = when_to_stop(db, pool.project_id)
    assert found.macro.plateau is not None
    assert (found.macro.plateau.state, found.too_early) == ("reached", 4)
    assert "四條規則都說還太早" in texts_of(section(pool))
    english = texts_of(section(pool, "en"))
    assert "do not stop for this alone" in english
    assert "help little" not in english


def test_the_chart_holds_the_points_the_band_and_the_target(pool: House) -> None:
    with pool.open() as db:
        rising(db, pool.project_id, 4)
        found = when_to_stop(db, pool.project_id)
    made = plotted(drawn(found.macro, found, "zh"))
    band, middle, measured = made.data
    assert list(measured.x) == [50, 100, 150, 200]
    assert list(measured.y) == [each.f1 for each in found.macro.points]
    assert list(middle.x) == [each.n for each in found.macro.band]
    assert max(band.y) <= 1
    assert len(band.x) == 2 * len(found.macro.band)
    assert made.layout.shapes[0].y0 == found.target
    table = rows(found.macro)
    assert len(table) == 4 + len(found.macro.band) - 1
    assert {"預測", "已量到"} == {each["種類"] for each in table}


def test_a_project_that_is_gone_is_a_sentence(pool: House, texts_of: Said) -> None:
    pool.project_id = 99
    page = section(pool)
    assert page.error
    assert not page.exception
