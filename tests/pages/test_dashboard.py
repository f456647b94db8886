"""The dashboard: each number with what it was measured on, and a next step where there is none yet."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from streamlit.testing.v1 import AppTest

from pages.shared.i18n import say
from tests.pages.conftest import House
from tests.pages.filling import fill

Said = Callable[[AppTest], str]


def test_an_empty_project_says_to_import(house: House, texts_of: Said) -> None:
    assert "匯入" in texts_of(house.page("dashboard", "lead").run())


def test_before_the_first_round_it_says_where_to_start_one(house: House, texts_of: Said, tmp_path: Path) -> None:
    fill(house, tmp_path)
    page = tab(house, "labels")
    assert "訓練輪次" in texts_of(page)


def tab(house: House, name: str) -> AppTest:
    page = house.page("dashboard", "lead")
    page.query_params["tab"] = name
    return page.run()


def test_an_annotator_is_told_and_sees_nothing(house: House, texts_of: Said) -> None:
    page = house.page("dashboard", "annotator").run()
    assert not page.metric
    assert "權限" in texts_of(page)


def test_a_link_to_another_page_has_one_arrow() -> None:
    for name in ("rounds", "annotate", "data"):
        for lang in ("zh", "en"):
            assert "→" not in say(f"dashboard.go_{name}", lang), "the link draws one of its own"
