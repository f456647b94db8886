"""The tab of the long tail: bands, spending and gains as the service has them, and a sensible state where little is."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import f1_score
from streamlit.testing.v1 import AppTest

from core.services.dashboard.long_tail import LongTail, long_tail
from pages.shared.dashboard import tail_charts
from tests.conftest import make_project
from tests.core.services.dashboard.measuring import gold_ids, import_texts
from tests.core.services.dashboard.modelled import labelled, publish, rank, said
from tests.pages.conftest import House
from tests.pages.filling import fill
from tests.pages.plotted import plotted
from tests.pages.test_dashboard_labels import CUTS, GOLD, SECOND, SHARES, bare, english, write

Said = Callable[[AppTest], str]
REASON = {"probability": 0.4, "threshold": 0.4, "random": False, "words": False}


@pytest.fixture
def measured(house: House, tmp_path: Path) -> House:
    """A round measured on 90 gold texts, and a queue of 20 for the rarest label, by its words, and by chance."""
    write(house, tmp_path, GOLD, split="gold")
    write(house, tmp_path, labelled(8, 40, SHARES), split="train")
    with house.open() as db:
        import_texts(db, house.project_id, tmp_path, np.zeros((20, 3)), split="pool", name="等")
        publish(db, house.project_id, gold_ids(db, house.project_id), GOLD, SECOND, thresholds=CUTS, now=time.time())
        reasons = [
            {**REASON, "label": "k2"},
            {**REASON, "label": "k0", "words": True},
            {**REASON, "label": "k1", "random": True},
        ]
        rank(db, house.project_id, [reasons[0], reasons[0], reasons[1], reasons[2]])
    return house


def tab(house: House) -> AppTest:
    page = house.page("dashboard", "lead")
    page.query_params["tab"] = "tail"
    return page.run()


def value(house: House) -> LongTail:
    with house.open() as db:
        return long_tail(db, house.project_id)


def test_each_sentence_holds_the_figures_with_round_and_n(measured: House, texts_of: Said) -> None:
    told = bare(texts_of(tab(measured)))
    share = 100 * GOLD.mean(axis=0)
    assert f"最常見的**甲**在金標準 90 篇裡占 {share[0]:.0f} %" in told
    named = {model: p >= np.array(CUTS) for model, p in SECOND.items()}
    for band, k in (("頭部", 0), ("中段", 1), ("尾部", 2)):
        assert f"{band} **{f1_score(GOLD[:, k], named['student'][:, k]):.2f}**" in told
    assert "等著的 20 篇裡，**50 %** 是為了尾部標籤排的，25 % 隨機抽出，25 % 靠標籤的用詞找到" in told
    gain = [f1_score(GOLD, named[model], average="macro") for model in ("student", "standalone")]
    assert f"macro-F1 差 **{gain[0] - gain[1]:+.3f}**" in told
    assert told.count("第 1 輪，金標準 n=90") == 2


def test_the_charts_draw_what_the_service_says(measured: House) -> None:
    found, names = value(measured), {"k0": "甲", "k1": "<b>乙</b>", "k2": "丙"}
    bars = [trace for trace in plotted(tail_charts.frequency(found, names, "zh")).data if trace.type == "bar"]
    assert [list(bar.y) for bar in bars] == [[pytest.approx(100 * GOLD[:, k].mean())] for k in range(3)]
    drawn = plotted(tail_charts.queue(found, found.labels, names, "zh"))
    assert list(drawn.layout.yaxis.ticktext) == ["甲", "&lt;b>乙&lt;/b>", "丙"]
    asked, sought, need = drawn.data
    assert list(asked.x) == pytest.approx([0, 0, 100 * 10 / 15])
    assert list(sought.x) == pytest.approx([100 * 5 / 15, 0, 0])
    assert sum(need.x) == pytest.approx(100)
    gains = plotted(tail_charts.gain(found, found.labels, names, "zh"))
    assert sum(len(trace.x) for trace in gains.data) == 3
    dots = plotted(tail_charts.f1_against_frequency(found, names, "zh")).data
    assert [list(trace.x) for trace in dots] == [[line.pool] for line in found.labels]


def test_a_name_below_a_mark_of_nothing_has_its_room(measured: House) -> None:
    with measured.open() as db:
        found = long_tail(db, measured.project_id)
    line = next(each for each in found.labels if each.metric)
    crowd = tuple(
        replace(line, key=f"k{n}", pool=20 + n, metric=replace(line.metric, scope=f"k{n}", f1=0.0)) for n in range(6)
    )
    names = {each.key: "健康標籤" for each in crowd}
    assert any(place.startswith("bottom") for place in tail_charts.beside(crowd, names).values())
    low, _ = plotted(tail_charts.f1_against_frequency(replace(found, labels=crowd), names, "zh")).layout.yaxis.range
    assert low <= -0.1


def test_names_beside_marks_never_cover_each_other(measured: House, tmp_path: Path) -> None:
    with measured.open() as db:
        many = make_project(db, key="nine", labels=tuple(f"健康標籤{n}" for n in range(9)))
        y = labelled(3, 60, np.linspace(0.6, 0.05, 9).tolist())
        import_texts(db, many, tmp_path, y, split="gold", name="九")
        import_texts(db, many, tmp_path, labelled(4, 50, np.linspace(0.6, 0.05, 9).tolist()), split="train", name="九")
        publish(db, many, gold_ids(db, many), y, said(y, 2), thresholds=(0.5,) * 9, now=time.time())
        found = long_tail(db, many)
    names = {line.key: f"健康標籤{line.key}" for line in found.labels}
    placed = tail_charts.beside(found.labels, names)
    assert len(placed) >= 4
    counts = {line.key: np.log10(max(line.pool, 0.5)) for line in found.labels}
    least, most = min(counts.values()), max(counts.values())
    f1 = {line.key: line.metric.f1 for line in found.labels if line.metric}
    wide, high = tail_charts._WIDE, tail_charts._HIGH
    at = {key: (wide * (counts[key] - least) / (most - least), high * (1 - f1[key])) for key in placed}
    boxes = [tail_charts._box(at[key], 4 * 11 + 2 * 6, place) for key, place in placed.items()]
    assert not any(tail_charts._meet(a, b) for a, b in combinations(boxes, 2))


def test_it_speaks_english(measured: House, texts_of: Said) -> None:
    english(measured)
    told = bare(texts_of(tab(measured)))
    for words in ("How rare each label is", "Of 20 waiting texts", "Distillation changes macro-F1", "Tail **"):
        assert words in told


def test_before_a_round_the_frequencies_and_the_need_stand_alone(house: House, texts_of: Said, tmp_path: Path) -> None:
    fill(house, tmp_path)
    told = bare(texts_of(tab(house)))
    assert "最少見的**丙**" in told
    assert "還沒有完成的輪次" in told
    assert "佇列現在是空的" in told
    assert "nan" not in told.lower()


def test_without_gold_the_order_is_the_pools(house: House, texts_of: Said, tmp_path: Path) -> None:
    write(house, tmp_path, np.array([[1, 0, 0]] * 3 + [[0, 0, 1]]), split="train")
    told = bare(texts_of(tab(house)))
    assert "文本池（n=4）裡最常見的是**甲**，最少見的是**乙**" in told
    assert "nan" not in told.lower()


@pytest.mark.parametrize("labels", [1, 90])
def test_one_label_and_ninety_are_drawn(house: House, texts_of: Said, tmp_path: Path, labels: int) -> None:
    with house.open() as db:
        made = make_project(db, key="other", labels=tuple(f"標{n}" for n in range(labels)))
        y = labelled(1, 60, np.linspace(0.3, 0.005, labels).tolist())
        import_texts(db, made, tmp_path, y, split="gold")
        publish(db, made, gold_ids(db, made), y, said(y, 2), thresholds=(0.5,) * labels)
    page = house.page("dashboard", "admin")
    page.query_params["tab"] = "tail"
    page.query_params["project"] = "other"
    page.run()
    assert "nan" not in texts_of(page).lower()
    assert f"尾部 {max(1, round(labels * 4 / 9))} 個標籤" in texts_of(page)


def test_a_round_without_a_twin_says_that_no_gain_is_known(house: House, texts_of: Said, tmp_path: Path) -> None:
    write(house, tmp_path, GOLD, split="gold")
    with house.open() as db:
        answers = {"student": SECOND["student"]}
        publish(db, house.project_id, gold_ids(db, house.project_id), GOLD, answers, thresholds=CUTS)
    assert "比不出蒸餾的效果" in texts_of(tab(house))


@pytest.mark.parametrize(
    ("low", "high", "found"),
    [
        (10_000, 70_000, [10_000, 20_000, 50_000]),
        (0, 3, [1, 2, 5]),
        (3, 900, [2, 5, 10, 20, 50, 100, 200, 500]),
        (1, 50_000, [1, 10, 100, 1_000, 10_000]),
        (0, 0, []),
    ],
)
def test_a_logarithmic_axis_has_some_round_numbers(low: int, high: int, found: list[int]) -> None:
    assert tail_charts.counted(low, high) == found
