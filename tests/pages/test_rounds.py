"""Rounds: what is missing, the button, the live state, the past."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from streamlit.testing.v1 import AppTest

from core.services import projects
from core.services.scheduling import RoundStatus
from db import jobs
from db.connect import writing
from pages import rounds
from pages.shared import round_strip
from tests.pages.conftest import House
from tests.pages.filling import fill, publish_round

Said = Callable[[AppTest], str]


def need(house: House, labels: int) -> None:
    """Makes ``labels`` enough for a round."""
    with house.open() as db:
        project = projects.project(db, house.project_id)
        changed = type(project.settings)(**{**project.settings.__dict__, "round_min_labels": labels})
        projects.update_settings(db, project.id, changed, by=house.people["admin"].id, now=time.time())


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


def test_past_rounds_are_a_table_with_their_figures(house: House, texts_of: Said, tmp_path: Path) -> None:
    fill(house, tmp_path)
    publish_round(house)
    publish_round(house, base=0.1)
    page = house.page("rounds", "lead").run()
    texts_of(page)
    table = page.dataframe[0].value
    assert list(table["輪次"]) == [2, 1]
    assert table["學生模型"][0] == "0.700 [0.60, 0.80]"
    assert table["金標準 n"][0] == "12"
    assert "textcnn" in page.json[0].value


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
    assert round_strip.share(status(done=5, total=4)) == 1.0
    assert round_strip.detail_words({"valid_f1": [0.5, 0.25], "other": {}}, {}) == "驗證 F1 0.50 / 0.25"


def test_every_stage_has_words() -> None:
    for stage in round_strip.STAGES:
        assert round_strip.stage_words(status(stage=stage)) != stage
        assert "●" in rounds.stepper(status(stage=stage))
