"""The tab of labels: figures as the service has them, a label closer, and something sensible where there is little."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score, precision_score, recall_score
from streamlit.testing.v1 import AppTest

from core.evaluate.curves import decision
from core.services import accounts, curating, labelling
from core.services.curating import ImportOptions
from core.services.dashboard.one_label import one_label
from core.services.dashboard.per_label import labels
from pages.shared.dashboard import label_charts
from tests.conftest import make_project
from tests.core.services.dashboard.measuring import gold_ids
from tests.core.services.dashboard.modelled import labelled, publish, said
from tests.pages.conftest import House
from tests.pages.filling import fill
from tests.pages.plotted import plotted

Said = Callable[[AppTest], str]
SHARES, CUTS = (0.6, 0.4, 0.08), (0.5, 0.4, 0.45)
GOLD = labelled(5, 90, SHARES)
FIRST, SECOND = said(GOLD, 6, noise={"student": 0.7}), said(GOLD, 7)


def write(house: House, tmp_path: Path, y: np.ndarray, *, split: str, project_id: int | None = None) -> None:
    """A text for each row; its words are an attempt at markup."""
    names = [label.key for label in _labels(house, project_id or house.project_id)]
    rows = [
        {"text": f"**{split}** <b>{n}</b> 一段文字\n\n第二段 $x$", "split": split,
         "labels": [names[k] for k in np.flatnonzero(row)]}
        for n, row in enumerate(y)
    ]  # fmt: skip
    path = tmp_path / f"{split}.jsonl"
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), "utf-8")
    with house.open() as db:
        curating.run_import(
            db, project_id or house.project_id, path, options=ImportOptions(), by=house.people["admin"].id,
            now=time.time(),
        )  # fmt: skip


def _labels(house: House, project_id: int) -> tuple:
    with house.open() as db:
        return curating.project(db, project_id).label_set.labels


@pytest.fixture
def measured(house: House, tmp_path: Path) -> House:
    """Two rounds, measured on 90 gold texts."""
    write(house, tmp_path, GOLD, split="gold")
    write(house, tmp_path, labelled(8, 40, SHARES), split="train")
    with house.open() as db:
        ids = gold_ids(db, house.project_id)
        publish(db, house.project_id, ids, GOLD, FIRST, thresholds=CUTS)
        publish(db, house.project_id, ids, GOLD, SECOND, thresholds=CUTS, now=time.time())
    return house


def tab(house: House, role: str = "lead") -> AppTest:
    page = house.page("dashboard", role)
    page.query_params["tab"] = "labels"
    return page.run()


def english(house: House) -> None:
    with house.open() as db:
        accounts.set_lang(db, house.people["lead"].id, "en", now=1.0)


def bare(text: str) -> str:
    return text.replace("\\", "")


def test_the_table_is_scikit_learns_and_marks_what_is_unstable(measured: House, texts_of: Said) -> None:
    page = tab(measured)
    table = page.dataframe[0].value
    assert list(table["標籤"]) == [
        "甲", "乙", "丙（不穩定）", "macro（所有標籤平均）", "micro（所有判斷合計）", "weighted（依篇數加權）",
    ]  # fmt: skip
    named = SECOND["student"] >= np.array(CUTS)
    for k in range(3):
        row = table.iloc[k]
        assert row["F1"] == pytest.approx(f1_score(GOLD[:, k], named[:, k]))
        assert row["精確率"] == pytest.approx(precision_score(GOLD[:, k], named[:, k]))
        assert row["召回率"] == pytest.approx(recall_score(GOLD[:, k], named[:, k]))
        before = f1_score(GOLD[:, k], FIRST["student"][:, k] >= CUTS[k])
        assert row["變化"] == pytest.approx(row["F1"] - before)
        assert row["金標準陽性"] == GOLD[:, k].sum()
        for model, column in (("teacher", "教師 F1"), ("standalone", "未蒸餾 F1"), ("linear", "線性 F1")):
            assert row[column] == pytest.approx(f1_score(GOLD[:, k], SECOND[model][:, k] >= CUTS[k]))
    macro = f1_score(GOLD, named, average="macro")
    assert table["F1"][3] == pytest.approx(macro)
    told = bare(texts_of(page))
    assert f"macro-F1 是 **{macro:.2f}**" in told
    assert "第 2 輪，金標準 n=90" in told
    assert "和第 1 輪比：" in told
    assert "同樣的 90 篇金標準" in told


def test_a_label_closer_says_curve_calibration_and_history(measured: House, texts_of: Said) -> None:
    page = tab(measured)
    page.selectbox(key="label_scope").set_value("k1").run()
    told = bare(texts_of(page))
    p, y = SECOND["student"][:, 1], GOLD[:, 1]
    ap = average_precision_score(y, p)
    assert f"學生模型 {ap:.2f}" in told
    assert f"預期有 **{p.sum():.1f}** 篇是乙，實際 **{y.sum()}** 篇" in told
    assert f"精確率 **{precision_score(y, p >= 0.4):.2f}**，召回率 **{recall_score(y, p >= 0.4):.2f}**" in told
    assert f"第 1 輪是 {f1_score(y, FIRST['student'][:, 1] >= 0.4):.2f}" in told


def test_the_slider_tries_a_threshold_and_stores_nothing(measured: House, texts_of: Said) -> None:
    with measured.open() as db:
        before = list(db.query("SELECT thresholds FROM models")), list(db.query("SELECT * FROM metrics"))
    page = tab(measured)
    page.selectbox(key="label_scope").set_value("k1").run()
    assert page.slider[0].value == 0.4
    page.slider[0].set_value(0.8).run()
    tried = decision(GOLD[:, 1], SECOND["student"][:, 1], 0.8)
    told = bare(texts_of(page))
    assert f"門檻 0.80：90 篇裡會給 **{tried.named}** 篇" in told
    assert f"對的 **{tried.hits}** 篇，漏掉 **{tried.positives - tried.hits}** 篇" in told
    trial = next(each.value for each in page.dataframe if "試算" in each.value)
    assert trial["試算"][6] == f"{tried.f1:.2f}"
    assert trial["現在"][6] == f"{f1_score(GOLD[:, 1], SECOND['student'][:, 1] >= 0.4):.2f}"
    with measured.open() as db:
        assert before == (list(db.query("SELECT thresholds FROM models")), list(db.query("SELECT * FROM metrics")))


def test_texts_behind_a_figure_are_shown_as_text_and_open_whole(measured: House, texts_of: Said) -> None:
    page = tab(measured)
    page.selectbox(key="label_scope").set_value("k0").run()
    with measured.open() as db:
        found = one_label(db, measured.project_id, "k0").answers
    assert found is not None
    assert f"漏掉的：{found.n_misses} 篇" in texts_of(page)
    assert f"誤報的：{found.n_alarms} 篇" in texts_of(page)
    assert "\\*\\*gold\\*\\* \\<b\\>" in texts_of(page)
    first = found.misses[0]
    page.button(key=f"read_misses_k0_2_{first.document_id}").click().run()
    table = next(each.value for each in page.dataframe if "模型給" in each.value)
    assert list(table["機率"]) == sorted((round(p, 3) for p in first.probabilities.values()), reverse=True)
    told = texts_of(page)
    assert "第二段 \\$x\\$" in told
    if found.n_misses > 3:
        shown = sum("read_misses" in str(each.key) for each in page.button)
        page.button(key="toggle_misses_k0_2").click().run()
        assert sum("read_misses" in str(each.key) for each in page.button) == min(20, found.n_misses) > shown


def test_it_speaks_english(measured: House, texts_of: Said) -> None:
    english(measured)
    page = tab(measured)
    told = bare(texts_of(page))
    for words in ("Each label", "round 2, gold n=90", "Four models side by side", "What if the threshold were",
                  "Missed:", "False alarms:", "Average precision (AP) student", "better than in round 1"):  # fmt: skip
        assert words in told
    assert page.dataframe[0].value["Label"][2] == "label 2 (unstable)"
    assert not any("\u4e00" <= letter <= "\u9fff" for letter in page.dataframe[0].value.columns.str.cat())


def test_before_a_round_there_are_counts_and_where_to_go(house: House, texts_of: Said, tmp_path: Path) -> None:
    fill(house, tmp_path)
    page = tab(house)
    assert "訓練輪次" in texts_of(page)
    table = page.dataframe[0].value
    assert list(table["文本池篇數（現在）"]) == [20, 10, 4]
    assert "F1" not in table
    assert not page.selectbox


def test_an_aggregate_and_a_label_that_is_gone_have_their_history(measured: House, texts_of: Said) -> None:
    with measured.open() as db:
        labelling.retire(db, measured.project_id, "k1", by=measured.people["admin"].id, now=time.time())
    page = tab(measured)
    picker = page.selectbox(key="label_scope")
    assert "乙（已停用或併掉）" in picker.options
    picker.set_value("macro").run()
    assert "曲線和文章請選一個標籤" in texts_of(page)
    assert "macro（所有標籤平均）：學生模型在第 2 輪" in bare(texts_of(page))
    page.selectbox(key="label_scope").set_value("k1").run()
    told = bare(texts_of(page))
    assert "乙（已停用或併掉）：學生模型在第 2 輪的 F1" in told
    assert "nan" not in told.lower()


def test_a_label_made_since_the_round_is_not_known_to_it(measured: House, texts_of: Said) -> None:
    with measured.open() as db:
        made = labelling.add(db, measured.project_id, {"zh": "丁"}, by=measured.people["admin"].id, now=time.time())
    page = tab(measured)
    assert "丁（不穩定）" in list(page.dataframe[0].value["標籤"])
    page.selectbox(key="label_scope").set_value(made.key).run()
    told = texts_of(page)
    assert "不認得這個標籤" in told
    assert "還沒有哪一輪量過" in told


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_degenerate_rounds_show_no_exception_and_no_nan(
    house: House, texts_of: Said, tmp_path: Path, lang: str
) -> None:
    """No gold, a label nobody has, one label alone, one gold text, answers not kept."""
    with house.open() as db:
        accounts.set_lang(db, house.people["lead"].id, lang, now=1.0)
    write(house, tmp_path, np.array([[1, 0, 0]] * 4), split="train")
    with house.open() as db:
        publish(db, house.project_id, [], np.zeros((0, 3)), {"student": np.zeros((0, 3), np.float32)}, thresholds=CUTS)
    assert "nan" not in texts_of(tab(house)).lower()
    write(house, tmp_path, np.array([[1, 0, 0]]), split="gold")
    with house.open() as db:
        one = gold_ids(db, house.project_id)
        answers = {"student": np.array([[0.2, 0.9, 0.1]], np.float32)}
        publish(db, house.project_id, one, np.array([[1, 0, 0]]), answers, thresholds=CUTS, now=time.time())
    page = tab(house)
    chooser = "label_scope" if lang == "zh" else "label_scope_en"
    for key in ("k0", "k1", "k2", "micro"):
        page.selectbox(key=chooser).set_value(key).run()
        assert "nan" not in texts_of(page).lower()
    with house.open() as db:
        publish(db, house.project_id, one, np.array([[1, 0, 0]]), answers, thresholds=CUTS, kept=False, now=time.time())
    page = tab(house)
    page.selectbox(key=chooser).set_value("k0").run()
    assert ("沒有留下" if lang == "zh" else "kept no probabilities") in texts_of(page)


def test_ninety_labels_are_shown_by_band(house: House, texts_of: Said, tmp_path: Path) -> None:
    shares = np.linspace(0.3, 0.005, 90).tolist()
    with house.open() as db:
        many = make_project(db, key="many", labels=tuple(f"標{n}" for n in range(90)))
    y = labelled(1, 120, shares)
    write(house, tmp_path, y, split="gold", project_id=many)
    with house.open() as db:
        publish(db, many, gold_ids(db, many), y, said(y, 2), thresholds=(0.5,) * 90)
    page = house.page("dashboard", "admin")
    page.query_params["tab"] = "labels"
    page.query_params["project"] = "many"
    page.run()
    told = texts_of(page)
    assert "nan" not in told.lower()
    assert len(page.dataframe[0].value) == 93
    with house.open() as db:
        found = labels(db, many)
    tail = [line for line in found.labels if line.band == "tail"]
    drawn = plotted(label_charts.side_by_side(tail, {}, "zh"))
    assert len(drawn.layout.yaxis.ticktext) == 40


def test_an_annotator_sees_no_gold(measured: House, texts_of: Said) -> None:
    page = tab(measured, "annotator")
    assert not page.dataframe
    assert "gold" not in texts_of(page)
