"""A planted mistake is found, read again and mended with keys, in a real browser."""

from __future__ import annotations

import contextlib
import json
import time
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from core.services import doubting, projects, settling
from core.steps import drained
from core.worker.doubting import make
from db import users
from db.connect import open_database
from tests.e2e.driving import TELEPHONE, Server, running, sign_in

pytestmark = pytest.mark.e2e

WORDS = {"藥物": "服藥 錠劑 劑量 處方", "心理健康": "焦慮 失眠 情緒 壓力", "保健食品": "魚油 膠囊 維他命 益生菌"}
PLANTED = "魚油膠囊隨餐服用，維他命與益生菌也可以一起補充。"


def corpus(path: Path, n: int = 120) -> Path:
    """Texts whose words give their labels away, and one of 保健食品 that somebody labelled 心理健康."""
    rng = np.random.default_rng(4)
    lines = []
    for number in range(n):
        labels = [name for name in WORDS if rng.random() < 0.4] or ["藥物"]
        said = [str(rng.choice(WORDS[name].split())) for name in labels for _ in range(3)]
        split = "gold" if number % 6 == 0 else "train"
        text = f"{'，'.join(rng.permutation(said))}。第 {number} 則。"
        lines.append({"id": f"t{number}", "text": text, "labels": labels, "split": split})
    lines.append({"id": "planted", "text": PLANTED, "labels": ["心理健康"], "split": "train"})
    path.write_text("".join(json.dumps(each, ensure_ascii=False) + "\n" for each in lines), "utf-8")
    return path


def in_words(server: Server, document_id: int) -> set[str]:
    """What the text counts as, by name."""
    with contextlib.closing(open_database(server.database)) as db:
        project = projects.list_projects(db)[0]
        names = project.label_set.names("zh")
        found = {each.document_id: each.labels for each in settling.label_sets(db, project.id, "pool", texts=False)}
        return {names[key] for key in found.get(document_id, ())}


def until_it_counts_as(server: Server, document_id: int, wanted: set[str]) -> None:
    until = time.monotonic() + 15
    while in_words(server, document_id) != wanted and time.monotonic() < until:
        time.sleep(0.1)
    assert in_words(server, document_id) == wanted


def open_list(page: Page, server: Server, view: str) -> None:
    page.goto(f"{server.url}/review")
    page.get_by_role("radio", name=view).click()
    page.wait_for_selector(".tt-text")


def choose(page: Page, wanted: set[str]) -> None:
    """Opens the choice of all labels and presses those that are not as wanted."""
    page.get_by_text("其他標籤也要改").click()
    for name in WORDS:
        pill = page.locator("[class*=st-key-doubts_labels_]").get_by_role("button", name=name)
        if (pill.get_attribute("aria-pressed") == "true") != (name in wanted):
            pill.click()


def test_a_planted_mistake_is_read_again_and_mended_by_keys(browser: Browser, tmp_path: Path) -> None:
    with running(tmp_path, worker=False, corpus=corpus(tmp_path / "texts.jsonl")) as server:
        server.invite(rae="reviewer")
        with contextlib.closing(open_database(server.database)) as db:
            project = projects.list_projects(db)[0]
            drained(make(db, project.id))
            rae = users.by_name(db, "rae")[0]  # type: ignore[index]
            found = doubting.to_read(db, project.id, by=rae.id, n=10).doubts
        place = next(n for n, each in enumerate(found) if each.text == PLANTED)
        assert place < 4, [each.text for each in found]
        planted = found[place].document_id
        page = sign_in(browser, server, "rae")
        open_list(page, server, "再讀一次")
        for before in found[:place]:
            expect(page.locator(".tt-text")).to_contain_text(before.text[:9])
            page.keyboard.press("ArrowRight")
        expect(page.locator(".tt-text")).to_contain_text("魚油膠囊隨餐")
        expect(page.get_by_text("這樣對嗎？")).to_be_visible()
        choose(page, {"保健食品"})
        page.get_by_role("button", name="用這些標籤定案").click()
        expect(page.get_by_text("已定案：保健食品")).to_be_visible()
        until_it_counts_as(server, planted, {"保健食品"})
        expect(page.locator(".tt-text")).not_to_contain_text("魚油膠囊隨餐")
        page.keyboard.press("u")
        until_it_counts_as(server, planted, {"心理健康"})
        phone = sign_in(browser, server, "rae", viewport=TELEPHONE)
        open_list(phone, server, "再讀一次")
        assert phone.evaluate("document.documentElement.scrollWidth") <= TELEPHONE["width"]
        asked = phone.get_by_text("這樣對嗎？").inner_text()
        for _ in range(20):  # a page that has just come may not listen yet
            phone.keyboard.press("y")
            phone.wait_for_timeout(500)
            if not phone.get_by_text(asked).count():
                break
        expect(phone.get_by_text(asked)).to_have_count(0)
        expect(phone.get_by_text("這樣對嗎？")).to_be_visible()
        assert server.rows("SELECT count(*) AS n FROM doubts_seen")[0]["n"] >= 1
