"""From no label at all: a rare label is found by its own words, and the queue says so."""

from __future__ import annotations

import json
import time
from pathlib import Path

from core.services import annotating, curating
from core.services.curating import ImportOptions
from core.worker.fast_lane import FastLanes
from db import rounds
from tests.conftest import NOW, make_project

COMMON = ["血壓高的人要少吃鹽", "心臟跳得太快要休息", "睡不好的時候不要喝咖啡", "頭暈要坐下來"]


def texts() -> list[str]:
    """Two hundred of common words; three that speak of fish-oil capsules."""
    usual = [f"{COMMON[n % 4]}，第{n}則。" for n in range(200)]
    rare = ["魚油膠囊隨餐吃比較好吸收", "孕婦想補充魚油先問醫師", "買膠囊要看清楚有效日期與廠牌"]
    return [*usual[:150], *rare, *usual[150:]]


def test_the_first_queue_is_by_the_labels_words_and_is_replaced_when_people_have_answered(db, people, tmp_path) -> None:
    project = make_project(db, labels=("血壓", "睡眠", "魚油膠囊"), fast_lane_every=5)
    file = tmp_path / "pool.jsonl"
    lines = [json.dumps({"text": text, "split": "pool"}, ensure_ascii=False) for text in texts()]
    file.write_text("\n".join(lines), encoding="utf-8")
    curating.run_import(db, project, file, options=ImportOptions(), by=None, now=NOW)
    lanes = FastLanes()
    assert lanes.tick(db) == 1
    assert lanes.tick(db) == 0, "nothing new, nothing done"
    head = rounds.queue_head(db, project, n=12)
    rare = [each["reason"] for each in head if any(word in each["text"] for word in ("魚油", "膠囊"))]
    assert len(rare) == 3
    assert {(why["label"], why["words"]) for why in rare if not why["random"]} == {("k2", True)}
    for n, text in enumerate(annotating.next_texts(db, project, people["ann"], n=5, now=time.time())):
        op = {"uid": f"u{n}", "kind": "save", "document": text.id, "decision": "labelled", "labels": ["k0"]}
        annotating.apply(db, project, people["ann"], [op], now=time.time())
    assert lanes.tick(db) == 1
    found = rounds.queue_head(db, project, n=200)
    assert not all(each["reason"]["words"] for each in found), "what has five positives is the learner's"


def test_a_project_without_texts_has_no_queue(db, people) -> None:
    project = make_project(db)
    assert FastLanes().tick(db) == 0
    assert rounds.queue_head(db, project, n=5) == []
    assert rounds.fast_lane(db, project) is None, "when texts come, it ranks them"


def test_a_strategy_that_does_not_look_at_words_waits_for_labels(db, people, tmp_path: Path) -> None:
    project = make_project(db, acquisition="balanced")
    file = tmp_path / "pool.jsonl"
    file.write_text("\n".join(json.dumps({"text": t, "split": "pool"}) for t in texts()), encoding="utf-8")
    curating.run_import(db, project, file, options=ImportOptions(), by=None, now=NOW)
    assert FastLanes().tick(db) == 0
    assert rounds.queue_head(db, project, n=5) == []
