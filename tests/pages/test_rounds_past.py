"""Rounds: the hours of the day, the timeline, two rounds compared, and an earlier model brought back."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sqlite_utils import Database
from streamlit.testing.v1 import AppTest

from core.config import RoundConfig
from core.services import accounts, curating, going_back, labelling
from core.services.dashboard import rounds as service
from db import jobs
from db.connect import rows, writing
from pages.shared import charts
from pages.shared.rounds import comparing, history
from tests.core.services.dashboard.measuring import gold_ids, import_texts
from tests.core.services.dashboard.modelled import labelled, publish, said
from tests.pages.conftest import House

Said = Callable[[AppTest], str]
SHARES = (0.7, 0.4, 0.1)
CUTS = (0.5, 0.5, 0.5)


def trained(house: House, tmp_path: Path, *, noises: tuple[float, ...] = (0.6, 0.1)) -> None:
    """A round for each noise of its student, on the same gold texts; the later one knows it better."""
    y = labelled(2, 60, SHARES)
    with house.open() as db:
        import_texts(db, house.project_id, tmp_path, labelled(1, 50, SHARES), split="train")
        import_texts(db, house.project_id, tmp_path, y, split="gold")
        ids = gold_ids(db, house.project_id)
        for n, noise in enumerate(noises):
            probs = said(y, n, noise={"student": noise, "linear": 0.5})
            publish(db, house.project_id, ids, y, probs, thresholds=CUTS, now=time.time() - 5000 + 1000 * n)


def on_disk(house: House, tmp_path: Path) -> None:
    """The files of every student, as the worker leaves them."""
    with house.open() as db:
        for each in rows(db, "SELECT path FROM models"):
            folder = tmp_path / "models" / each["path"]
            folder.mkdir(parents=True)
            (folder / "student.zip").write_bytes(b"x")


def page_of(house: House, lang: str = "zh") -> AppTest:
    with house.open() as db:
        accounts.set_lang(db, house.people["lead"].id, lang, now=1.0)
    return house.page("rounds", "lead").run()


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_one_sentence_says_which_round_is_better_and_on_what(
    house: House, texts_of: Said, tmp_path: Path, lang: str
) -> None:
    trained(house, tmp_path)
    with house.open() as db:
        found = service.compare(db, house.project_id, 2, 1)
    assert found.macro is not None
    words = texts_of(page_of(house, lang)).replace("\\", "")
    better = "第 2 輪比第 1 輪好" if lang == "zh" else "Round 2 is better than round 1"
    assert better in words
    assert comparing.gain_words(found.macro) in words
    assert ("60 篇金標準" if lang == "zh" else "the 60 gold texts") in words
    assert found.risen
    for each in found.risen:
        stable = each.support >= charts.UNSTABLE_BELOW
        assert (f"**{each.label.name(lang)}**" in words) == stable  # type: ignore[arg-type]
    assert "設定和程式版本都一樣" in words or lang == "en"


def test_the_other_way_round_it_is_worse_and_with_itself_nothing(house: House, texts_of: Said, tmp_path: Path) -> None:
    trained(house, tmp_path)
    page = page_of(house)
    page.selectbox(key="compare_later_1").set_value(1).run()
    assert "請選兩個不同的輪次" in texts_of(page)
    page.selectbox(key="compare_earlier_1").set_value(2).run()
    assert "第 1 輪比第 2 輪差" in texts_of(page)


def test_the_figure_shows_each_gain_with_its_interval(house: House, tmp_path: Path) -> None:
    trained(house, tmp_path)
    with house.open() as db:
        found = service.compare(db, house.project_id, 2, 1)
    picture = comparing.drawn(found)
    at = {y: (x, x - low, x + high) for trace in picture.data for x, y, low, high in zip(
        trace.x, trace.y, trace.error_x.arrayminus, trace.error_x.array, strict=True)}  # fmt: skip
    gains = [found.macro, found.tail, *(each.gain for each in found.labels)]
    for line, gain in enumerate(gains):
        assert gain is not None
        np.testing.assert_allclose(at[line], (gain.difference, gain.low, gain.high), atol=1e-12)
    assert "不穩定" in picture.layout.yaxis.ticktext[-1], "the rarest label has fewer than ten gold positives"


def test_rounds_without_answers_say_so(house: House, texts_of: Said, tmp_path: Path) -> None:
    trained(house, tmp_path)
    with house.open() as db, writing(db):
        db.execute("DELETE FROM answers")
    assert "沒有留下對每篇金標準的回答" in texts_of(page_of(house))


def test_what_a_round_did_otherwise_is_said_in_words(house: House, texts_of: Said, tmp_path: Path) -> None:
    trained(house, tmp_path)
    other = replace(RoundConfig(), arch="han.v1", trainable_vectors=True, class_weights=(0.5, 2.0), patience=9)
    with house.open() as db, writing(db):
        db.execute("UPDATE rounds SET config = ?, code_version = 'newer' WHERE number = 2", [other.to_json()])
    words = texts_of(page_of(house)).replace("\\", "")
    for line in (
        "架構：TextCNN → HAN",
        "關 → 開",
        "→ 0.5、2",
        f"{RoundConfig().patience} → 9",
        "程式版本：test → newer",
    ):
        assert line in words


@pytest.mark.parametrize(
    ("lang", "told"),
    [
        ("zh", "只比兩輪都有的 2 個標籤。 只有第 1 輪有：**甲**（後來併入乙）。"),
        ("en", "Compared are the 2 labels that both have. Only round 1 has **label 0** (merged into label 1 since)."),
    ],
)  # fmt: skip
def test_over_a_change_of_labels_the_comparison_says_what_it_leaves_out(
    house: House, texts_of: Said, tmp_path: Path, lang: str, told: str
) -> None:
    trained(house, tmp_path, noises=(0.6,))
    y = labelled(2, 60, SHARES)
    y = np.stack([y[:, 0] | y[:, 1], y[:, 2]], axis=1)
    with house.open() as db:
        labelling.merge(db, house.project_id, "k0", "k1", by=house.people["lead"].id, now=time.time() - 3000)
        ids = gold_ids(db, house.project_id)
        publish(db, house.project_id, ids, y, said(y, 3), thresholds=CUTS[:2], now=time.time() - 2000)
    assert told in texts_of(page_of(house, lang)).replace("\\", "")


def test_the_timeline_says_how_rounds_ended_and_which_is_in_use(house: House, texts_of: Said, tmp_path: Path) -> None:
    trained(house, tmp_path, noises=(0.6, 0.1, 0.3))
    with house.open() as db, writing(db):
        db.execute("UPDATE rounds SET state = 'failed', n_train = NULL, n_valid = NULL, error = '{}' WHERE number = 2")
        db.execute('UPDATE rounds SET timings = \'{"teachers": 30.0, "text": 10.0}\', finished_at = started_at + 60')
    words = texts_of(page_of(house)).replace("\\", "")
    assert "共 3 輪：2 輪完成，1 輪失敗，0 輪停止" in words
    assert "使用中的是**第 3 輪**" in words
    assert "平均花 40 秒，最久的是**教師模型**（75 %）" in words
    with house.open() as db:
        seen = service.timeline(db, house.project_id)
    drawn = history.timeline(seen)
    labelled_line, *bars = drawn.data
    assert drawn.layout.xaxis.tickvals == (1, 2, 3), "no round that there is not"
    assert list(labelled_line.x) == [1, 3], "a failed round learned from nothing"
    assert {bar.name: list(bar.y) for bar in bars} == {"完成（2）": [1.0, 1.0], "失敗（1）": [1.0]}


def test_an_earlier_model_is_asked_back_with_a_question_before(house: House, texts_of: Said, tmp_path: Path) -> None:
    trained(house, tmp_path)
    on_disk(house, tmp_path)
    page = page_of(house)
    assert page.button(key="back_2").disabled
    page.button(key="back_1").click().run()
    assert "下一輪訓練完成後" in texts_of(page)
    page.button(key="no_back_1").click().run()
    with house.open() as db:
        assert going_back.under_way(db, house.project_id) is None
    page.button(key="back_1").click().run()
    page.button(key="yes_back_1").click().run()
    assert "即將換回第 1 輪的模型" in texts_of(page)
    with house.open() as db:
        waiting = going_back.under_way(db, house.project_id)
    assert waiting is not None
    assert waiting.number == 1
    page.button(key="cancel_return").click().run()
    with house.open() as db:
        assert going_back.under_way(db, house.project_id) is None


def test_what_cannot_come_back_says_why_and_what_failed_too(house: House, texts_of: Said, tmp_path: Path) -> None:
    trained(house, tmp_path)
    page = page_of(house)
    assert page.button(key="back_1").disabled
    assert "已不在磁碟上" in texts_of(page)
    with house.open() as db, writing(db):
        failed(db, house.project_id)
    assert "沒有換回舊的模型" in texts_of(page_of(house))


def failed(db: Database, project_id: int) -> None:
    now = time.time()
    jobs.enqueue(db, project_id, "restore", dedupe_key="r", payload={"number": 1}, by=None, now=now)
    job = jobs.claim(db, lease_s=60, max_attempts=3, now=now)
    assert job is not None
    jobs.finish(db, job, "failed", error={"code": "StudentGone", "fields": {"number": 1}}, now=now)


def test_the_hours_of_rounds_are_set_and_said(house: House, texts_of: Said, tmp_path: Path) -> None:
    trained(house, tmp_path)
    page = house.page("data", "lead").run()
    field = f"round_hours_{house.project_id}"
    page.text_input(key=field).set_value("at night")
    page.button(key="FormSubmitter:settings-儲存").click().run()
    assert "自動開始訓練的時段" in texts_of(page)
    page.text_input(key=field).set_value("20：00～8:00")
    page.button(key="FormSubmitter:settings-儲存").click().run()
    assert "設定已儲存" in texts_of(page)
    with house.open() as db:
        assert curating.project(db, house.project_id).settings.round_hours == "20:00-08:00"
    assert "只在 20:00-08:00 之間自動開始" in texts_of(page_of(house)).replace("\\", "")


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_one_round_or_none_is_no_error(house: House, texts_of: Said, tmp_path: Path, lang: str) -> None:
    texts_of(page_of(house, lang))
    trained(house, tmp_path, noises=(0.3,))
    words = texts_of(page_of(house, lang))
    assert "nan" not in words.lower().split()
    assert "比較兩輪" not in words
