"""The tab Report: made on a click, shown as what it is, and out of date when something has happened."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.services import accounts
from tests.pages.conftest import House
from tests.pages.filling import fill, publish_round

Said = Callable[[AppTest], str]


def tab(house: House) -> AppTest:
    page = house.page("dashboard", "lead")
    page.query_params["tab"] = "report"
    return page.run()


def reports(house: House) -> list[Path]:
    return sorted((house.path.parent / "reports").rglob("*.zip"))


def test_nothing_is_made_before_a_click(house: House, texts_of: Said, tmp_path: Path) -> None:
    fill(house, tmp_path)
    page = tab(house)
    assert "沒有任何文本" in texts_of(page)
    assert not reports(house)
    assert not page.get("link_button")


def test_a_click_makes_it_in_the_language_asked_for(house: House, texts_of: Said, tmp_path: Path) -> None:
    fill(house, tmp_path)
    publish_round(house)
    page = tab(house)
    page.button(key="report_make").click().run()
    assert "報告完成" in texts_of(page)
    (made,) = reports(house)
    with zipfile.ZipFile(made) as found:
        assert '<html lang="zh-Hant">' in found.read("report.html").decode()
    (link,) = [each for each in page.get("link_button") if "report" in each.proto.url]
    assert link.proto.url.endswith(f"/download/report/{house.project_id}?lang=zh&names=0")
    page.checkbox(key="report_names").check().run()
    assert "報告完成" not in texts_of(page)
    page.button(key="report_make").click().run()
    assert len(reports(house)) == 2


def test_after_new_work_it_says_to_make_it_again(house: House, texts_of: Said, tmp_path: Path) -> None:
    fill(house, tmp_path)
    page = tab(house)
    page.button(key="report_make").click().run()
    publish_round(house)
    assert "再產生一次" in texts_of(page.run())


@pytest.mark.parametrize(("lang", "word"), [("en", "Make the report"), ("hans", "报告")])
def test_it_speaks_the_readers_language(house: House, texts_of: Said, tmp_path: Path, lang: str, word: str) -> None:
    fill(house, tmp_path)
    with house.open() as db:
        accounts.set_lang(db, house.people["lead"].id, lang, now=1.0)
    page = tab(house)
    assert word in page.button(key="report_make").label
    page.button(key="report_make").click().run()
    texts_of(page)
    (made,) = reports(house)
    assert f"-{lang}-" in made.name
