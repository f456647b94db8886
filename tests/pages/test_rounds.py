"""Rounds: what is missing, the button, the live state, the past."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from streamlit.testing.v1 import AppTest

from core.approximations import departures
from core.config import RoundConfig
from core.services import accounts, projects, scheduling
from core.services.scheduling import Readiness, RoundStatus
from db import jobs, places
from db.connect import writing
from db.records import RoundRow
from pages.shared import round_strip
from pages.shared.rounds import live
from tests.pages.conftest import House
from tests.pages.filling import fill, publish_round, set_aside_round

Said = Callable[[AppTest], str]
ROOT = Path(__file__).resolve().parents[2]
REPORTERS = (ROOT / "core" / "distill" / "pipeline.py", ROOT / "core" / "worker" / "rounds.py")


def need(house: House, labels: int) -> None:
    """Makes ``labels`` enough for a round."""
    with house.open() as db:
        project = projects.project(db, house.project_id)
        changed = type(project.settings)(**{**project.settings.__dict__, "round_min_labels": labels})
        projects.update_settings(db, project.id, changed, by=house.people["admin"].id, now=time.time())


def past_table(page: AppTest) -> Any:
    """The table of all rounds; other tables are data of charts."""
    return next(each.value for each in page.dataframe if "訓練方式" in each.value)


def heard(house: House, progress: dict[str, Any]) -> None:
    """A worker that is alive and has told how far it is."""
    with house.open() as db, writing(db):
        now = time.time()
        jobs.worker_beat(db, pid=1, doing="", now=now)
        job = jobs.claim(db, lease_s=60, max_attempts=3, now=now)
        assert job is not None
        jobs.beat(db, job, progress=progress, lease_s=60, now=now)


def test_too_few_labels_are_counted_and_the_button_waits(house: House, texts_of: Said, tmp_path: Path) -> None:
    fill(house, tmp_path)
    page = house.page("rounds", "lead").run()
    said = texts_of(page)
    assert "至少要 40 篇" in said
    assert "還差 20 篇" in said
    assert page.button(key="start_round").disabled


def test_without_a_gold_text_it_says_how_to_get_some_and_not_to_go_on(
    house: House, texts_of: Said, tmp_path: Path
) -> None:
    fill(house, tmp_path, gold=0)
    page = house.page("rounds", "lead").run()
    said = texts_of(page)
    assert "沒有金標準文章" in said
    assert "split" in said
    assert "還差" not in said
    assert page.button(key="start_round").disabled


def test_a_silent_worker_is_said_with_what_to_do(house: House, texts_of: Said) -> None:
    said = texts_of(house.page("rounds", "lead").run())
    assert "python -m core worker" in said


def test_start_follow_and_cancel(house: House, texts_of: Said, tmp_path: Path) -> None:
    fill(house, tmp_path)
    need(house, 15)
    page = house.page("rounds", "lead").run()
    assert not page.button(key="start_round").disabled
    page.button(key="start_round").click().run()
    assert "已排入" in texts_of(page)
    heard(
        house,
        {
            "stage": "teachers",
            "done": 21,
            "total": 63,
            "eta_s": 75,
            "detail": {"labels": ["k2"], "epoch": 4, "active": 7},
        },
    )
    page.run()
    said = texts_of(page)
    assert "✓ 詞向量" in said
    assert "**● 教師模型**" in said
    assert "丙" in said
    assert "第 4 回" in said
    assert "沒有回應" not in said
    page.button(key="cancel_round").click().run()
    assert "正在停止" in texts_of(page)
    assert page.button(key="cancel_round").disabled


def test_a_round_that_is_still_stopping_is_said_so(house: House, texts_of: Said, tmp_path: Path) -> None:
    fill(house, tmp_path)
    need(house, 15)
    page = house.page("rounds", "lead").run()
    # While this page still offers the button, a colleague starts a round and stops it.
    lead = house.people["admin"].id
    with house.open() as db:
        job = scheduling.request_round(db, house.project_id, by=lead, now=time.time())
    heard(house, {"stage": "standalone", "done": 1, "total": 8, "detail": {"epoch": 1, "valid_f1": 0.5}})
    with house.open() as db:
        scheduling.cancel(db, job, by=lead, now=time.time())
    page.button(key="start_round").click().run()
    said = texts_of(page)
    assert "上一輪還在停止" in said
    assert "**● 學生與對照**" in said


def test_the_warnings_of_a_round_are_sentences_in_both_languages(house: House, texts_of: Said, tmp_path: Path) -> None:
    fill(house, tmp_path)
    warnings = [("LabelWithoutPositives", {"labels": "甲、乙"}), ("LabelWithoutNegatives", {"labels": "丙"})]
    publish_round(house, warnings=warnings)
    said = texts_of(house.page("rounds", "lead").run())
    assert "還沒有任何文字標上：甲、乙" in said
    assert "每一篇訓練文字都有：丙" in said
    with house.open() as db:
        accounts.set_lang(db, house.people["lead"].id, "en", now=1.0)
    said = texts_of(house.page("rounds", "lead").run())
    assert "No text carries\\: 甲、乙" in said
    assert "Every training text carries\\: 丙" in said


def test_past_rounds_are_a_table_with_their_figures(house: House, texts_of: Said, tmp_path: Path) -> None:
    fill(house, tmp_path)
    publish_round(house)
    publish_round(house, base=0.1)
    page = house.page("rounds", "lead").run()
    texts_of(page)
    table = past_table(page)
    assert list(table["輪次"]) == [2, 1]
    assert table["學生模型"][0] == "0.700 [0.60, 0.80]"
    assert table["金標準 n"][0] == "12"
    assert "textcnn" in page.json[0].value


def test_a_round_names_how_it_was_trained_and_everything_it_approximated(
    house: House, texts_of: Said, tmp_path: Path
) -> None:
    fill(house, tmp_path)
    config = RoundConfig(soft_targets="out_of_fold", teachers="stack", segmenter="rjieba", conversion="t2s")
    publish_round(house, config=config)
    page = house.page("rounds", "lead").run()
    said = texts_of(page).replace("\\", "")
    assert past_table(page)["訓練方式"][0].startswith("TextCNN · jieba（rjieba） · 快速")
    assert "軟目標：折外" in said
    assert list(past_table(page))[-1] == "訓練方式", "the figures are seen first"
    assert json.loads(page.json[1].value) == {"教師模型": 1.5}
    for each in departures(config):
        assert each.zh in said
    with house.open() as db:
        accounts.set_lang(db, house.people["lead"].id, "en", now=1.0)
    said = texts_of(house.page("rounds", "lead").run()).replace("\\", "")
    for each in departures(config):
        assert each.en in said


def test_a_deeper_round_says_what_became_of_it(house: House, texts_of: Said, tmp_path: Path) -> None:
    fill(house, tmp_path)
    told = {"deeper": "0.500", "present": "0.600", "number": 1}
    publish_round(house)
    set_aside_round(house, {"code": "DeeperNotBetter", "fields": told})
    set_aside_round(house, {"code": "GaveWay", "fields": {}})
    page = house.page("rounds", "lead").run()
    texts_of(page)
    assert list(past_table(page)["狀態"]) == ["讓位（深入）", "沒有換上（深入）", "完成"]
    page.selectbox(key="round_details").set_value(2).run()
    said = texts_of(page).replace("\\", "")
    assert "深入訓練的驗證 macro-F1 是 0.500，不如使用中的 0.600" in said
    assert "上一次訓練沒有完成" not in said


def test_while_a_deeper_round_runs_a_normal_one_can_be_started(house: House, texts_of: Said, tmp_path: Path) -> None:
    fill(house, tmp_path)
    need(house, 15)
    with house.open() as db, writing(db):
        jobs.enqueue(db, house.project_id, scheduling.DEEPER, dedupe_key="d", payload={}, by=None, now=time.time())
    heard(house, {"stage": "teachers", "done": 90, "total": 315, "eta_s": 1200, "detail": {}})
    page = house.page("rounds", "lead").run()
    said = texts_of(page)
    assert "正在深入訓練" in said
    assert "立刻讓位" in said
    assert not page.button(key="start_round").disabled
    page.button(key="start_round").click().run()
    said = texts_of(page)
    assert "已排入" in said
    assert "深入" not in said


def test_an_annotator_may_not(house: House, texts_of: Said) -> None:
    page = house.page("rounds", "annotator").run()
    assert not page.button
    assert "權限" in texts_of(page)


def status(**known: Any) -> RoundStatus:
    base = {"worker_alive": True, "job_id": 1, "state": "running", "stage": "", "done": 0, "total": 0}
    return RoundStatus(**{**base, **known})


def test_progress_words() -> None:
    words = round_strip.progress_words(status(stage="teachers", done=21, total=63, eta_s=75.0))
    assert words == "教師模型 已完成 21 / 63 個，大約還要 75 秒"
    assert round_strip.progress_words(status(stage="unheard_of")) == "unheard_of"
    assert round_strip.progress_words(status()) == "準備中"
    folds = round_strip.progress_words(status(stage="teachers", done=200, total=315, eta_s=600.0, deeper=True))
    assert "已完成 200 / 315 個" in folds
    assert round_strip.share(status(done=5, total=4)) == 1.0
    assert round_strip.detail_words({"valid_f1": [0.5, 0.25], "other": {}}, {}) == "驗證 F1 0.50 / 0.25"


def test_what_the_next_round_needs_is_told_as_long_as_there_is_something() -> None:
    done = RoundRow(
        id=1, number=4, state="published", config={}, code_version="", n_train=1, n_valid=1, n_gold=1, timings={},
        warnings=(), error=None, started_at=0.0, finished_at=1.0,
    )  # fmt: skip
    idle = status(state="idle", in_use=done)

    def words(since: int) -> str:
        ready = Readiness(ready=True, have=50, need=40, gold=9, gold_texts=9, since_last=since, next_at=30)
        return round_strip.idle_words(idle, ready)

    assert words(20) == "目前用的是第 4 輪的模型；再標 10 篇會自動開始下一輪。"
    assert words(30) == words(99) == "目前用的是第 4 輪的模型；下一次儲存標註時會自動開始下一輪。"


def test_every_stage_has_words() -> None:
    told = set(re.findall(r'RoundReport\("(\w+)"', "".join(path.read_text("utf-8") for path in REPORTERS)))
    assert {"text", "vectors", "teachers", "evaluate", "save", "publish"} <= told <= set(round_strip.STAGES)
    assert {"student", "standalone", "score"} <= set(round_strip.STAGES)
    for stage in round_strip.STAGES:
        assert round_strip.stage_words(status(stage=stage)) != stage
        kind = {"label_model": "tree"} if stage in round_strip.OF_TREE else {}
        assert "●" in live.stepper(status(stage=stage, detail=kind))


def test_a_round_of_a_tree_shows_its_own_steps() -> None:
    shown = live.stepper(status(stage="evaluate", detail={"label_model": "tree"}))
    assert "✓ 線性分類器" in shown
    assert "教師模型" not in shown
    assert "教師模型" in live.stepper(status(stage="evaluate"))


def test_a_past_round_of_a_tree_has_places_and_no_teachers(house: House, texts_of: Said, tmp_path: Path) -> None:
    fill(house, tmp_path)
    publish_round(house, config=RoundConfig(label_model="tree"))
    figures = {"measure": "P", "k": 1, "value": 0.75, "low": 0.5, "high": 0.9, "n": 12}
    with house.open() as db, writing(db):
        db.conn.execute("DELETE FROM metrics WHERE model IN ('teacher', 'standalone')")
        places.keep(db, 1, [{"model": "student", "split": "gold", **figures}])
    page = house.page("rounds", "lead").run()
    assert not page.exception
    said = texts_of(page)
    assert "樹狀分類" in said
    assert "nan" not in said
    table = next(each.value for each in page.dataframe if "指標" in each.value)
    assert table.iloc[0].tolist() == ["P@1", "0.750", "0.500 – 0.900"]
    assert past_table(page).iloc[0]["訓練方式"].startswith("樹狀分類")
    overview = house.page("dashboard", "lead").run()
    assert not overview.exception
