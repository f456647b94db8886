"""The tab Together: a sentence with its n, the texts behind a cell, both languages, projects with next to nothing."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core.labels import Label
from core.services import accounts
from core.services.dashboard import together
from db import projects as project_rows
from db.connect import writing
from pages.shared.dashboard import together_figure
from tests.core.services.dashboard.measuring import gold_ids, import_texts
from tests.core.services.dashboard.modelled import labelled, publish, said
from tests.pages.conftest import House
from tests.pages.plotted import plotted

Said = Callable[[AppTest], str]
SHARES = (0.7, 0.4, 0.3)


def filled(house: House, tmp_path: Path, *, with_round: bool = True) -> None:
    y, gold = labelled(1, 60, SHARES), labelled(2, 50, SHARES)
    with house.open() as db:
        import_texts(db, house.project_id, tmp_path, y, split="train")
        import_texts(db, house.project_id, tmp_path, gold, split="gold")
        if with_round:
            ids = gold_ids(db, house.project_id)
            probs = said(gold, 3, noise={"student": 0.35})
            publish(db, house.project_id, ids, gold, probs, thresholds=(0.5, 0.5, 0.5))


def tab(house: House, lang: str = "zh") -> AppTest:
    with house.open() as db:
        accounts.set_lang(db, house.people["lead"].id, lang, now=1.0)
    page = house.page("dashboard", "lead")
    page.query_params["tab"] = "together"
    return page.run()


@pytest.mark.parametrize(("lang", "names"), [("zh", "甲、乙"), ("en", "label 0, label 1")])
def test_a_texts_labels_stand_apart_as_the_language_has_it(
    house: House, texts_of: Said, tmp_path: Path, lang: str, names: str
) -> None:
    filled(house, tmp_path)
    assert names in texts_of(tab(house, lang)).replace("\\", "")


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("source", ["pool", "gold", "student", "difference"])
def test_every_view_says_a_sentence_with_what_it_is_of(
    house: House, texts_of: Said, tmp_path: Path, lang: str, source: str
) -> None:
    filled(house, tmp_path)
    page = tab(house, lang)
    page.segmented_control(key="together_source").set_value(source).run()
    for measure in together_figure.MEASURES:
        if source != "difference":  # which has but one measure
            page.segmented_control(key="together_measure").set_value(measure).run()
        words = texts_of(page).replace("\\", "")
        n = 60 if source == "pool" else 50
        assert re.search(rf"{n} (篇|labelled|gold)|金標準(已標註)? {n} 篇", words), words
        assert not re.search(r"\bnan\b|None", words)
        if source in ("student", "difference"):
            assert ("第 1 輪" if lang == "zh" else "round 1") in words


def test_the_share_that_is_named_is_the_highest(house: House, texts_of: Said, tmp_path: Path) -> None:
    filled(house, tmp_path)
    with house.open() as db:
        pool = together.view(db, house.project_id).pool.of()
    best = round(100 * np.nanmax(np.where(pool.support[:, None] >= 10, pool.share, np.nan)))
    assert f"{best} % 也有" in texts_of(tab(house)).replace("\\", "")


def test_two_chosen_labels_list_their_texts(house: House, texts_of: Said, tmp_path: Path) -> None:
    filled(house, tmp_path)
    page = tab(house)
    page.selectbox(key="together_first").set_value("k1").run()
    page.selectbox(key="together_second").set_value("k2").run()
    page.selectbox(key="together_from").set_value("gold").run()
    with house.open() as db:
        found = together.texts(db, house.project_id, "gold", "k1", "k2")
    words = texts_of(page).replace("\\", "")
    assert f"{found.n} 篇同時有" in words
    assert all(each.text in words for each in found.texts)
    assert "乙、丙" in words
    page.selectbox(key="together_first").set_value("k0").run()
    page.selectbox(key="together_second").set_value("k0").run()
    page.selectbox(key="together_from").set_value("pool").run()
    assert page.button(key="together_newer").disabled
    page.button(key="together_older").click().run()
    assert "第 2 / 3 頁" in texts_of(page).replace("\\", "")


def test_before_a_round_the_student_is_said_to_come(house: House, texts_of: Said, tmp_path: Path) -> None:
    filled(house, tmp_path, with_round=False)
    page = tab(house)
    page.segmented_control(key="together_source").set_value("student").run()
    assert "下一輪訓練完成後" in texts_of(page)
    assert "模型弄混" not in texts_of(page)


def test_names_and_texts_are_shown_as_they_are(house: House, texts_of: Said, tmp_path: Path) -> None:
    filled(house, tmp_path)
    with house.open() as db, writing(db):
        db.execute("UPDATE labels SET zh = '<b>*甲*</b>' WHERE key = 'k0'")
        db.execute("UPDATE documents SET text = '**粗** <script>alert(1)</script> ' || id")
    words = texts_of(tab(house))
    assert "\\*\\*粗\\*\\*" in words
    assert "<script>" not in words
    assert "<b>" not in words


def test_one_label_is_said_to_be_alone(house: House, texts_of: Said, tmp_path: Path) -> None:
    with house.open() as db, writing(db):
        db.execute("DELETE FROM labels WHERE key != 'k0'")
    with house.open() as db:
        import_texts(db, house.project_id, tmp_path, np.ones((5, 1)), split="train")
    page = tab(house)
    assert "還沒有兩個標籤一起出現過" in texts_of(page)
    for source in ("gold", "student", "difference"):
        page.segmented_control(key="together_source").set_value(source).run()
        texts_of(page)


def test_ninety_labels_begin_with_the_twenty_commonest(house: House, texts_of: Said, tmp_path: Path) -> None:
    with house.open() as db, writing(db):
        more = [Label(key=f"m{n}", zh=f"標籤{n}") for n in range(87)]
        project_rows.insert_labels(db, house.project_id, [vars(label) for label in more])
    rng = np.random.default_rng(0)
    y = rng.random((80, 90)) < np.linspace(0.4, 0.01, 90)
    y[:, 0] = True
    with house.open() as db:
        import_texts(db, house.project_id, tmp_path, y, split="train")
    page = tab(house)
    assert "共有 90 個標籤" in texts_of(page)
    assert len(page.multiselect(key="together_labels_20").value) == 20
    page.multiselect(key="together_labels_20").set_value(["m86", "m85"]).run()
    texts_of(page)


def test_the_figure_has_a_cell_and_a_point_a_pair(house: House, tmp_path: Path) -> None:
    filled(house, tmp_path)
    with house.open() as db:
        found = together.view(db, house.project_id)
    for measure in together_figure.MEASURES:
        drawn = together_figure.grid(found.labels, found.pool.of(), measure)
        figure = plotted(together_figure.heatmap(drawn))
        cells, points = figure.data
        assert np.shape(cells.z) == (3, 3)
        assert [cells.z[k][k] for k in range(3)] == [None] * 3
        assert len(points.x) == 9
        assert list(points.customdata[5]) == [found.labels[1].key, found.labels[2].key]
        shown = f"{100 * found.pool.of().share[0, 1]:.0f}" if measure == "share" else ""
        assert points.text[1].startswith(shown)
